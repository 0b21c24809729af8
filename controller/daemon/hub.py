"""The newest sample of each channel, and what came since the last tick. Filled by acquisition, read by the tick; no
locks, one loop.
"""

from __future__ import annotations

from collections.abc import Iterable

from controller.daemon.histogram import Histogram
from safety.types import Fault, Sample


class Hub:
    """Where acquisition tasks leave samples and troubles for the next tick."""

    def __init__(self) -> None:
        self.latest: dict[str, Sample] = {}
        self.progress: dict[str, int] = {}  # acquisition cycles done, by device: evidence for the heartbeat (H26)
        self.polls: dict[str, Histogram] = {}  # how long each device's polls took that brought something
        self._fresh: list[Sample] = []
        self._faults: list[Fault] = []

    def put(self, device: str, samples: Iterable[Sample]) -> None:
        """One finished acquisition cycle of ``device``."""
        latest = self.latest
        for sample in samples:
            latest[sample.channel] = sample
            self._fresh.append(sample)
        self.progress[device] = self.progress.get(device, 0) + 1

    def polled(self, device: str) -> Histogram:
        """Where the times of ``device``'s polls are counted."""
        return self.polls.setdefault(device, Histogram())

    def fault(self, fault: Fault) -> None:
        """A trouble that must trip at the next tick."""
        self._faults.append(fault)

    def take(self) -> tuple[list[Sample], tuple[Fault, ...]]:
        """Samples and faults since the last call."""
        fresh, self._fresh = self._fresh, []
        faults, self._faults = tuple(self._faults), []
        return fresh, faults
