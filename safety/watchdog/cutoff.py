"""The cut: what takes the energy away, in an order that no single failure can stop.

1 open the enable line · 2 write every plan on its shared descriptor · 3 kill the daemon and see it dead, so that a
frozen one cannot thaw and energise again (P14, P15) · 4 write every plan again, opening anew what could not be
shared · 5 latch on disk · 6 read back, and write again each second until every device has proved that it is off · 7
write the cut record. Each step is bounded in time and guarded; its failure is recorded and the next step follows.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from safety.latch import render
from safety.safeoff import EnablePlan, Readback, SafeOffPlan
from safety.watchdog.core import Cut
from safety.watchdog.line import Line, line_of

WRITE_S = 0.02  # for one frame on a line that does not drain, before the kill
WRITE_AFTER_S = 0.2  # and after it
SETTLE_S = 0.05  # from off to the first question: the acknowledgements come in, the power decays
ANSWER_S = 0.2
HEARD_MAX = 8192  # bytes of one answer
PROOF_TRIES = 3
REASSERT_S = 1.0

T = TypeVar("T")


def latch_path(state_dir: Path) -> Path:
    """Where a bench's latch lies, in that bench's own folder; a file there is a latched trip."""
    return state_dir / "latch.json"


def is_latched(state_dir: Path) -> bool:
    """Whether a trip is latched; a folder that cannot be looked into counts as latched."""
    try:
        latch_path(state_dir).stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def cuts_path(state_dir: Path) -> Path:
    """Where a bench's cuts are recorded, one JSON object a line."""
    return state_dir / "cuts.jsonl"


class Source:
    """One energy source: its plan, its line, and whether it has proved that it is off."""

    def __init__(self, plan: SafeOffPlan, fd: int | None) -> None:
        self.plan = plan
        self.line = line_of(plan, fd)
        self.written = False
        self.proven = False

    def write_off(self, timeout_s: float) -> None:
        """Write the whole plan; ``written`` says whether every byte was taken. The filler goes with the first frame, so
        that a buffer purged in between cannot lose it."""
        self.written = True
        for place, frame in enumerate(self.plan.off or (b"",)):
            if place:
                time.sleep(min(self.plan.gap_s, 0.05))
            data = frame if place else self.plan.resync + frame
            self.written = self.line.write(data, timeout_s, purge=not place) and self.written

    def prove(self) -> bool:
        """Ask every question of the plan; True when each answer says off. A plan without questions proves nothing."""
        self.proven = bool(self.plan.readbacks) and all(self._says_off(readback) for readback in self.plan.readbacks)
        return self.proven

    def _says_off(self, readback: Readback) -> bool:
        self.line.drain()
        if not self.line.write(readback.query, ANSWER_S):
            return False
        deadline_s, seen = time.monotonic() + ANSWER_S, b""
        while (left_s := deadline_s - time.monotonic()) > 0 and len(seen) < HEARD_MAX:
            chunk = self.line.read(left_s)
            if not chunk:
                return False
            seen += chunk
            start = seen.find(readback.prefix)
            if start >= 0 and len(seen) >= start + readback.reply_length:
                return readback.proves_off(seen[start:])
        return False


class Cutoff:
    """The lines that the watchdog holds, and the acts on them. Nothing here raises."""

    def __init__(self, state_dir: Path, bench: str) -> None:
        self.state_dir, self.bench = state_dir, bench
        self.sources: list[Source] = []
        self.enable: tuple[EnablePlan, Line] | None = None
        self.problems: list[str] = []

    def open_enable(self) -> bool:
        """Write the enable line's open bytes; True when they were taken or there is no such line."""
        if self.enable is None:
            return True
        plan, line = self.enable
        return line.open() and line.write(plan.open, WRITE_S, purge=True)

    def write_off(self, timeout_s: float = WRITE_S, *, reopen: bool = False) -> None:
        """Write every plan once; ``reopen`` also opens the resources that were not shared."""
        for source in self.sources:
            if source.line.fd is not None or (reopen and source.line.open()):
                self._guard("write off", lambda source=source: source.write_off(timeout_s))  # type: ignore[misc]

    def cut(self, cut: Cut, fence: Callable[[], dict[str, object]], stop: Callable[[], bool]) -> bool:
        """Do all of it. ``fence`` kills the daemon and tells how that went; ``stop`` is asked, once
        everything has been done at least once, whether somebody wants the watchdog gone although off is not proven.

        Returns:
            True when every source proved that it is off.
        """
        begin_s = time.monotonic()
        timings_ms: dict[str, float] = {}

        def mark(step: str) -> None:
            timings_ms[step] = round((time.monotonic() - begin_s) * 1e3, 3)

        self._guard("open the enable line", self.open_enable)
        mark("enable_open")
        self.write_off()
        mark("off_written")
        fenced = self._guard("kill the daemon", fence) or {}
        mark("daemon_gone")
        self.write_off(WRITE_AFTER_S, reopen=True)
        self._guard("open the enable line", self.open_enable)
        mark("off_written_again")
        self._guard("latch", lambda: self._latch(cut, begin_s))
        mark("latched")

        proven, passes, recorded = self._prove(), 1, False
        while not proven and self._may_hope(passes) and not stop():
            if not recorded:
                self._record(cut, begin_s, timings_ms, fenced, passes)
                recorded = True
            time.sleep(REASSERT_S)
            self.write_off(WRITE_AFTER_S, reopen=True)
            self._guard("open the enable line", self.open_enable)
            proven, passes = self._prove(), passes + 1
        mark("proven" if proven else "given_up")
        self._record(cut, begin_s, timings_ms, fenced, passes)
        return proven

    def _prove(self) -> bool:
        """Ask the sources that have not yet answered "off", a few times: power decays, answers get lost."""
        for _ in range(PROOF_TRIES):
            time.sleep(SETTLE_S)
            for source in self.sources:
                if not source.proven:
                    self._guard("read back", source.prove)
            if all(source.proven for source in self.sources):
                return True
        return False

    def _may_hope(self, passes: int) -> bool:
        """False once nothing more can come of it: three passes, and what is not proven has no question to ask."""
        return passes < 3 or any(source.plan.readbacks and not source.proven for source in self.sources)

    def _enable_is_closed(self) -> bool | None:
        if self.enable is None:
            return None
        plan, line = self.enable
        line.drain()
        seen, deadline_s = b"", time.monotonic() + ANSWER_S
        if line.write(plan.query, WRITE_S):
            while plan.closed(seen) is None and len(seen) < HEARD_MAX:  # a line that babbles must not hold up off
                if not (chunk := line.read(max(0.0, deadline_s - time.monotonic()))):
                    break
                seen += chunk
        return plan.closed(seen)

    def _latch(self, cut: Cut, now_s: float) -> None:
        path = latch_path(self.state_dir)
        if is_latched(self.state_dir):  # the first cause stays the first
            return
        try:
            text = render(self.bench, cut.trip(now_s))
        except Exception as error:
            text = f"unreadable latch: {cut.text} ({error!r})\n"  # whoever parses it finds a lockout
        self.state_dir.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        try:
            os.write(fd, text.encode())
            os.fsync(fd)
        finally:
            os.close(fd)
        draft.replace(path)
        self._sync_folder()

    def _record(
        self, cut: Cut, begin_s: float, timings_ms: dict[str, float], fenced: dict[str, object], passes: int
    ) -> None:
        """Append one line to the cuts; what cannot be written is said by the exit sentence and the latch."""
        record = {
            "what": "cut",
            "bench": self.bench,
            "utc": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "t_mono_s": round(begin_s, 6),
            "hazard": cut.hazard,
            "rule": cut.rule,
            "reason": cut.text,
            "off_proven": all(source.proven for source in self.sources),
            "passes": passes,
            "devices": {
                source.plan.device: {
                    "written": source.written,
                    "proven": source.proven,
                    "can_prove": bool(source.plan.readbacks),
                    "error": source.line.error,
                }
                for source in self.sources
            },
            "enable_closed": self._guard("ask the enable line", self._enable_is_closed),
            "daemon": fenced,
            "timings_ms": timings_ms,
            "problems": self.problems,
        }

        def append() -> None:
            self.state_dir.mkdir(parents=True, exist_ok=True)
            path = cuts_path(self.state_dir)
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
            try:
                os.write(fd, (json.dumps(record) + "\n").encode())
                os.fsync(fd)
            finally:
                os.close(fd)
            self._sync_folder()

        self._guard("record the cut", append)

    def _sync_folder(self) -> None:
        with suppress(OSError):
            fd = os.open(self.state_dir, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)

    def _guard(self, what: str, act: Callable[[], T]) -> T | None:
        """The result of ``act``, or None and a line in ``problems``: nothing may stop the cut."""
        try:
            return act()
        except Exception as error:
            if len(self.problems) < 20:
                self.problems.append(f"{what}: {error!r}")
            return None
