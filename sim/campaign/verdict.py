"""Seven verdicts, and what a run must have shown for each. Pure."""

from __future__ import annotations

import enum
import math
from typing import NamedTuple

from sim.campaign.expected import Expected


class Verdict(enum.StrEnum):
    """How one run is judged. Anything but OK fails the campaign."""

    OK = "OK"
    LATE = "LATE"  # the right cause, too late or after too much energy
    MISSED = "MISSED"  # energy flowed on although the fault could be seen
    WRONG_CAUSE = "WRONG_CAUSE"  # it ended, and the record names something else
    MASKED = "MASKED"  # it had ended already when the fault began
    FALSE = "FALSE"  # nothing was wrong, or nothing that matters, and it tripped or refused
    NOT_REACHED = "NOT_REACHED"  # the phase in which the fault was to begin never came


class Seen(NamedTuple):
    """One run as the simulated tissue and the record saw it. Times in s of the bench, NaN: never."""

    reached: bool  # the phase came and the fault was set
    masked: str  # the hazard of a trip, or a refusal's text, from before the fault
    onset_s: float
    shown_s: float  # from when on it could be seen: onset, first power after it, or the demand
    trip: str  # hazard of the first cause after the fault; empty: none
    trip_s: float
    refused: str  # why the bench did not go on to fire; empty: it did
    off_s: float  # when power fell to zero for good after `shown_s`; NaN: it still flows
    off_asked_s: float  # when the operator ended the run because nothing else had
    energy_after_j: float  # from shown_s to the end of power, or to off_asked_s
    power_w: float  # the highest set-point so far, W
    state: str
    passing: bool = False  # the fault ended by itself
    off_told_s: float = math.nan  # when all bytes that turn the generator off had left, from the trip or a stop on
    open_told_s: float = math.nan  # when those that open the enable line left
    confirmed_s: float = math.nan  # when, from the trip on, off counted as proven
    line: bool = False  # the bench has an enable line


def judge(expected: Expected | None, seen: Seen) -> tuple[Verdict, str]:
    """The verdict and the reason. ``expected`` None: a nominal run."""
    if not seen.reached:
        return Verdict.NOT_REACHED, f"ended in {seen.state}: {seen.masked or seen.refused or 'no reason'}"
    if expected is None or expected.benign:
        if seen.trip or seen.refused:
            return Verdict.FALSE, seen.trip or seen.refused
        return Verdict.OK, ""
    if seen.masked:
        return Verdict.MASKED, seen.masked
    if seen.trip and seen.trip not in expected.hazards:
        return Verdict.WRONG_CAUSE, f"{seen.trip} instead of {' or '.join(sorted(expected.hazards))}"
    if seen.energy_after_j <= 0.0:
        quiet = not (seen.trip or seen.refused or seen.passing or expected.shows == "stop")
        if quiet and seen.off_asked_s > seen.shown_s:
            return Verdict.MISSED, "nothing ended it, though no energy flowed"
        return Verdict.OK, "" if seen.trip or seen.refused else "no energy flowed"
    took_s = (seen.trip_s if expected.told else seen.off_s) - seen.shown_s
    allowed_j = expected.energy_j(seen.power_w)
    soon = took_s <= expected.within_s and seen.energy_after_j <= allowed_j  # not so for NaN
    if expected.told and took_s <= expected.within_s:
        return Verdict.OK, "told; only the mains plug is left"
    if not seen.trip and not seen.refused:
        return (Verdict.OK, "it was ending") if soon else (Verdict.MISSED, f"{seen.energy_after_j:.1f} J and no trip")
    if soon:
        return Verdict.OK, ""
    if not took_s <= expected.within_s:
        return Verdict.LATE, f"{took_s:.3f} s to 0 W, allowed {expected.within_s:g}"
    return Verdict.LATE, f"{seen.energy_after_j:.1f} J, allowed {allowed_j:.1f}"
