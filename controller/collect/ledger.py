"""What of a session has arrived: pure bookkeeping, which the journal keeps."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self


@dataclass
class Ranges:
    """A set of whole numbers from 0 on, as ranges: ``[[first, last], …]``, sorted, apart."""

    ranges: list[list[int]] = field(default_factory=list)

    def __contains__(self, number: int) -> bool:
        i = bisect_right(self.ranges, number, key=lambda r: r[0]) - 1
        return i >= 0 and number <= self.ranges[i][1]

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.ranges)

    def add(self, first: int, last: int) -> None:
        """Put ``first`` to ``last`` in, both included."""
        i = bisect_right(self.ranges, first, key=lambda r: r[0])
        if i > 0 and self.ranges[i - 1][1] >= first - 1:
            i -= 1
            first = self.ranges[i][0]
        j = i
        while j < len(self.ranges) and self.ranges[j][0] <= last + 1:
            last = max(last, self.ranges[j][1])
            j += 1
        self.ranges[i:j] = [[first, last]]

    def gaps(self, newest: int) -> Iterator[tuple[int, int]]:
        """What is not in it, from 0 to ``newest``."""
        expected = 0
        for first, last in self.ranges:
            if first > newest:
                break
            if first > expected:
                yield expected, first - 1
            expected = last + 1
        if expected <= newest:
            yield expected, newest


@dataclass
class Ledger:
    """One session of one bench.

    Attributes:
        have: Batches that are here with all their parts.
        partial: Of the others, ``{batch: [parts it has, parts that are here…]}``.
        lost: Batches that were given up, with the reason.
        newest: The newest batch that is known to exist.
        end: The batch that closed the session; None while it is open.
        duplicates: Messages that came again.
        ticks, first_tick, last_tick, events, last_event: Counted from what came, against what their numbers say.
    """

    site: str
    bench: str
    session: str
    have: Ranges = field(default_factory=Ranges)
    partial: dict[int, list[int]] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)  # "first-last": reason
    newest: int = -1
    end: int | None = None
    unclosed: bool = False  # its bench says that there is no more, and its writer did not end it
    chain_head: str = ""
    duplicates: int = 0
    backfilled: int = 0
    ticks: int = 0
    first_tick: int | None = None
    last_tick: int | None = None
    events: int = 0
    last_event: int = 0
    described: bool = False  # its header is here
    problem: str = ""

    def take(self, data: Mapping[str, Any]) -> bool:
        """Account for one message of a batch. False: it is here already."""
        batch, part, parts = int(data["batch"]), int(data.get("part", 0)), int(data.get("parts", 1))
        if not 0 <= part < parts or batch < 0:
            raise ValueError(f"part {part} of {parts} of batch {batch} cannot be")
        self.newest = max(self.newest, batch)
        there = self.partial.get(batch, [parts])
        if batch in self.have or part in there[1:]:
            self.duplicates += 1
            self._same_end(data)
            return False
        there.append(part)
        if len(there) > there[0]:
            self.partial.pop(batch, None)
            self.have.add(batch, batch)
        else:
            self.partial[batch] = there
        self.backfilled += "request" in data
        self._count(data)
        return True

    def _count(self, data: Mapping[str, Any]) -> None:
        schema = data["schema"]
        if schema == "abl/samples/1" and data["n"]:
            first, last = int(data["seq"][0]), int(data["seq"][-1])
            self.ticks += int(data["n"])
            self.first_tick = first if self.first_tick is None else min(first, self.first_tick)
            self.last_tick = last if self.last_tick is None else max(last, self.last_tick)
        elif schema == "abl/events/1":
            self.events += 1
            self.last_event = max(self.last_event, int(data["seq"]))
        elif schema == "abl/closed/1":
            self.end, self.chain_head = int(data["batch"]), str(data["chain_head"])

    def _same_end(self, data: Mapping[str, Any]) -> None:
        if data["schema"] == "abl/closed/1" and data["chain_head"] != self.chain_head:
            self.problem = "its end came twice with different chain heads: its file was changed in between"

    @property
    def given_up(self) -> Ranges:
        """Batches that no bench will send any more."""
        found = Ranges()
        for text in self.lost:
            first, _, last = text.partition("-")
            found.add(int(first), int(last))
        return found

    def missing(self) -> list[tuple[int, int]]:
        """Batches that exist, are not here, and were not given up."""
        accounted = self.given_up
        for first, last in self.have.ranges:
            accounted.add(first, last)
        return list(accounted.gaps(self.newest))

    def give_up(self, first: int, last: int, why: str) -> None:
        """Ask no more for what is missing from ``first`` to ``last``."""
        for low, high in self.missing():
            if low <= last and high >= first:
                self.lost[f"{max(low, first)}-{min(high, last)}"] = why

    @property
    def settled(self) -> bool:
        """Nothing more is to come: it was closed (or is known not to have been), and nothing is missing."""
        return (self.end is not None or self.unclosed) and not self.missing()

    def verdict(self) -> str:
        """Whether everything of a settled session is here; else what is wrong."""
        lost = sum(1 for _ in self.lost_now())
        if self.problem:
            return self.problem
        if lost:
            return f"{lost} batches are lost: {'; '.join(sorted(set(self.lost.values())))}"
        if self.last_tick is not None and self.first_tick is not None:
            expected = self.last_tick - self.first_tick + 1
            if self.ticks != expected:
                return f"{self.ticks} ticks came, their numbers say {expected}"
        if self.events != self.last_event:
            return f"{self.events} events came, their numbers say {self.last_event}"
        return "complete" if self.end is not None else "complete as far as it was recorded: its writer did not end it"

    def lost_now(self) -> Iterator[int]:
        for first, last in self.given_up.ranges:
            yield from (batch for batch in range(first, last + 1) if batch not in self.have)

    def as_dict(self) -> dict[str, Any]:
        """For the journal."""
        return {**asdict(self), "have": self.have.ranges}

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        """From the journal."""
        partial = {int(batch): list(parts) for batch, parts in told["partial"].items()}
        return cls(**{**told, "have": Ranges(told["have"]), "partial": partial})
