"""The source does what it was told: spontaneous power (H01), over (H02), under (H03), foreign set-point (H09, H10,
H11); what comes back to it (H14, H53, H54), and its frequency (H13).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from safety.monitors.base import INHIBIT, NOTHING, TRIP, Debounce, Debounces, Finding, Monitor, View
from safety.monitors.bounds import BoundRule, Read, Reading, of, powered
from safety.types import Quality, State

if TYPE_CHECKING:
    from safety.config import Config

History = tuple[tuple[float, float], ...]


def extremes(history: History, from_s: float) -> tuple[float, float]:
    """Lowest and highest set-point that was in force at any time since ``from_s``; (0, 0) without a history.

    A reading follows the set-point late, so it is compared with all set-points of the response window; comparing with
    the newest alone trips at every step down.
    """
    if not history:
        return 0.0, 0.0
    in_force = [history[-1][1]]
    for k in range(len(history) - 1, 0, -1):
        if history[k][0] <= from_s:
            break
        in_force.append(history[k - 1][1])
    return min(in_force), max(in_force)


class Spontaneous(Monitor):
    """No power and no output unless FIRING (H01): two of three readings of any of the source's channels."""

    STATES = frozenset({State.SAFE, State.PRECHECK, State.READY, State.ARMED, State.COOLDOWN, State.TRIPPED})
    DEBOUNCE = Debounce(2, 3)

    def __init__(self, channels: tuple[tuple[int, str, float], ...]) -> None:
        """``channels``: (index, name, highest value that is off)."""
        self._channels = channels

    def update(self, memory: Debounces, view: View) -> tuple[Debounces, Iterable[Finding]]:
        """Judge one tick."""
        if view.state not in self.STATES:
            return {}, NOTHING
        found = []
        for i, channel, off in self._channels:
            sample = view.samples[i]
            if sample is None or sample.quality is not Quality.GOOD or (sample.value <= off and i not in memory):
                continue
            memory, fires = self.DEBOUNCE.judge(memory, i, sample.t_request_s, not sample.value <= off)
            if fires:
                text = f"{channel} is {sample.value:g} while nothing was fired, at most {off:g} is off"
                check = "switch the generator off at its mains switch; other programs, front panel, remote inputs"
                who = ("power", TRIP, "H01", "spontaneous_power", channel)
                found.append(Finding(*who, sample.value, off, view.now_s - sample.t_request_s, text, check))
        return memory, found


class OverPower(Monitor):
    """Measured power within 20 % + 2 W of the highest set-point of the response window, and within 5 % of the cap
    (H02).
    """

    RATIO = Debounce(2, 3, 0.1)
    CAP = Debounce(2, 3)

    def __init__(
        self, channels: tuple[tuple[int, str], ...], cap_w: float, response_s: float, ratio: float, margin_w: float
    ) -> None:
        self._channels, self._response_s = channels, response_s
        self._gain, self._margin_w = 1.0 + ratio, margin_w
        self._cap_w = max(cap_w * 1.05, cap_w + margin_w)

    def update(self, memory: Debounces, view: View) -> tuple[Debounces, Iterable[Finding]]:
        """Judge one tick."""
        if view.state is not State.FIRING:
            return {}, NOTHING
        found = []
        for i, channel in self._channels:
            sample = view.samples[i]
            if sample is None:
                continue
            t, value = sample.t_request_s, sample.value
            limit = extremes(view.s.history, t - self._response_s)[1] * self._gain + self._margin_w
            memory, over = self.RATIO.judge(memory, i, t, not value <= limit)
            memory, above_cap = self.CAP.judge(memory, -1 - i, t, not value <= self._cap_w)
            if over or above_cap:
                limit = min(limit, self._cap_w) if above_cap else limit
                text = f"{channel} is {value:.1f} W, at most {limit:.1f} W can follow from what was asked"
                check = "the generator's mode and calibration; other programs or hands at its front panel"
                who = ("power", TRIP, "H02", "power_high", channel)
                found.append(Finding(*who, value, limit, view.now_s - t, text, check))
        return memory, found


class UnderPower(Monitor):
    """Power that was asked for arrives; else the dose is unknown (H03): below half of the set-point for a second."""

    def __init__(self, index: int, channel: str, response_s: float, floor_w: float, hold_s: float) -> None:
        self._index, self._channel, self._response_s, self._floor_w = index, channel, response_s, floor_w
        self._debounce = Debounce(1, 1, hold_s)

    def update(self, memory: Debounces, view: View) -> tuple[Debounces, Iterable[Finding]]:
        """Judge one tick."""
        sample = view.samples[self._index]
        if view.state is not State.FIRING or sample is None:
            return {}, NOTHING
        t, value = sample.t_request_s, sample.value
        asked = extremes(view.s.history, t - self._response_s)[0]
        memory, fires = self._debounce.judge(memory, 0, t, asked > self._floor_w and not value >= 0.5 * asked)
        if not fires:
            return memory, NOTHING
        text = f"{self._channel} is {value:.1f} W where {asked:.1f} W was asked: the dose is unknown"
        check = "the generator's output, its limits and fold-back; power detector; cable to the applicator"
        who = ("power", TRIP, "H03", "power_low", self._channel)
        return memory, [Finding(*who, value, 0.5 * asked, view.now_s - t, text, check)]


class ForeignSetpoint(Monitor):
    """The set-point that the generator reports is one that we gave (H10, H11); before READY it is zero (H09)."""

    DEBOUNCE = Debounce(2, 3)

    def __init__(self, index: int, channel: str, response_s: float, margin_w: float) -> None:
        self._index, self._channel, self._response_s, self._margin_w = index, channel, response_s, margin_w

    def update(self, memory: Debounces, view: View) -> tuple[Debounces, Iterable[Finding]]:
        """Judge one tick."""
        sample = view.samples[self._index]
        if sample is None:
            return {}, NOTHING
        t, value, age = sample.t_request_s, sample.value, view.now_s - sample.t_request_s
        if view.state is State.FIRING:
            low, high = extremes(view.s.history, t - self._response_s)
            margin = max(self._margin_w, 0.02 * high)
            # while paused the output is off, and a driver may leave the old set-point standing
            bad = low > 0.0 and not low - margin <= value <= high + margin
            memory, fires = self.DEBOUNCE.judge(memory, 0, t, bad)
            if not fires:
                return memory, NOTHING
            text = f"{self._channel} reads {value:.1f} W where {low:.1f}..{high:.1f} W was sent"
            check = "another program or a hand at the generator's front panel; a generator that restarted"
            who = ("readback", TRIP, "H10", "foreign_setpoint", self._channel)
            return memory, [Finding(*who, value, high, age, text, check)]
        if view.state in (State.PRECHECK, State.READY) and not value <= self._margin_w:
            text = f"{self._channel} reads {value:.1f} W before anything was fired"
            check = "set the generator to 0 W; close other programs that talk to it"
            who = ("readback", INHIBIT, "H09", "setpoint_not_zero", self._channel)
            return {}, [Finding(*who, value, self._margin_w, age, text, check)]
        return {}, NOTHING


REFLECTED = Debounce(2, 3)
DEAD = Debounce(2, 3, 2.5)
OFF_BAND = Debounce(2, 3, 0.1)
ROUNDING_W = 0.5  # of a meter of whole watts, in its favour


def source_bounds(config: Config) -> Iterator[BoundRule]:
    """What comes back, as a share of what goes forward and in watts; a reflectometer that is dead, or shows power at
    rest; the frequency.
    """
    roles, index = config.roles, config.index
    if roles.frequency is not None:
        i = index[roles.frequency]
        text = f"{roles.frequency} is {{value:.6g}} Hz, outside its band; limit {{limit:.6g}} Hz"
        who = ("frequency", "H13", "frequency", roles.frequency, powered(i, config.channels[i].age_limit_s))
        yield BoundRule(*who, *config.band_hz, OFF_BAND, text, "preset, reference and lock of the generator")
    if roles.reverse is None or roles.forward is None:
        return
    channel, back, out = roles.reverse, index[roles.reverse], index[roles.forward]
    ages = config.channels[back].age_limit_s, config.channels[out].age_limit_s
    reverse, forward = powered(back, ages[0]), powered(out, ages[1])
    check = "antenna and its contact with tissue, cable and every connector, before anything else"
    share, share_w, least = (config.limits.get(f"reflected_{name}") for name in ("share", "w", "least_share"))
    for bound, read, said in (
        (share, _share(reverse, forward), "{value:.2f} of forward power comes back"),
        (share_w, reverse, f"{channel} is {{value:.1f}} W"),
    ):
        if bound is not None:
            text = f"{said}, limit {{limit:g}} ({bound.layer})"
            who = ("reflected", "H53", "reflected", channel, read)
            yield BoundRule(*who, -math.inf, bound.value, REFLECTED, text, check)
    check = "detector and cable of the reflectometer; nothing tells of a bad match until it works"
    if least is not None:
        text = (
            f"{{value:.3f}} of forward power comes back, never less than {{limit:g}} ({least.layer}) if the meter works"
        )
        who = ("reflected", "H54", "reflectometer", channel, _share(reverse, forward, ROUNDING_W))
        yield BoundRule(*who, least.value, math.inf, DEAD, text, check)
    text = f"{channel} is {{value:.1f}} W at rest, at most {{limit:g}} W is none"
    who = ("reflected", "H54", "reflectometer", channel, _at_rest(of(back)))
    yield BoundRule(*who, -math.inf, config.thresholds.off_w, REFLECTED, text, check)


def _share(reverse: Read, forward: Read, rounding_w: float = 0.0) -> Read:
    """What comes back of forward power, with ``rounding_w`` more of it than is read."""

    def read(view: View) -> Reading | None:
        back, out = reverse(view), forward(view)
        if back is None or out is None or not out[1] > 0.0:
            return None
        return min(back[0], out[0]), (back[1] + rounding_w) / out[1]

    return read


def _at_rest(always: Read) -> Read:
    return lambda view: None if view.state is State.FIRING else always(view)
