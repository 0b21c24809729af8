"""How an emulator meets the bytes: the wire, and its end in memory (PTY and TCP: ``sim.servers``).

:class:`Wire` is the device's end of the cable: it orders the replies, holds the link faults and runs the device's own
timers. Time outside a wire is the loop's (CLOCK_MONOTONIC, or a virtual clock), inside it is bench time (0 at the
start of the bench).
"""

from __future__ import annotations

import asyncio
import errno
import random
from collections.abc import Callable

from sim.devices.base import NEVER, Emulator, Replies

Sink = Callable[[bytes], None]

AT_ONCE_S = 20e-6
"""A reply due sooner than this, from a device whose line is not modelled, is not worth a timer of a real loop."""
LATE_EVERY = 20
"""Under the fault ``link.late`` one answer in this many is held back; commands without one do not count."""
FLOOD_S, FLOOD_WITHIN = 0.01, 8
"""Under the fault ``link.flood`` bytes come in pieces, this often, and so many within each reply."""


class Wire:
    """One emulated device on one cable, driven by ``loop``; ``t0_s`` is the loop's time at bench time 0."""

    def __init__(
        self, emulator: Emulator, loop: asyncio.AbstractEventLoop, *, t0_s: float = 0.0, seed: int = 0
    ) -> None:
        self.emulator = emulator
        self.loop = loop
        self.t0_s = t0_s
        self.faults: dict[str, float] = {}  # link fault -> value
        self.exchanges = 0
        self.on_bytes: list[Callable[[float, bytes], None]] = []  # told what hosts write, faults or not
        self._answers = 0  # exchanges that had a reply
        self._before: Replies = []  # what the newest answered exchange was answered with
        self._random = random.Random(f"{seed}/{emulator.name}")
        self._last_s = -NEVER
        self._under_way = 0  # replies whose timers have not rung
        self._alarm: asyncio.TimerHandle | None = None
        self._flooding: asyncio.TimerHandle | None = None
        self._sinks: list[Sink] = []
        self._on_cut: list[Callable[[bool], None]] = []
        emulator.on_due = self._arm
        emulator.send = self._send
        if emulator.due_s < NEVER:
            self._arm(emulator.due_s)

    # bytes ----------------------------------------------------------------------------------------------------------

    def feed(self, data: bytes, sink: Sink, *, at_once: bool = False) -> None:
        """Bytes from a host; replies reach ``sink`` in order, each by one timer of the loop. With ``at_once`` a reply
        that takes no time gets there before this returns."""
        faults = self.faults
        if self.on_bytes:
            for hear in self.on_bytes:
                hear(self.loop.time(), data)
        if faults and ("drop" in faults or "disconnect" in faults):
            return
        now_s = self.loop.time()
        self.exchanges += 1
        replies = self.emulator.receive(data, now_s - self.t0_s)
        if replies:
            self._answers += 1
            replies = self._mistaken(replies)
        for delay_s, reply in replies:
            if at_once and delay_s < AT_ONCE_S and not faults and not self._under_way:
                sink(reply)
            else:
                self._schedule(now_s + delay_s, reply, sink)

    def _mistaken(self, replies: Replies) -> Replies:
        """``replies``, or those that a faulty converter gives instead of them."""
        before = self._before or replies
        if "replay" in self.faults:
            self._before = before
            return before
        self._before = replies
        if "swap" in self.faults:
            return before
        return [reply for reply in replies for _ in range(2)] if "double" in self.faults else replies

    def _schedule(self, at_s: float, reply: bytes, sink: Sink) -> None:
        if self.faults:
            delay_s = self.faults.get("delay", 0.0)
            if "late" in self.faults and self._answers % LATE_EVERY == 1:
                delay_s += self.faults["late"]
            if "garbage" in self.faults:
                reply = self._spoil(reply, self.faults["garbage"])
            if "flood" in self.faults:
                at = self._random.randrange(len(reply) + 1)
                reply = reply[:at] + self._random.randbytes(FLOOD_WITHIN) + reply[at:]
            at_s += delay_s
        if at_s <= self._last_s:
            at_s = self._last_s + 1e-9  # bytes cannot overtake each other on a line
        self._last_s = at_s
        self._under_way += 1
        self.loop.call_at(at_s, self._deliver, reply, sink)

    def _deliver(self, reply: bytes, sink: Sink) -> None:
        self._under_way -= 1
        if self.faults and ("drop" in self.faults or "disconnect" in self.faults):
            return
        sink(reply)

    def _send(self, t_s: float, data: bytes) -> None:
        """Bytes that answer no request go to everyone who listens."""
        for sink in self._sinks:
            self._schedule(t_s + self.t0_s, data, sink)

    def _spoil(self, reply: bytes, probability: float) -> bytes:
        if not reply or self._random.random() >= probability:
            return reply
        at = self._random.randrange(len(reply))
        return reply[:at] + bytes([reply[at] ^ self._random.randrange(1, 256)]) + reply[at + 1 :]

    def join(self, sink: Sink, on_cut: Callable[[bool], None]) -> None:
        """Listen for unrequested bytes; ``on_cut(True)`` tells that the cable was pulled, ``on_cut(False)`` that it is
        back."""
        self._sinks.append(sink)
        self._on_cut.append(on_cut)

    def leave(self, sink: Sink, on_cut: Callable[[bool], None]) -> None:
        """Undo :meth:`join`; harmless twice."""
        if sink in self._sinks:
            self._sinks.remove(sink)
        if on_cut in self._on_cut:
            self._on_cut.remove(on_cut)

    # link faults ----------------------------------------------------------------------------------------------------

    @property
    def cut(self) -> bool:
        """True while the cable is pulled (fault ``link.disconnect``)."""
        return "disconnect" in self.faults

    def set_fault(self, kind: str, value: float) -> None:
        """Begin a fault of scope ``link`` of :mod:`sim.faults`."""
        self.faults[kind] = value
        if kind == "flood" and self._flooding is None:
            self._flood()
        if kind == "disconnect":
            for tell in tuple(self._on_cut):
                tell(True)

    def clear_fault(self, kind: str) -> None:
        """End a link fault; unknown ones are ignored."""
        if self.faults.pop(kind, None) is not None and kind == "disconnect":
            for tell in tuple(self._on_cut):
                tell(False)

    def _flood(self) -> None:
        """Bytes that nobody asked for, for as long as the fault lasts."""
        self._flooding = None
        if "flood" in self.faults:
            data = self._random.randbytes(max(1, round(self.faults["flood"] * FLOOD_S)))
            for sink in () if self.cut or "drop" in self.faults else tuple(self._sinks):
                sink(data)
            self._flooding = self.loop.call_later(FLOOD_S, self._flood)

    # the device's own timers ----------------------------------------------------------------------------------------

    def _arm(self, due_s: float) -> None:
        at_s = due_s + self.t0_s
        if self._alarm is not None:
            if self._alarm.when() <= at_s:
                return
            self._alarm.cancel()
        self._alarm = self.loop.call_at(at_s, self._ring, due_s)

    def _ring(self, due_s: float) -> None:
        self._alarm = None
        # Rounding may put the loop's time a hair before the due time; it would then be due again at once, for ever.
        now_s = max(self.loop.time() - self.t0_s, due_s)
        next_s = self.emulator.poll_due(now_s)
        if next_s is not None:
            self._arm(next_s)

    def close(self) -> None:
        """Stop the timers; the device is switched off as far as the loop is concerned."""
        self.faults.pop("flood", None)
        if self._flooding is not None:
            self._flooding.cancel()
            self._flooding = None
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        self.emulator.on_due = None
        self.emulator.send = None


class MemoryLink:
    """A host's end of a cable in memory; satisfies ``drivers.transport.base.Link`` structurally.

    Bytes written reach the emulator at once, a reply comes back by one ``loop.call_at``. A cable that was pulled loses
    the link for good, as a USB adapter does; open a new one when it is back.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._on_data: Sink | None = None
        self._on_lost: Callable[[Exception | None], None] | None = None
        self._open = True
        if wire.cut:
            raise OSError(errno.ENOENT, f"no such port: the cable of {wire.emulator.name} is pulled")

    def start(self, on_data: Callable[[bytes], None], on_lost: Callable[[Exception | None], None]) -> None:
        """Begin delivery."""
        self._on_data, self._on_lost = on_data, on_lost
        self._wire.join(self._sink, self._cut)

    def write(self, data: bytes) -> None:
        """Hand bytes to the device. Raises OSError when the link is gone or closed."""
        if not self._open:
            raise OSError(errno.EIO, "the link is gone")
        self._wire.feed(data, self._sink)

    def fileno(self) -> int | None:
        """None: there is no descriptor to share."""
        return None

    def close(self) -> None:
        """Close; replies under way are lost."""
        self._open = False
        self._on_data = None
        self._wire.leave(self._sink, self._cut)

    def _sink(self, data: bytes) -> None:
        if self._on_data is not None:
            self._on_data(data)

    def _cut(self, pulled: bool) -> None:
        if pulled and self._open:
            on_lost = self._on_lost
            self.close()
            if on_lost is not None:
                on_lost(OSError(errno.EIO, "the cable was pulled"))
