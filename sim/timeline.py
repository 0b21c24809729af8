"""Faults at their time: planned, active, over."""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable

from sim.faults import Fault, FaultError

Apply = Callable[[Fault, bool, float], None]


class Timeline:
    """``apply`` is told (fault, does it begin?, bench time) of every onset and end. ``active``: by key, in order."""

    def __init__(self, apply: Apply) -> None:
        self.active: dict[str, Fault] = {}
        self.first_onset_s: float | None = None
        self._apply = apply
        self._pending: list[tuple[float, int, Callable[[float], None]]] = []
        self._order = 0

    @property
    def next_s(self) -> float:
        """When something is due next; infinite: nothing is."""
        return self._pending[0][0] if self._pending else math.inf

    def plan(self, fault: Fault, from_s: float) -> None:
        """The fault's onset counts from ``from_s``."""
        onset_s = from_s + fault.onset_s
        self.first_onset_s = onset_s if self.first_onset_s is None else min(self.first_onset_s, onset_s)
        self._at(onset_s, lambda t_s: self._begin(fault, t_s))
        if fault.duration_s < math.inf:
            self._at(onset_s + fault.duration_s, lambda t_s: self._end(fault, t_s))

    def advance(self, t_s: float, *, late: bool) -> None:
        """Do what is due by ``t_s``: as of its time, or, where devices have lived until then (``late``), of ``t_s``."""
        while self.next_s <= t_s:
            at_s, _, act = self._pending.pop(0)
            act(t_s if late else max(at_s, 0.0))

    def clear(self, spec: str, t_s: float) -> None:
        """End an active fault, named by its SPEC or its key. Raises FaultError when it is not active."""
        for key, fault in self.active.items():
            if spec in (key, fault.spec):
                self._end(fault, t_s)
                return
        raise FaultError(f"fault {spec!r} is not active; active are: {', '.join(self.active) or 'none'}")

    def _at(self, at_s: float, act: Callable[[float], None]) -> None:
        self._order += 1
        bisect.insort(self._pending, (at_s, self._order, act))

    def _begin(self, fault: Fault, t_s: float) -> None:
        self.active[fault.key] = fault
        self._apply(fault, True, t_s)

    def _end(self, fault: Fault, t_s: float) -> None:
        if self.active.get(fault.key) is fault:
            del self.active[fault.key]
            self._apply(fault, False, t_s)
