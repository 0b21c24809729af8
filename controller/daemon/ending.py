"""The end of a protocol: the generator's own way off is proven before the enable line opens. Pure.

Behind an open line nobody can tell whether a generator obeys: the line is what takes the power away, and the fault
waits for the day on which the line does not open (H04). So when a law has come to its end, 0 W is demanded with the
line still closed, and the generator must show that it is off. Nothing else waits for this: a stop, a release and a trip
open the line in the same tick.

What the proof may cost is an energy, not a time: see docs/adr/0008.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from safety.config import Config
from safety.types import Quality, Sample, Snapshot

PROOF_J = 35.0
"""What a generator that does not obey may deliver, by its own word, before it is disbelieved. The trip, the relay and a
tick add 0.1 s: 55 J at 200 W."""


class Word(NamedTuple):
    """What the generator says of itself since 0 W was demanded."""

    off: bool  # every channel of the source, each in answer to a later request
    against: Sample | None  # a channel that says otherwise when the generator has had its time


def word(config: Config, snapshot: Snapshot, since_s: float, now_s: float) -> Word:
    """Judge the source's channels; ``since_s`` is when 0 W was demanded. One that is not heard says nothing.

    The generator has its response time, or as long as ``PROOF_J`` lasts at the power that it tells, whichever is less;
    a question of the second half of that time is the first that counts against it.
    """
    off, on, power_w = True, list[Sample](), 0.0
    for i, off_w in config.source:
        sample = snapshot.get(config.names[i])
        if sample is None or sample.quality is not Quality.GOOD or not sample.t_request_s > since_s:
            off = False
        elif not sample.value <= off_w:
            off, power_w = False, max(power_w, sample.value)  # an output flag counts as 1 W
            on.append(sample)
    patience_s = min(config.timing.response_s, PROOF_J / power_w if power_w > 0.0 else math.inf)
    if not now_s - since_s > patience_s:
        return Word(off, None)
    return Word(off, next((sample for sample in on if sample.t_request_s > since_s + 0.5 * patience_s), None))
