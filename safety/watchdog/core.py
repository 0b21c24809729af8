"""The watchdog's rules, pure: frames and times go in, actions come out.

The process (:mod:`safety.watchdog.process`) runs them on CLOCK_MONOTONIC, a rehearsal on virtual time; both run this
code.

- Armed by the first good frame, never before (P16). From then on the lease runs from the time *in* the newest frame,
  so that a frame which waited in a queue is old by construction. A frame of an idle state (no energy, no enable, and
  no way to energy but through ticks that say so) carries the longer idle lease, so that a slow start is no accident.
- ``seq`` advances by exactly one; time in the frame advances, is never ahead of our clock, and the gap between two
  frames is no longer than the lease; a frame that is damaged, contradicts itself or its predecessor, or whose
  counters stand still while FIRING, is a fault. Three intervals in a row under half a tick are a fault: completed
  ticks do not come so fast.
- The enable line may be closed after three good frames, while a frame asks for it in a state that may need it and
  there is no latch. It is written again each ``refresh_s``, as it should be, closed or open, and queried in between.
- Every fault opens the enable line and cuts. A cut is for ever.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from safety.types import State, Trip
from safety.watchdog.frames import READ_NEVER_MS, Heartbeat, Hello, StatusFrame, unpack_heartbeat

GOOD_FRAMES = 3
FAST_FRAMES = 3
AHEAD_S = 0.02  # a frame from further in the future than this is not of our clock
READ_FRESH_S = 0.5  # an older answer of the enable line is no answer
QUERY_AFTER_S = 0.03  # query this long after the line was moved: a relay needs 5-15 ms, 9600 baud 3 ms
MAY_ENABLE = frozenset({State.PRECHECK, State.READY, State.ARMED, State.FIRING})
PINNED = frozenset({State.ARMED, State.FIRING, State.STOPPING})  # the configuration must not change in these
MAY_LEAVE = frozenset({State.BOOT, State.SAFE, State.COOLDOWN, State.TRIPPED})
IDLE = MAY_LEAVE | {State.LOCKOUT}
LEAVE_S = 10.0  # how long a daemon that took its leave may take to close its end of the link


class OpenEnable(NamedTuple):
    """Write the enable line's ``open`` bytes."""


class CloseEnable(NamedTuple):
    """Write the enable line's ``close`` bytes (again)."""


class QueryEnable(NamedTuple):
    """Ask the enable line; the answer comes back through :meth:`Core.on_enable_read`."""


class Reply(NamedTuple):
    """Send a status frame."""

    status: StatusFrame


class Leave(NamedTuple):
    """The daemon has ended, and nothing was wrong, or nothing had begun: off once more, no latch."""


class Cut(NamedTuple):
    """Take the energy away, for ever. ``rule`` is one word; ``text`` a sentence for a person."""

    hazard: str
    rule: str
    text: str
    check: str
    value: float = math.nan
    limit: float = math.nan

    def trip(self, now_s: float) -> Trip:
        """The cut as the first cause that the daemon finds on disk at its next start."""
        return Trip(
            self.hazard, "watchdog", "daemon", self.rule, self.value, self.limit, 0.0, now_s, self.text, self.check
        )


Action = OpenEnable | CloseEnable | QueryEnable | Reply | Leave | Cut

_LOOK = "look at the daemon's log and at the machine's load, then reset"
_DEFECT = "this is a defect of the daemon or of its memory; keep the log and report it"


class Core:
    """The rules and their few variables. ``now_s`` is one clock's seconds, never decreasing; no input raises."""

    def __init__(self, *, lease_s: float = 0.2, idle_lease_s: float = 1.0, latched: bool = False) -> None:
        self.lease_s = lease_s
        self.idle_lease_s = max(lease_s, idle_lease_s)
        self.latched = latched
        self.cut: Cut | None = None
        self.hello: Hello | None = None
        self.last: Heartbeat | None = None
        self._last_s = -math.inf  # time in the newest good frame
        self._lease_now_s = lease_s  # the lease that it carries
        self._lapse_s = math.inf  # when that lapses: never before the first good frame, nor after a leave
        self._good = 0
        self._fast = 0
        self._bye_s = math.inf
        self._epoch_spent = -1  # no new firing at or below this epoch
        self._firing_since_s = math.inf
        self._moved: list[float] = []  # per progress counter: time of its last change
        self._close = False
        self._read: tuple[bool | None, float] = (None, -math.inf)
        self._refresh_due_s = math.inf
        self._query_due_s = math.inf

    @property
    def armed(self) -> bool:
        """True from the first good frame on."""
        return self.last is not None

    def refuse(self, hello: Hello) -> str | None:
        """Why this HELLO cannot be guarded, as a sentence, or None."""
        numbers = (hello.period_s, hello.max_sample_age_s, *(budget_s for _, budget_s in hello.progress))
        if not all(math.isfinite(x) and x > 0 for x in numbers):
            return "a time in HELLO is not a positive number"
        if self.lease_s < 2 * hello.period_s:
            lease_ms, period_ms = self.lease_s * 1e3, hello.period_s * 1e3
            return f"a lease of {lease_ms:g} ms cannot guard a tick of {period_ms:g} ms: tick faster"
        if hello.enable and not 0.01 <= hello.enable[0].refresh_s <= 10:
            return "the enable line's refresh_s must be within 0.01 to 10 s"
        if self.hello is not None:
            return "HELLO came twice"
        return None

    def on_hello(self, hello: Hello, now_s: float) -> list[Action]:
        """Take over what the daemon hands over; the enable line is opened and asked at once."""
        self.hello = hello
        self._moved = [now_s] * len(hello.progress)
        return self._move_enable(now_s)

    def on_frame(self, frame: bytes | Heartbeat, now_s: float) -> list[Action]:
        """Judge one heartbeat. Its age is judged in :meth:`due`, when every waiting frame has been read."""
        if self.cut is not None:
            return [Reply(self.status(now_s))]
        beat = unpack_heartbeat(frame) if isinstance(frame, bytes) else frame
        fault = None if beat is None else self._fault(beat, now_s)
        if beat is None or fault is not None:
            return self._cut(fault or Cut("H17", "frame", "a frame of the daemon is damaged", _DEFECT))
        t_s = beat.t_mono_ns / 1e9
        for place, (new, old) in enumerate(zip(beat.progress, self.last.progress if self.last else (), strict=False)):
            if new != old:
                self._moved[place] = t_s
        if beat.state is State.FIRING and self.hello is not None:
            self._firing_since_s = min(self._firing_since_s, t_s)
            fault = self._standstill(self.hello, beat, t_s)
            if fault is not None:
                return self._cut(fault)
        elif self._firing_since_s < math.inf:
            self._firing_since_s = math.inf
            self._epoch_spent = self.last.epoch if self.last else beat.epoch
        idle = beat.state in IDLE and not beat.enable_request and beat.grant_mw == 0
        self._lease_now_s = self.idle_lease_s if idle else self.lease_s
        self.last, self._last_s, self._lapse_s = beat, t_s, t_s + self._lease_now_s
        self._good += 1
        return [*self._steer(now_s), Reply(self.status(now_s))]

    def _fault(self, beat: Heartbeat, now_s: float) -> Cut | None:
        """What contradicts itself in this frame, or between it and the one before."""
        if self.hello is None or self._bye_s < math.inf:
            return Cut("H26", "order", "a frame came before HELLO or after BYE", _DEFECT)
        if len(beat.progress) != len(self.hello.progress):
            return Cut("H26", "progress", "the frame has another number of counters than HELLO named", _DEFECT)
        t_s = beat.t_mono_ns / 1e9
        if t_s > now_s + AHEAD_S:
            return Cut("H30", "clock", "a frame is dated in the future", _DEFECT, t_s - now_s, AHEAD_S)
        if beat.grant_mw > 0 and beat.state is not State.FIRING:
            text = f"the daemon claims {beat.state.value} and grants {beat.grant_mw / 1e3:g} W at once"
            return Cut("H01", "grant", text, _DEFECT, beat.grant_mw / 1e3, 0.0)
        if beat.grant_mw > 0 and self.latched:
            return Cut("H35", "latch", "the daemon grants power over a latched trip", _DEFECT, beat.grant_mw / 1e3, 0.0)
        return None if self.last is None else self._fault_between(self.last, beat, t_s, self.hello.period_s)

    def _fault_between(self, last: Heartbeat, beat: Heartbeat, t_s: float, period_s: float) -> Cut | None:
        if beat.seq != (last.seq + 1) & 0xFFFFFFFF:
            return Cut("H18", "seq", f"frame {beat.seq} followed frame {last.seq}", _DEFECT, beat.seq, last.seq + 1)
        gap_s = t_s - self._last_s
        if gap_s <= 0.0:
            return Cut("H30", "clock", "time does not advance between two frames", _DEFECT, gap_s, 0.0)
        if gap_s > self._lease_now_s:
            return self._lapse(gap_s)
        self._fast = self._fast + 1 if gap_s < 0.5 * period_s else 0
        if self._fast >= FAST_FRAMES:
            return Cut("H26", "pace", "frames come faster than ticks can", _DEFECT, gap_s, period_s)
        if beat.epoch < last.epoch:
            return Cut("H01", "epoch", "the epoch went back", _DEFECT, beat.epoch, last.epoch)
        if beat.state is State.FIRING and last.state is not State.FIRING and beat.epoch <= self._epoch_spent:
            text = "firing began again within a spent epoch"
            return Cut("H01", "epoch", text, _DEFECT, beat.epoch, self._epoch_spent)
        if beat.config_hash8 != last.config_hash8 and beat.state in PINNED and last.state in PINNED:
            return Cut("H34", "config", "the configuration changed while armed", "do not edit files during a run")
        return None

    def _standstill(self, hello: Hello, beat: Heartbeat, t_s: float) -> Cut | None:
        for (name, budget_s), moved_s in zip(hello.progress, self._moved, strict=True):
            idle_s = t_s - max(moved_s, self._firing_since_s)
            if idle_s > budget_s:
                text = f"{name} has stood still for {idle_s:.2f} s while firing"
                return Cut("H26", "progress", text, f"look at what {name} waits for", idle_s, budget_s)
        age_s = beat.oldest_sample_age_ms / 1e3
        if age_s > hello.max_sample_age_s:
            text = f"the daemon fires on a sample {age_s:.2f} s old"
            return Cut("H16", "sample-age", text, "look at the sensors' links", age_s, hello.max_sample_age_s)
        return None

    def on_bye(self, now_s: float) -> list[Action]:
        """The daemon says it is about to end: believed of an idle one, a contradiction from any other."""
        if self.cut is not None:
            return []
        last = self.last
        if last is not None and (last.state not in MAY_LEAVE or last.grant_mw > 0):
            text = f"the daemon took its leave while {last.state.value}"
            return self._cut(Cut("H23", "bye", text, "stop the application before ending the daemon"))
        self._bye_s, self._lapse_s = now_s, math.inf
        return self._move_enable(now_s)

    def on_link_lost(self, now_s: float) -> list[Action]:
        """The daemon's end of the link is closed: it has died, or it has said BYE, or it never began."""
        if self.cut is not None:
            return []
        if self._bye_s < math.inf or not self.armed:
            return [OpenEnable(), Leave()]
        return self._cut(Cut("H23", "death", "the daemon died without leave", _LOOK))

    def on_order(self, text: str) -> list[Action]:
        """Somebody ended the watchdog (SIGTERM), or it failed itself: cut, unless nothing had begun."""
        if self.cut is not None:
            return []
        if not self.armed or self._bye_s < math.inf:
            return [OpenEnable(), Leave()]
        return self._cut(Cut("H27", "ended", text, "end the bench with `ablate stop`, not by ending the watchdog"))

    def on_enable_read(self, closed: bool | None, t_query_s: float) -> None:
        """The enable line answered a query that was sent at ``t_query_s``; None: the answer makes no sense."""
        self._read = (closed, t_query_s)

    def due(self, now_s: float) -> list[Action]:
        """What time alone demands. Call it at :attr:`next_due_s` at the latest, when every waiting frame has been
        read."""
        if self.cut is not None:
            return []
        if now_s >= self._lapse_s:
            return self._cut(self._lapse(now_s - self._last_s))
        if now_s >= self._bye_s + LEAVE_S:
            return [OpenEnable(), Leave()]
        actions = self._steer(now_s)
        if not actions and now_s >= self._refresh_due_s:
            actions = self._move_enable(now_s, query_at_s=min(self._query_due_s, now_s + QUERY_AFTER_S))
        if now_s >= self._query_due_s and self.hello is not None and self.hello.enable is not None:
            self._query_due_s += max(self.hello.enable[0].refresh_s, now_s - self._query_due_s)
            actions.append(QueryEnable())
        return actions

    @property
    def next_due_s(self) -> float:
        """When :meth:`due` must be called next at the latest; infinity: nothing is due."""
        if self.cut is not None:
            return math.inf
        return min(self._lapse_s, self._bye_s + LEAVE_S, self._refresh_due_s, self._query_due_s)

    def status(self, now_s: float) -> StatusFrame:
        """The status frame of now. ``ready``: three good frames, plans held, no latch, no cut, no leave."""
        present = self.hello is not None and self.hello.enable is not None
        closed, t_query_s = self._read
        age_s = now_s - t_query_s
        fresh = closed is not None and age_s <= READ_FRESH_S
        quiet = self.cut is None and not self.latched and self._bye_s == math.inf
        held = self.hello is not None and bool(self.hello.plans)
        return StatusFrame(
            seq_echo=self.last.seq if self.last else 0,
            t_mono_ns=int(now_s * 1e9),
            ready=quiet and held and self._good >= GOOD_FRAMES,
            latched=self.latched,
            cut=self.cut is not None,
            enable_present=present,
            enable_commanded=self._close,
            enable_closed=closed if fresh else None,
            enable_read_age_ms=min(round(age_s * 1e3), READ_NEVER_MS) if t_query_s > -math.inf else READ_NEVER_MS,
            lease_ms=int(self.lease_s * 1e3),
        )

    def _lapse(self, silent_s: float) -> Cut:
        text = f"no completed tick for {silent_s * 1e3:.0f} ms: the daemon hangs, is stopped, or waits for ever"
        return Cut("H24", "lease", text, _LOOK, silent_s, self._lease_now_s)

    def _cut(self, cut: Cut) -> list[Action]:
        self.cut, self._close = cut, False
        return [OpenEnable(), cut]

    def _may_close(self) -> bool:
        beat = self.last
        if beat is None or self.hello is None or self.hello.enable is None:
            return False
        allowed = self.cut is None and self._bye_s == math.inf and not self.latched and self._good >= GOOD_FRAMES
        return allowed and beat.enable_request and beat.state in MAY_ENABLE

    def _steer(self, now_s: float) -> list[Action]:
        """Move the enable line if it must change now."""
        return self._move_enable(now_s) if self._may_close() != self._close else []

    def _move_enable(self, now_s: float, query_at_s: float | None = None) -> list[Action]:
        """Write the enable line as it should be and plan the next writing and question."""
        if self.hello is None or self.hello.enable is None:
            return []
        self._close = self._may_close()
        self._refresh_due_s = now_s + self.hello.enable[0].refresh_s
        self._query_due_s = now_s + QUERY_AFTER_S if query_at_s is None else query_at_s
        return [CloseEnable() if self._close else OpenEnable()]
