"""What daemon and watchdog say to each other, as bytes. Pure; unpacking is total on any bytes.

Two frames go over the link at every tick, each end-to-end protected in the manner of AUTOSAR E2E (magic, data id,
sequence, CRC-32): a :class:`Heartbeat` down, a :class:`StatusFrame` back. The rare messages are JSON: HELLO
(:class:`Hello`: plans, with their descriptors beside it as SCM_RIGHTS), READY or REFUSED (the answer) and BYE. A
heartbeat is evidence of a completed tick, never of a living process (P12).
"""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass
from typing import Any, NamedTuple

from safety.safeoff import EnablePlan, SafeOffPlan, from_json, to_json
from safety.types import State

ENVIRONMENT = "ABLATE_WATCHDOG_FD"  # holds the number of the descriptor of the daemon's end of the link
MAGIC = b"\xabW"
ID_HEARTBEAT = 0x4842
ID_STATUS = 0x5357
READ_NEVER_MS = 0xFFFF
MAX_PROGRESS = 32
MAX_MESSAGE = 65536

STATES: tuple[State, ...] = (
    State.BOOT,
    State.SAFE,
    State.PRECHECK,
    State.READY,
    State.ARMED,
    State.FIRING,
    State.STOPPING,
    State.COOLDOWN,
    State.TRIPPED,
    State.LOCKOUT,
)
"""The state's number on the wire is its place here; append only."""

_BEAT = struct.Struct("<2sHIQBBII8sHB")  # ..., then count x u16, then crc32
_STATUS = struct.Struct("<2sHIQBHH")
_CRC = struct.Struct("<I")


class Heartbeat(NamedTuple):
    """The claim of one completed tick, in wire units. ``progress`` counts work done, in the order HELLO names."""

    seq: int
    t_mono_ns: int
    state: State
    epoch: int
    grant_mw: int
    enable_request: bool
    config_hash8: bytes
    progress: tuple[int, ...]
    oldest_sample_age_ms: int


class StatusFrame(NamedTuple):
    """The watchdog's answer. ``enable_closed`` None: not known (no enable line, no reply, or older than 500 ms)."""

    seq_echo: int
    t_mono_ns: int
    ready: bool
    latched: bool
    cut: bool
    enable_present: bool
    enable_commanded: bool
    enable_closed: bool | None
    enable_read_age_ms: int
    lease_ms: int


def _clamp(value: int, bits: int) -> int:
    return max(0, min(int(value), (1 << bits) - 1))


def _sealed(body: bytes) -> bytes:
    return body + _CRC.pack(zlib.crc32(body))


def _opened(data: bytes, data_id: int, size: int) -> bytes | None:
    """The body of a frame whose length, magic, id and CRC are right."""
    if len(data) < size + _CRC.size or data[:2] != MAGIC or int.from_bytes(data[2:4], "little") != data_id:
        return None
    body = data[: -_CRC.size]
    return body if data[-_CRC.size :] == _CRC.pack(zlib.crc32(body)) else None


def pack_heartbeat(beat: Heartbeat) -> bytes:
    """Bytes of a heartbeat. Numbers outside their field are clamped to it; counters wrap at 2**16, ``seq`` at 2**32."""
    progress = beat.progress[:MAX_PROGRESS]
    head = _BEAT.pack(
        MAGIC,
        ID_HEARTBEAT,
        beat.seq & 0xFFFFFFFF,
        _clamp(beat.t_mono_ns, 64),
        STATES.index(beat.state),
        1 if beat.enable_request else 0,
        _clamp(beat.epoch, 32),
        _clamp(beat.grant_mw, 32),
        beat.config_hash8[:8].ljust(8, b"\0"),
        _clamp(beat.oldest_sample_age_ms, 16),
        len(progress),
    )
    return _sealed(head + struct.pack(f"<{len(progress)}H", *(count & 0xFFFF for count in progress)))


def unpack_heartbeat(data: bytes) -> Heartbeat | None:
    """The heartbeat in ``data``, or None when it is not a whole, undamaged one."""
    body = _opened(data, ID_HEARTBEAT, _BEAT.size)
    if body is None:
        return None
    _, _, seq, t_mono_ns, state, flags, epoch, grant_mw, config_hash8, age_ms, count = _BEAT.unpack_from(body)
    if state >= len(STATES) or flags > 1 or count > MAX_PROGRESS or len(body) != _BEAT.size + 2 * count:
        return None
    progress = struct.unpack_from(f"<{count}H", body, _BEAT.size)
    return Heartbeat(seq, t_mono_ns, STATES[state], epoch, grant_mw, bool(flags), config_hash8, progress, age_ms)


def pack_status(status: StatusFrame) -> bytes:
    """Bytes of a status frame; numbers outside their field are clamped to it."""
    known = status.enable_closed is not None
    bits = (status.ready, status.latched, status.cut, status.enable_present, status.enable_commanded, known)
    flags = sum(1 << place for place, bit in enumerate((*bits, bool(status.enable_closed))) if bit)
    age_ms, lease_ms = _clamp(status.enable_read_age_ms, 16), _clamp(status.lease_ms, 16)
    t_mono_ns = _clamp(status.t_mono_ns, 64)
    return _sealed(_STATUS.pack(MAGIC, ID_STATUS, status.seq_echo & 0xFFFFFFFF, t_mono_ns, flags, age_ms, lease_ms))


def unpack_status(data: bytes) -> StatusFrame | None:
    """The status frame in ``data``, or None when it is not a whole, undamaged one."""
    body = _opened(data, ID_STATUS, _STATUS.size)
    if body is None or len(body) != _STATUS.size:
        return None
    _, _, seq_echo, t_mono_ns, flags, age_ms, lease_ms = _STATUS.unpack(body)
    ready, latched, cut, present, commanded, known, closed = (bool(flags >> place & 1) for place in range(7))
    if flags > 0x7F or (closed and not known):
        return None
    enable_closed = closed if known else None
    return StatusFrame(seq_echo, t_mono_ns, ready, latched, cut, present, commanded, enable_closed, age_ms, lease_ms)


@dataclass(frozen=True, slots=True)
class Hello:
    """What the daemon hands over before its first tick.

    ``plans``: how each energy source is turned off, with the descriptor to share (None: the plan's ``reopen`` is
    used). ``enable``: the enable line, the watchdog's own from now on. ``period_s``: the tick. ``progress``: name and
    longest permitted standstill (s) of each counter of the heartbeat, judged while FIRING. ``max_sample_age_s``: the
    oldest sample that may be in use while FIRING.
    """

    plans: tuple[tuple[SafeOffPlan, int | None], ...]
    enable: tuple[EnablePlan, int | None] | None = None
    period_s: float = 0.05
    progress: tuple[tuple[str, float], ...] = ()
    max_sample_age_s: float = 3.0


def pack_hello(hello: Hello) -> tuple[bytes, list[int]]:
    """HELLO as one message and the descriptors to send with it; the message holds places in that list."""
    fds: list[int] = []

    def entry(plan: SafeOffPlan | EnablePlan, fd: int | None) -> dict[str, Any]:
        if fd is None:
            return {"plan": to_json(plan), "fd": None}
        fds.append(fd)
        return {"plan": to_json(plan), "fd": len(fds) - 1}

    message = {
        "message": "hello",
        "plans": [entry(plan, fd) for plan, fd in hello.plans],
        "enable": entry(*hello.enable) if hello.enable else None,
        "period_s": hello.period_s,
        "progress": hello.progress,
        "max_sample_age_s": hello.max_sample_age_s,
    }
    return json.dumps(message).encode(), fds


def unpack_hello(message: dict[str, Any], fds: list[int]) -> Hello:
    """The inverse of :func:`pack_hello`, with the descriptors as received.

    Raises:
        ValueError: the message is not a HELLO, or names a descriptor that did not come with it.
    """
    try:

        def entry(item: dict[str, Any]) -> tuple[Any, int | None]:
            return from_json(item["plan"]), None if item["fd"] is None else fds[item["fd"]]

        plans = tuple(entry(item) for item in message["plans"])
        enable = None if message["enable"] is None else entry(message["enable"])
        if not all(isinstance(plan, SafeOffPlan) for plan, _ in plans):
            raise ValueError("a plan is not a SafeOffPlan")
        if enable is not None and not isinstance(enable[0], EnablePlan):
            raise ValueError("the enable plan is not an EnablePlan")
        progress = tuple((str(name), float(budget_s)) for name, budget_s in message["progress"])
        return Hello(plans, enable, float(message["period_s"]), progress, float(message["max_sample_age_s"]))
    except (KeyError, IndexError, TypeError, OverflowError) as error:
        raise ValueError(f"not a HELLO: {error!r}") from error


def unpack_message(data: bytes) -> dict[str, Any] | None:
    """A JSON message (HELLO, READY, BYE) or None when ``data`` is none; it always has a text under ``message``."""
    if not data.startswith(b"{"):
        return None
    try:
        message = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) and isinstance(message.get("message"), str) else None
