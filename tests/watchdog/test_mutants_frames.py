"""Frames and messages byte for byte, and every way in which one can be short, long or out of its range."""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any

import pytest

from tests.mutation.total import raises_nothing


def sealed(body: bytes) -> bytes:
    return body + struct.pack("<I", zlib.crc32(body))


def a_beat(**change: Any) -> Any:
    from safety.types import State
    from safety.watchdog.frames import Heartbeat

    words: dict[str, Any] = {
        "seq": 258, "t_mono_ns": 10**9, "state": State.FIRING, "epoch": 1, "grant_mw": 50_000, "enable_request": True,
        "config_hash8": bytes(range(8)), "progress": (3, 65535), "oldest_sample_age_ms": 50,
    }  # fmt: skip
    return Heartbeat(**{**words, **change})


BEAT = bytes.fromhex("ab57 4248 02010000 00ca9a3b00000000 05 01 01000000 50c30000 0001020304050607 3200 02 0300 ffff")
STATUS = bytes.fromhex("ab57 5753 04030201 00ca9a3b00000000 7f 2800 c800")


@raises_nothing
def test_numbers_of_the_wire() -> None:
    from safety.watchdog import frames

    assert (frames.MAGIC, frames.ID_HEARTBEAT, frames.ID_STATUS) == (b"\xab\x57", 0x4842, 0x5357)
    assert (frames.READ_NEVER_MS, frames.MAX_PROGRESS, frames.MAX_MESSAGE) == (65535, 32, 65536)
    assert frames.ENVIRONMENT == "ABLATE_WATCHDOG_FD"
    names = ["BOOT", "SAFE", "PRECHECK", "READY", "ARMED", "FIRING", "STOPPING", "COOLDOWN", "TRIPPED", "LOCKOUT"]
    assert [state.value for state in frames.STATES] == names


@raises_nothing
def test_a_heartbeat_is_these_bytes() -> None:
    from safety.watchdog.frames import pack_heartbeat, unpack_heartbeat

    assert pack_heartbeat(a_beat()) == sealed(BEAT)
    assert unpack_heartbeat(sealed(BEAT)) == a_beat()
    idle = pack_heartbeat(a_beat(enable_request=False))
    assert (idle[17], unpack_heartbeat(idle)) == (0, a_beat(enable_request=False))


@pytest.mark.parametrize("state", range(10))
@raises_nothing
def test_every_state_has_its_number(state: int) -> None:
    from safety.watchdog.frames import STATES, pack_heartbeat, unpack_heartbeat

    data = pack_heartbeat(a_beat(state=STATES[state]))
    assert data[16] == state
    assert unpack_heartbeat(data) == a_beat(state=STATES[state])


@pytest.mark.parametrize(
    "place, value",
    [(0, 0xAA), (1, 0x56), (2, 0x43), (3, 0x49), (16, 10), (16, 255), (17, 2), (17, 255), (36, 1), (36, 3), (36, 33)],
)
@raises_nothing
def test_a_heartbeat_with_a_wrong_byte_is_none(place: int, value: int) -> None:
    from safety.watchdog.frames import unpack_heartbeat

    body = bytearray(BEAT)
    body[place] = value
    assert unpack_heartbeat(sealed(bytes(body))) is None


@pytest.mark.parametrize("cut", range(1, 46))
@raises_nothing
def test_a_short_frame_is_none(cut: int) -> None:
    from safety.watchdog.frames import unpack_heartbeat, unpack_status

    whole, status = sealed(BEAT), sealed(STATUS)
    assert unpack_heartbeat(whole[:-cut]) is None
    assert unpack_heartbeat(sealed(BEAT[: max(len(BEAT) - cut, 0)])) is None
    assert unpack_status(status[: max(len(status) - cut, 0)]) is None
    assert unpack_status(sealed(STATUS[: max(len(STATUS) - cut, 0)])) is None


@pytest.mark.parametrize("more", [b"\0", b"\0\0", bytes(40)])
@raises_nothing
def test_a_long_frame_is_none(more: bytes) -> None:
    from safety.watchdog.frames import unpack_heartbeat, unpack_status

    assert unpack_heartbeat(sealed(BEAT + more)) is None
    assert unpack_status(sealed(STATUS + more)) is None


@raises_nothing
def test_thirty_two_counters_and_no_more() -> None:
    from safety.watchdog.frames import pack_heartbeat, unpack_heartbeat

    full = tuple(range(32))
    assert unpack_heartbeat(pack_heartbeat(a_beat(progress=full))) == a_beat(progress=full)
    assert unpack_heartbeat(pack_heartbeat(a_beat(progress=(*full, 99)))) == a_beat(progress=full)
    assert unpack_heartbeat(pack_heartbeat(a_beat(progress=()))) == a_beat(progress=())
    too_many = BEAT[:36] + b"\x21" + bytes(66)
    assert unpack_heartbeat(sealed(too_many)) is None


@raises_nothing
def test_numbers_wrap_or_are_held_to_their_field() -> None:
    from safety.watchdog.frames import pack_heartbeat, unpack_heartbeat

    odd = a_beat(
        seq=2**32 + 5, t_mono_ns=-1, epoch=2**32, grant_mw=2**40, oldest_sample_age_ms=65536, progress=(65536 + 7,)
    )
    told = unpack_heartbeat(pack_heartbeat(odd))
    assert told == a_beat(
        seq=5, t_mono_ns=0, epoch=2**32 - 1, grant_mw=2**32 - 1, oldest_sample_age_ms=65535, progress=(7,)
    )
    far = unpack_heartbeat(pack_heartbeat(a_beat(t_mono_ns=2**70, epoch=-3, grant_mw=-1, oldest_sample_age_ms=-1)))
    assert far == a_beat(t_mono_ns=2**64 - 1, epoch=0, grant_mw=0, oldest_sample_age_ms=0)
    for hash8, sent in ((b"", bytes(8)), (b"abc", b"abc\0\0\0\0\0"), (b"123456789", b"12345678")):
        assert unpack_heartbeat(pack_heartbeat(a_beat(config_hash8=hash8))) == a_beat(config_hash8=sent)


FLAGS = ("ready", "latched", "cut", "enable_present", "enable_commanded")


def a_status(**change: Any) -> Any:
    from safety.watchdog.frames import StatusFrame

    words: dict[str, Any] = {
        "seq_echo": 0x01020304, "t_mono_ns": 10**9, **dict.fromkeys(FLAGS, True), "enable_closed": True,
        "enable_read_age_ms": 40, "lease_ms": 200,
    }  # fmt: skip
    return StatusFrame(**{**words, **change})


@raises_nothing
def test_a_status_is_these_bytes() -> None:
    from safety.watchdog.frames import pack_status, unpack_status

    assert pack_status(a_status()) == sealed(STATUS)
    assert unpack_status(sealed(STATUS)) == a_status()
    odd = a_status(seq_echo=2**32 + 9, t_mono_ns=2**70, enable_read_age_ms=70_000, lease_ms=70_000)
    held = a_status(seq_echo=9, t_mono_ns=2**64 - 1, enable_read_age_ms=65535, lease_ms=65535)
    assert unpack_status(pack_status(odd)) == held
    low = a_status(t_mono_ns=-1, enable_read_age_ms=-1, lease_ms=-1)
    assert unpack_status(pack_status(low)) == a_status(t_mono_ns=0, enable_read_age_ms=0, lease_ms=0)


@pytest.mark.parametrize("place, name", [*enumerate(FLAGS)])
@raises_nothing
def test_every_flag_has_its_bit(place: int, name: str) -> None:
    from safety.watchdog.frames import pack_status, unpack_status

    off = dict.fromkeys(FLAGS, False)
    frame = a_status(**{**off, name: True}, enable_closed=None)
    assert pack_status(frame)[16] == 1 << place
    assert unpack_status(pack_status(frame)) == frame


@pytest.mark.parametrize("closed, bits", [(None, 0), (False, 0x20), (True, 0x60)])
@raises_nothing
def test_closed_open_or_unknown(closed: bool | None, bits: int) -> None:
    from safety.watchdog.frames import pack_status, unpack_status

    frame = a_status(**dict.fromkeys(FLAGS, False), enable_closed=closed)
    assert pack_status(frame)[16] == bits
    assert unpack_status(pack_status(frame)) == frame


@pytest.mark.parametrize("flags", [0x40, 0x80, 0xFF])
@raises_nothing
def test_flags_that_contradict_themselves_are_none(flags: int) -> None:
    from safety.watchdog.frames import unpack_status

    body = bytearray(STATUS)
    body[16] = flags
    assert unpack_status(sealed(bytes(body))) is None


@raises_nothing
def test_hello_is_this_message() -> None:
    from safety.watchdog.frames import Hello, pack_hello, unpack_hello, unpack_message
    from tests.watchdog.beats import GEN, RELAY

    assert pack_hello(Hello(((GEN, None),)))[0].startswith(b'{"message": "hello", "plans": [{"plan": "{')
    plain = Hello(((GEN, None),))
    assert (plain.enable, plain.period_s, plain.progress, plain.max_sample_age_s) == (None, 0.05, (), 3.0)
    whole = Hello(((GEN, 7), (GEN, None), (GEN, 8)), (RELAY, 9), 0.04, (("gen", 0.5),), 2.5)
    data, fds = pack_hello(whole)
    message = unpack_message(data)
    assert message is not None
    assert fds == [7, 8, 9]
    assert {k: v for k, v in message.items() if k not in ("plans", "enable")} == {
        "message": "hello", "period_s": 0.04, "progress": [["gen", 0.5]], "max_sample_age_s": 2.5,
    }  # fmt: skip
    assert [item["fd"] for item in (*message["plans"], message["enable"])] == [0, None, 1, 2]
    received = Hello(((GEN, 17), (GEN, None), (GEN, 18)), (RELAY, 19), 0.04, (("gen", 0.5),), 2.5)
    assert unpack_hello(message, [17, 18, 19]) == received
    alone, none = pack_hello(plain)
    assert (json.loads(alone)["enable"], none) == (None, [])
    assert unpack_hello(json.loads(alone), []) == plain


@raises_nothing
def test_plans_in_each_others_place_are_refused() -> None:
    from safety.safeoff import to_json
    from safety.watchdog.frames import Hello, pack_hello, unpack_hello
    from tests.watchdog.beats import GEN, RELAY

    whole = json.loads(pack_hello(Hello(((GEN, None),), (RELAY, None)))[0])
    gen, relay = ({"plan": to_json(plan), "fd": None} for plan in (GEN, RELAY))
    with pytest.raises(ValueError, match=r"^a plan is not a SafeOffPlan$"):
        unpack_hello({**whole, "plans": [gen, relay]}, [])
    with pytest.raises(ValueError, match=r"^the enable plan is not an EnablePlan$"):
        unpack_hello({**whole, "enable": gen}, [])


@pytest.mark.parametrize(
    "data, message",
    [
        (b'{"message": "bye"}', {"message": "bye"}), (b'{"message": "x", "n": 1}', {"message": "x", "n": 1}),
        (b'{"message": 5}', None), (b'{"text": "bye"}', None), (b"{}", None), (b'{"message": "bye"', None),
        (b'["message"]', None), (b' {"message": "bye"}', None), (b"", None), (b"{" + b'"a":{' * 100_000, None),
    ],
)  # fmt: skip
@raises_nothing
def test_messages(data: bytes, message: object) -> None:
    from safety.watchdog.frames import unpack_message

    assert unpack_message(data) == message
