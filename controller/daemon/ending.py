"""The end of a protocol: the generator's own way off is proven before the enable line opens. Pure.

Behind an open line nobody can tell whether a generator obeys: the line is what takes the power away, and the fault
waits for the day on which the line does not open (H04). So when a law has come to its end, 0 W is demanded with the
line still closed, and the generator must show that it is off. Nothing else waits for this: a stop, a release and a trip
open the line in the same tick.
"""

from __future__ import annotations

from typing import NamedTuple

from safety.config import Config
from safety.types import Quality, Sample, Snapshot


class Word(NamedTuple):
    """What the generator says of itself since 0 W was demanded."""

    off: bool  # every channel of the source, each in answer to a later request
    against: Sample | None  # a channel that says otherwise when the generator has had its response time


def word(config: Config, snapshot: Snapshot, since_s: float, now_s: float) -> Word:
    """Judge the source's channels; ``since_s`` is when 0 W was demanded. One that is not heard says nothing."""
    off, against, response_s = True, None, config.timing.response_s
    for i, is_flag in config.source:
        sample = snapshot.get(config.names[i])
        if sample is None or sample.quality is not Quality.GOOD or not sample.t_request_s > since_s:
            off = False
        elif not sample.value <= (0.0 if is_flag else config.thresholds.off_w):
            off = False
            if now_s - since_s > response_s and sample.t_request_s > since_s + 0.5 * response_s:
                against = against or sample
    return Word(off, against)
