"""Latch and ledger as they lie on disk, byte for byte, and files that are whole but say the wrong thing."""

from __future__ import annotations

import json
import math
import zlib
from typing import Any

import pytest

from tests.mutation.total import raises_nothing

LATCH = """{
 "bench": "cooled-rf",
 "crc32": "CRC",
 "format": "openablate-latch-1",
 "trip": {
  "age_s": "0.12",
  "channel": "tc.tip_c",
  "check": "coolant",
  "device": "tc",
  "hazard": "H45",
  "limit": "60.0",
  "lockout": false,
  "monitor": "over_temperature",
  "pump_off": true,
  "t_s": "812.4",
  "text": "too hot",
  "value": "71.5"
 }
}
"""
LEDGER = """{
 "bench": "cooled-rf",
 "crc32": "CRC",
 "format": "openablate-ledger-1",
 "latched": true,
 "resets": [
  "7.5",
  "9.25"
 ]
}
"""


def sealed(text: str, **changes: Any) -> str:
    """The document with changes (``trip``: to its fields) and the sum that belongs to it."""
    document = json.loads(text)
    document.pop("crc32")
    fields = changes.pop("trip", {})
    document.update(changes)
    if "trip" in document:
        document["trip"] = {k: v for k, v in {**document["trip"], **fields}.items() if v is not None}
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"))
    document["crc32"] = f"{zlib.crc32(canonical.encode()):08x}"
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def a_trip() -> Any:
    from safety.types import Trip

    return Trip("H45", "over_temperature", "tc", "tc.tip_c", 71.5, 60.0, 0.12, 812.4, "too hot", "coolant", False, True)


@raises_nothing
def test_files_are_these_bytes() -> None:
    from safety import latch

    assert latch.render("cooled-rf", a_trip()) == sealed(LATCH)
    assert latch.render_ledger("cooled-rf", True, (7.5, 9.25)) == sealed(LEDGER)
    assert latch.parse(sealed(LATCH), "cooled-rf") == a_trip()


@pytest.mark.parametrize("name", ["value", "limit", "age_s", "t_s"])
@raises_nothing
def test_each_number_is_text(name: str) -> None:
    from safety import latch

    assert getattr(latch.parse(sealed(LATCH, trip={name: "-inf"}), "cooled-rf"), name) == -math.inf
    assert latch.parse(sealed(LATCH, trip={name: 5.0}), "cooled-rf").text == (
        "latch unreadable: ValueError: fields are missing, foreign or wrong"
    )


@pytest.mark.parametrize("name", ["hazard", "monitor", "device", "channel", "text", "check"])
@raises_nothing
def test_each_text_is_text(name: str) -> None:
    from safety import latch

    assert getattr(latch.parse(sealed(LATCH, trip={name: "other"}), "cooled-rf"), name) == "other"
    trip = latch.parse(sealed(LATCH, trip={name: 5}), "cooled-rf")
    assert (trip.lockout, trip.text) == (
        True,
        "latch unreadable: ValueError: fields are missing, foreign or wrong",
    )


@pytest.mark.parametrize("name", ["lockout", "pump_off"])
@raises_nothing
def test_each_flag_is_a_flag(name: str) -> None:
    from safety import latch

    assert getattr(latch.parse(sealed(LATCH, trip={name: True}), "cooled-rf"), name) is True
    trip = latch.parse(sealed(LATCH, trip={name: 0}), "cooled-rf")
    assert (trip.lockout, trip.text) == (
        True,
        "latch unreadable: ValueError: fields are missing, foreign or wrong",
    )


@pytest.mark.parametrize("fields", [{"pump_off": None}, {"more": "x"}, {"text": None, "txt": "too hot"}])
@raises_nothing
def test_fields_are_all_there_and_no_others(fields: dict[str, Any]) -> None:
    from safety import latch

    trip = latch.parse(sealed(LATCH, trip=fields), "cooled-rf")
    assert (trip.lockout, trip.text) == (
        True,
        "latch unreadable: ValueError: fields are missing, foreign or wrong",
    )


@raises_nothing
def test_what_cannot_be_read_is_this_trip() -> None:
    from safety import latch

    trip = latch.parse(sealed(LATCH, format="openablate-latch-2"), "cooled-rf")
    assert (trip.hazard, trip.monitor, trip.device, trip.channel) == ("H74", "latch", "latch", "")
    assert (math.isnan(trip.value), math.isnan(trip.limit), trip.age_s, trip.t_s) == (True, True, 0.0, 0.0)
    assert (trip.lockout, trip.pump_off) == (True, False)
    assert trip.text == "latch unreadable: ValueError: checksum or format is wrong"
    assert trip.check.startswith("the session files for what had tripped")
    assert latch.parse(sealed(LATCH).replace("too hot", "too cold"), "cooled-rf").text == trip.text
    assert latch.parse(sealed(LATCH), "x").text == "latch unreadable: ValueError: it belongs to bench 'cooled-rf'"


@raises_nothing
def test_a_ledger_says_whether_there_must_be_a_latch() -> None:
    from safety import latch

    whole, clear = sealed(LEDGER), sealed(LEDGER, latched=False)
    assert latch.recall(None, None, "cooled-rf", 8.0) == (None, ())
    assert latch.recall(sealed(LATCH), None, "cooled-rf", 8.0) == (a_trip(), ())
    assert latch.recall(sealed(LATCH), whole, "cooled-rf", 8.0) == (a_trip(), (7.5, 8.0))
    assert latch.recall(sealed(LATCH), clear, "cooled-rf", 80.0) == (a_trip(), (7.5, 9.25))
    assert latch.recall(None, clear, "cooled-rf", 80.0) == (None, (7.5, 9.25))
    gone, resets = latch.recall(None, whole, "cooled-rf", 80.0)
    assert gone is not None
    assert (gone.hazard, gone.lockout, resets) == ("H74", True, ())
    assert gone.text == "latch unreadable: ValueError: it is gone, and nobody has reset it"


@pytest.mark.parametrize(
    "ledger", ["", "{}", LEDGER, sealed(LEDGER, format="openablate-latch-1"), sealed(LEDGER, bench="other")]
)
@raises_nothing
def test_a_damaged_ledger_locks_out_and_keeps_the_cause(ledger: str) -> None:
    from safety import latch

    trip, resets = latch.recall(sealed(LATCH), ledger, "cooled-rf", 80.0)
    assert trip is not None
    assert (trip.hazard, trip.value, trip.lockout, resets) == ("H45", 71.5, True, ())
    alone, resets = latch.recall(None, ledger, "cooled-rf", 80.0)
    assert alone is not None
    assert (alone.hazard, alone.lockout, resets) == ("H74", True, ())
