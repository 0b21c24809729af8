"""The latch file: what was latched comes back, what cannot be read locks out. The ledger: so does what is missed."""

from __future__ import annotations

import dataclasses
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety import latch
from safety.latch import parse, recall, render, render_ledger
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


# ---- the ledger beside it

LATCH = render("b", TRIP)
LOCKED = dataclasses.replace(TRIP, lockout=True)


def test_both_files_together() -> None:
    resets = (100.0, 350.5)
    assert recall(None, None, "b", 400.0) == (None, ())
    assert recall(LATCH, None, "b", 400.0) == (TRIP, ())  # a watchdog writes the latch alone
    assert recall(None, render_ledger("b", False, resets), "b", 400.0) == (None, resets)
    assert recall(LATCH, render_ledger("b", True, resets), "b", 400.0) == (TRIP, resets)
    assert recall(LATCH, render_ledger("b", False, resets), "b", 400.0) == (TRIP, resets)  # cut after the reset


def test_a_latch_that_was_taken_away_is_missed() -> None:
    trip, resets = recall(None, render_ledger("b", True, (100.0,)), "b", 400.0)
    assert trip is not None
    assert_unreadable(trip)
    assert "it is gone, and nobody has reset it" in trip.text
    assert resets == ()


@pytest.mark.parametrize("ledger", ["", "{}", "null", b"\xff", render_ledger("other", False, ()), LATCH])
def test_a_ledger_that_is_damaged_or_foreign_locks_out(ledger: str | bytes) -> None:
    trip, _ = recall(None, ledger, "b", 400.0)
    assert trip is not None
    assert_unreadable(trip)
    assert recall(LATCH, ledger, "b", 400.0) == (LOCKED, ())  # what had tripped is still told


@given(st.integers(0, 10_000))
def test_every_truncated_ledger_locks_out(cut: int) -> None:
    text = render_ledger("b", False, (100.0,))
    trip, _ = recall(None, text[: cut % (len(text) - 1)], "b", 400.0)
    assert trip is not None
    assert_unreadable(trip)


@given(st.integers(0, 10_000), st.integers(0, 6))
def test_no_flipped_bit_of_a_ledger_forgets_anything(place: int, bit: int) -> None:
    data = bytearray(render_ledger("b", False, (100.0, 200.0)).encode())
    data[place % len(data)] ^= 1 << bit
    trip, resets = recall(None, bytes(data), "b", 400.0)
    assert resets == (100.0, 200.0) if trip is None else trip.lockout


def test_a_reset_of_before_the_computers_start_is_as_young_as_it_can_be() -> None:
    ledger = render_ledger("b", False, (30.0, 9000.0))
    assert recall(None, ledger, "b", 45.0) == (None, (30.0, 45.0))


def test_files_of_another_format_are_unreadable_however_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as later:
        later.setattr(latch, "FORMAT", "openablate-latch-2")
        later.setattr(latch, "LEDGER", "openablate-ledger-2")
        newer, ledger = render("b", TRIP), render_ledger("b", False, ())
    assert_unreadable(parse(newer, "b"))
    assert recall(LATCH, ledger, "b", 1.0) == (LOCKED, ())
