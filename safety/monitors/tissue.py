"""What tissue, electrodes and sensors may be, as rules: temperatures (H43, H45, H46, H55), sensors that agree (H61,
H62), impedance (H47, H49, H50), the return electrode (H52); and the heating that energy must bring (H57, H64).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from safety.monitors.base import NOTHING, STOP, TRIP, Debounce, Debounces, Finding, Monitor, View
from safety.monitors.bounds import BoundRule, DoseRule, Read, Reading, of, powered
from safety.rules import HeatingRule
from safety.types import State

if TYPE_CHECKING:
    from safety.config import Config

HOT = Debounce(2, 3)
WARM = Debounce(2, 3, 1.0)  # coolant, which is slow
APART = Debounce(2, 3, 1.0)
IMPEDANCE = Debounce(2, 3, 0.1)
PAD_S = 60.0  # 0.7 A for 60 s is what a return electrode is tested with
CEM_43_C, CEM_NONE_C = 43.0, 39.0


def temperatures(config: Config) -> Iterator[BoundRule]:
    """No temperature above its limit."""
    roles = config.roles
    for name, hazard, channels, debounce, check in (
        ("tip_c", "H45", (roles.tip,), HOT, "coolant flow and temperature; the tip sensor"),
        ("shaft_c", "H45", (roles.shaft,), HOT, "coolant of the shaft; the sensor's place on it"),
        ("tissue_c", "H46", roles.tissue, HOT, "power, and the distance of this sensor from the applicator"),
        ("critical_c", "H46", roles.critical, HOT, "power, and the distance of the structure from the applicator"),
        ("coolant_c", "H43", (roles.coolant,), WARM, "the coolant's reservoir and its cooling"),
        ("cable_c", "H55", roles.cable, HOT, "this connector: dirt, damage, a loose nut; the match of the load"),
    ):
        bound = config.limits[name]  # a compiled ceiling, if nothing else
        for channel in channels:
            if channel is not None:
                text = f"{channel} is {{value:.1f}} C, limit {{limit:g}} C ({bound.layer})"
                who = ("temperature", hazard, "over_temperature", channel, of(config.index[channel]))
                hysteresis = config.thresholds.hysteresis_c
                yield BoundRule(*who, -math.inf, bound.value, debounce, text, check, hysteresis)


def _apart(indices: tuple[int, ...], at_rest: bool) -> Read:
    """How far sensors are apart, C; ``at_rest``: in PRECHECK only."""

    def read(view: View) -> Reading | None:
        seen = [s for i in indices if (s := view.samples[i]) is not None]
        if not seen or (at_rest and view.state is not State.PRECHECK):
            return None
        values = [s.value for s in seen]
        return max(s.t_request_s for s in seen), max(values) - min(values)

    return read


def agreements(config: Config) -> Iterator[BoundRule]:
    """Sensors of the same tissue agree at rest (wrong thermocouple type, drift, one out of place), pairs always."""
    check = "thermocouple type and position, pick-up of power; let the tissue settle"
    groups = [("H62", "agreement", config.roles.tissue, config.thresholds.agree_c, True)]
    for pair in config.pairs:
        groups += [
            ("H61", "pair", pair.channels, pair.rest_c, True),
            ("H61", "pair", pair.channels, pair.trip_c, False),
        ]
    for hazard, monitor, channels, apart_c, at_rest in groups:
        if channels:
            read = _apart(tuple(config.index[c] for c in channels), at_rest)
            text = f"{' and '.join(channels)} differ by {{value:.1f}} C, at most {{limit:g}} C"
            yield BoundRule("agree", hazard, monitor, channels[0], read, 0.0, apart_c, APART, text, check)


def impedances(config: Config) -> Iterator[BoundRule]:
    """The load is neither short nor open, charred or shorted beyond reading, while power flows.

    A normal roll-off does not trip: its pulse-off ends the flow of power, and with it the judgement, long before the
    limit.
    """
    channel = config.roles.impedance
    if channel is not None:
        i = config.index[channel]
        read = powered(i, config.channels[i].age_limit_s)
        low, high = (config.limits[f"impedance_{end}_ohm"].value for end in ("low", "high"))
        text = f"{channel} is {{value:.0f}} ohm, limit {{limit:g}} ohm: "
        check = "whether electrodes or leads touch each other or metal"
        short = ("impedance", "H49", "impedance_low", channel, read, low, math.inf)
        yield BoundRule(*short, IMPEDANCE, f"{text}short", check)
        check = "lead, dispersive pad and applicator; char on the electrode; tissue contact"
        is_open = ("impedance", "H50", "impedance_high", channel, read, -math.inf, high)
        yield BoundRule(*is_open, IMPEDANCE, f"{text}open, char or short", check)


def doses(config: Config) -> Iterator[DoseRule]:
    """What a critical structure has had since PRECHECK (H46), and a return electrode within a minute (H52)."""
    roles, limits = config.roles, config.limits
    for channel in roles.critical:
        i = config.index[channel]
        text = f"{channel} has had {{value:.0f}} s at 43 C or their like, limit {{limit:g}} s"
        check = "power, and the distance of the structure from the applicator"
        who = ("temperature", TRIP, "H46", "thermal_dose", channel, _cem43(i))
        yield DoseRule(*who, limits["critical_cem43_s"].value, math.inf, text, check)
    if config.pads and roles.impedance is not None and "pad_a2s" in limits:
        rate = _pad_a2(config.index[roles.power], config.index[roles.impedance], config.pads)
        text = "each return electrode took {value:.1f} A2s in a minute, limit {limit:g} A2s"
        check = "more return electrodes, or less power; are all of them connected and flat"
        who = ("pads", STOP, "H52", "pad_current", roles.power, rate)
        yield DoseRule(*who, limits["pad_a2s"].value, PAD_S, text, check)


def _cem43(i: int) -> Callable[[View], float]:
    """Seconds at 43 C that a second at this temperature is worth (Sapareto and Dewey 1984)."""

    def rate(view: View) -> float:
        sample = view.samples[i]
        if sample is None or not CEM_NONE_C <= sample.value < math.inf:
            return 0.0
        above_k = min(sample.value, 100.0) - CEM_43_C
        return float(2.0**above_k if above_k >= 0.0 else 4.0**above_k)

    return rate


def _pad_a2(power: int, impedance: int, pads: int) -> Callable[[View], float]:
    """Current squared through each of ``pads``, A2: they share the current that follows from power and impedance."""

    def rate(view: View) -> float:
        w, ohm = view.samples[power], view.samples[impedance]
        if w is None or ohm is None or not (0.0 <= w.value < math.inf and ohm.value > 0.0):
            return 0.0
        return w.value / max(ohm.value, 1.0) / pads**2

    return rate


class Heating(Monitor):
    """While power flows, energy that was delivered is felt by the sensors that the bench says must feel it (H57, H64).

    Memory: values at FIRE, and pending verdicts.
    """

    DEBOUNCE = Debounce(2, 3)

    def __init__(self, rules: tuple[tuple[int, HeatingRule], ...]) -> None:
        self._rules = rules

    def start(self) -> tuple[Mapping[int, float], Debounces]:
        """No starting temperatures."""
        return {}, {}

    def update(
        self, memory: tuple[Mapping[int, float], Debounces], view: View
    ) -> tuple[tuple[Mapping[int, float], Debounces], Iterable[Finding]]:
        """Judge one tick."""
        if view.state is not State.FIRING or not self._rules:
            return self.start(), NOTHING
        first, pending = memory
        found = []
        for i, rule in self._rules:
            sample = view.samples[i]
            if sample is None:
                continue
            if i not in first:
                first = {**first, i: sample.value}
            rise_c = sample.value - first[i]
            if view.s.energy_j <= rule.energy_j or not view.flows:
                continue
            pending, fires = self.DEBOUNCE.judge(pending, i, sample.t_request_s, not rise_c >= rule.rise_c)
            if fires:
                text = (
                    f"{rule.channel} is {rise_c:.1f} C above its start after {view.s.energy_j:.0f} J,"
                    f" expected {rule.rise_c:g} C from {rule.energy_j:g} J on"
                )
                check = "whether the sensor sits where the bench file says, its wires, the applicator in the tissue"
                who = ("heating", TRIP, "H64", "heating_response", rule.channel)
                found.append(Finding(*who, rise_c, rule.rise_c, view.now_s - sample.t_request_s, text, check))
        return (first, pending), found
