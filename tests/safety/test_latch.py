"""The latch file: what was latched comes back, what cannot be read locks out."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.latch import parse, render
from safety.types import Trip

TRIP = Trip("H45", "over_temperature", "tc", "tc.tip_c", 71.5, 60.0, 0.12, 812.4, "too hot", "coolant", False, True)


def test_round_trip() -> None:
    assert parse(render("cooled-rf", TRIP), "cooled-rf") == TRIP
    assert parse(render("cooled-rf", TRIP).encode(), "cooled-rf") == TRIP


def test_numbers_that_json_does_not_know() -> None:
    trip = Trip("H15", "staleness", "gen", "gen.power_w", math.inf, 0.25, math.nan, 1.0, "Ü", "x", True, False)
    text = render("b", trip)
    json.loads(text, parse_constant=lambda word: pytest.fail(word))
    back = parse(text, "b")
    assert (back.value, math.isnan(back.age_s), back.lockout, back.text) == (math.inf, True, True, "Ü")


def assert_unreadable(trip: Trip) -> None:
    assert (trip.hazard, trip.monitor, trip.lockout) == ("H74", "latch", True)
    assert trip.text.startswith("latch unreadable")


@pytest.mark.parametrize(
    "text", ["", "{}", "null", "[]", "17", b"\xff\xfe", "\x00" * 100, '{"crc32": 1}', "[" * 100_000]
)
def test_garbage_locks_out(text: str | bytes) -> None:
    assert_unreadable(parse(text, "cooled-rf"))


def test_another_bench_locks_out() -> None:
    trip = parse(render("cooled-rf", TRIP), "other")
    assert_unreadable(trip)
    assert "cooled-rf" in trip.text


def test_a_consistent_file_with_other_fields_locks_out() -> None:
    import zlib

    document = json.loads(render("b", TRIP))
    document.pop("crc32")
    document["trip"]["lockout"] = 0
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"))
    document["crc32"] = f"{zlib.crc32(canonical.encode()):08x}"
    assert_unreadable(parse(json.dumps(document), "b"))


@given(st.integers(0, 10_000))
def test_every_truncation_locks_out(cut: int) -> None:
    text = render("cooled-rf", TRIP)
    assert_unreadable(parse(text[: cut % (len(text) - 1)], "cooled-rf"))


@given(st.integers(0, 10_000), st.integers(0, 6))
def test_no_flipped_bit_yields_another_trip(place: int, bit: int) -> None:
    data = bytearray(render("cooled-rf", TRIP).encode())
    data[place % len(data)] ^= 1 << bit
    trip = parse(bytes(data), "cooled-rf")
    assert trip == TRIP or trip.hazard == "H74"  # white space may change without harm


@given(st.text(), st.floats(), st.floats(), st.booleans())
def test_any_trip_survives(text: str, value: float, t_s: float, lockout: bool) -> None:
    trip = Trip("H01", "m", "d", "c", value, 0.0, 0.0, t_s, text, text, lockout)
    back = parse(render(text, trip), text)
    assert repr(back) == repr(trip)
