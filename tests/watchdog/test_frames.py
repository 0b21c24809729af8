"""Frames survive the wire, damage never does, and no bytes at all raise."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.types import State
from safety.watchdog.frames import (
    STATES,
    Heartbeat,
    Hello,
    StatusFrame,
    pack_heartbeat,
    pack_hello,
    pack_status,
    unpack_heartbeat,
    unpack_hello,
    unpack_message,
    unpack_status,
)
from tests.watchdog.beats import GEN, RELAY, beat, hello

U16, U32, U64 = st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)
HEARTBEATS = st.builds(
    Heartbeat,
    seq=U32,
    t_mono_ns=U64,
    state=st.sampled_from(State),
    epoch=U32,
    grant_mw=U32,
    enable_request=st.booleans(),
    config_hash8=st.binary(min_size=8, max_size=8),
    progress=st.lists(U16, max_size=32).map(tuple),
    oldest_sample_age_ms=U16,
)
STATUSES = st.builds(
    StatusFrame,
    seq_echo=U32,
    t_mono_ns=U64,
    ready=st.booleans(),
    latched=st.booleans(),
    cut=st.booleans(),
    enable_present=st.booleans(),
    enable_commanded=st.booleans(),
    enable_closed=st.sampled_from((None, False, True)),
    enable_read_age_ms=U16,
    lease_ms=U16,
)


@given(HEARTBEATS)
def test_a_heartbeat_survives(frame: Heartbeat) -> None:
    assert unpack_heartbeat(pack_heartbeat(frame)) == frame


@given(STATUSES)
def test_a_status_survives(frame: StatusFrame) -> None:
    assert unpack_status(pack_status(frame)) == frame


@given(HEARTBEATS, st.data())
def test_no_damage_of_up_to_four_bytes_in_a_row_survives(frame: Heartbeat, data: st.DataObject) -> None:
    whole = bytearray(pack_heartbeat(frame))
    start = data.draw(st.integers(0, len(whole) - 1))
    noise = data.draw(st.binary(min_size=1, max_size=4).filter(any))
    for place, byte in enumerate(noise):
        if start + place < len(whole):
            whole[start + place] ^= byte
    assert bytes(whole) == pack_heartbeat(frame) or unpack_heartbeat(bytes(whole)) is None


@given(HEARTBEATS, st.integers(1, 20))
def test_a_cut_or_padded_frame_is_none(frame: Heartbeat, count: int) -> None:
    whole = pack_heartbeat(frame)
    assert unpack_heartbeat(whole[:-count]) is None
    assert unpack_heartbeat(whole + bytes(count)) is None


@given(st.binary(max_size=200))
def test_any_bytes_are_judged(data: bytes) -> None:
    assert unpack_heartbeat(data) is None
    assert unpack_status(data) is None
    assert unpack_message(data) is None or data.startswith(b"{")


@given(st.integers(), st.integers(), st.integers(), st.integers(), st.binary(max_size=20))
def test_any_numbers_can_be_packed(t_ns: int, epoch: int, grant: int, age: int, hash8: bytes) -> None:
    frame = beat(1, 0.0)._replace(t_mono_ns=t_ns, epoch=epoch, grant_mw=grant, oldest_sample_age_ms=age)
    back = unpack_heartbeat(pack_heartbeat(frame._replace(config_hash8=hash8)))
    assert back is not None
    assert back.grant_mw == max(0, min(grant, 4294967295))


def test_one_frame_is_never_taken_for_the_other() -> None:
    status = StatusFrame(1, 2, True, False, False, True, True, True, 3, 200)
    assert unpack_heartbeat(pack_status(status)) is None
    assert unpack_status(pack_heartbeat(beat(1, 0.0))) is None


def test_a_heartbeat_is_these_bytes() -> None:
    frame = beat(258, 1.0, state=State.FIRING, grant_mw=50_000, enable_request=True, progress=(3,))
    head = "ab57 4248 02010000 00ca9a3b00000000 05 01 01000000 50c30000 0001020304050607 3200 01 0300"
    assert pack_heartbeat(frame)[:-4] == bytes.fromhex(head)


def test_the_wire_knows_every_state() -> None:
    assert len(STATES) == 10
    assert set(STATES) == set(State)


def test_hello_carries_plans_and_places_of_descriptors() -> None:
    data, fds = pack_hello(hello(plans=((GEN, 7), (GEN, None)), enable=(RELAY, 9)))
    assert fds == [7, 9]
    message = unpack_message(data)
    assert message is not None
    assert unpack_hello(message, [17, 19]) == hello(plans=((GEN, 17), (GEN, None)), enable=(RELAY, 19))


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_any_json_is_a_hello_or_a_value_error(value: object) -> None:
    whole = json.loads(pack_hello(hello())[0])
    for key in ("plans", "enable", "period_s", "progress", "max_sample_age_s"):
        with contextlib.suppress(ValueError):
            assert isinstance(unpack_hello({**whole, key: value}, []), Hello)


def test_a_descriptor_that_did_not_come_is_an_error() -> None:
    message = unpack_message(pack_hello(hello(plans=((GEN, 5),)))[0])
    assert message is not None
    with pytest.raises(ValueError, match="not a HELLO"):
        unpack_hello(message, [])
