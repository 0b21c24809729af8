"""The coolant loop as a few lumps: bag on ice, roller pump, tubing, needle and back into the bag, or to waste.

Every lump takes what the one before gives (implicitly, one after the other), so that heat that enters anywhere is
found again somewhere: ``balance``. The needle's water is small (about 0.2 J/K). While coolant flows it follows the
inlet within milliseconds; when flow stops the wall's heat transfer falls to what standing water carries, and the needle
creeps towards tissue temperature in seconds: what a tip thermocouple shows after a pump stall, and after the pump is
stopped to read the residual temperature.

The pump is a roller head, a source of flow that slips the more the higher its pressure: a line that is half blocked
raises the pressure and loses part of the flow, a line that is shut loses all. The tubing's compliance makes pressure
and flow follow the head with a lag and leaves a little of the rollers' pulsation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from sim.world.needle import FILM_W_M2K, NOMINAL_FLOW_ML_MIN, STAGNANT_W_M2K
from sim.world.sensors import Noise

WATER_J_ML_K = 4.18
ICE_W_K = 5.0
"""How strongly the ice bath holds the bag at its temperature."""
TUBE_ML = 5.0
TUBE_ROOM_W_K = 0.3
"""Heat pick-up of the supply line from the room while it flows; standing water takes 300 s to warm up."""
STANDING_ROOM_W_K = TUBE_ML * WATER_J_ML_K / 300.0
FLOW_LAG_S = 0.7
NEEDLE_J_K = 0.2
STEM_SHARE = 0.05
"""How much of the wall's temperature a thermocouple inside the tip sees (0.02-0.08)."""
LINE_BAR_MIN_ML = 0.0125
"""Resistance of tubing and needle: 1 bar at 80 mL/min, as thin inner tubes of cooled needles need."""
SLIP_BAR_MIN_ML = 0.0375
"""The rollers' slip: against a shut line the head holds 4 bar at 80 mL/min."""
PULSES_PER_ML = 10.0
"""Eight rollers, 0.8 mL a turn."""
TISSUE_W_M2K = 1000.0
"""Half a millimetre of tissue at 0.5 W/mK."""
BUBBLE_S = (0.1, 1.0)


FAULTS: dict[str, tuple[float, float, float]] = {
    "line_off": (1.0, 1.0, 1.0),
    "air": (1.0, 1.0, 1.0),
    "occlude": (1.0, 0.0, 1.0),
    "bubbles": (10.0, 0.0, 60.0),
    "bag": (0.0, 0.0, 10000.0),
    "coolant_temp": (40.0, 0.0, 95.0),
}
"""Faults of the loop: value when none is given, lowest, highest."""


class Coolant:
    """State of the loop; temperatures in degC, flows in mL/min.

    ``line_off``, ``air``, ``blocked`` (share of the bore) and ``bubbles_per_min`` are the loop's faults. ``bath_c``:
    the bag is a circulator's bath at this temperature; NaN: there is none. ``since_s``: seconds after the last
    ``step``.
    """

    def __init__(
        self,
        bag_c: float,
        room_c: float,
        tissue_c: float,
        *,
        film_w_m2k: float = FILM_W_M2K,
        bag_ml: float = 1000.0,
        recirculate: bool = True,
        pulsation: float = 0.0,
        lag_s: float = FLOW_LAG_S,
        noise: Noise | None = None,
    ) -> None:
        self._bag_set_c, self._room_c, self._nominal_w_m2k = bag_c, room_c, film_w_m2k
        self._full_ml, self._recirculates, self._pulsation = bag_ml, recirculate, pulsation
        self._lag_s = lag_s
        self._noise = noise if noise is not None else Noise(0)
        self.bag_c, self.bag_ml = bag_c, bag_ml
        self.inlet_c = self.outlet_c = room_c
        self.inside_c = self.tip_c = tissue_c
        self.to_waste = not recirculate
        self.forced_c = self.bath_c = math.nan
        self.line_off = self.air = False
        self.blocked = self.bubbles_per_min = 0.0
        self._pump_ml_min = self._bar = self._bar_since_s = 0.0
        self._t_s = self._pulses = 0.0
        self._bubble = (-1, 0.0, 0.0)
        self.needle_j = self.room_j = self.ice_j = self.waste_j = self.forced_j = 0.0
        self._stored_j = self._heat_j()

    # ---- flow -------------------------------------------------------------------------------------------------------

    def pump(self, flow_ml_min: float, since_s: float = 0.0) -> None:
        """What the pump head would deliver into an open line from now on."""
        self._rebase(since_s)
        self._pump_ml_min = flow_ml_min

    def fault(self, name: str, value: float | None, since_s: float = 0.0) -> None:
        """Set a fault of ``FAULTS``, or clear it (None)."""
        self._rebase(since_s)
        if name in ("line_off", "air"):
            setattr(self, name, value is not None)
        elif name == "occlude":
            self.blocked = value or 0.0
        elif name == "bubbles":
            self.bubbles_per_min = value or 0.0
        elif name == "coolant_temp":
            self.forced_c = math.nan if value is None else value
        elif name == "bag":
            self.to_waste = value is not None or not self._recirculates
            self._stored_j -= self._heat_j()
            self.bag_ml = self._full_ml if value is None else value
            self._stored_j += self._heat_j()

    def flow_ml_min(self, since_s: float = 0.0) -> float:
        """True flow of liquid through sensor and needle."""
        flow = self.pressure_bar(since_s) / self._line_bar_min_ml()
        return 0.0 if flow < 0.01 and self._target_bar() == 0.0 else flow

    def pressure_bar(self, since_s: float = 0.0) -> float:
        """Pressure behind the pump head: compliance lets it, and so the flow, follow the head with a lag."""
        lag_s = since_s - self._bar_since_s
        if lag_s == 0.0:
            return self._bar
        target = self._target_bar()
        return target + (self._bar - target) * math.exp(-lag_s / self._lag_s)

    def pulsating(self, since_s: float = 0.0) -> float:
        """The flow as a fast sensor sees it."""
        flow = self.flow_ml_min(since_s)
        pulses = self._pulses + flow / 60.0 * PULSES_PER_ML * since_s
        return flow * (1.0 + self._pulsation * math.sin(2.0 * math.pi * pulses))

    def gas_at_sensor(self, since_s: float = 0.0) -> bool:
        """Air in the line, an empty bag, a bubble, or a line that came off and ran dry."""
        if self.air or self.bag_ml <= 0.0 or (self.line_off and self.flow_ml_min(since_s) < 2.0):
            return True
        return self.bubbles_per_min > 0.0 and self._bubble_at(self._t_s + since_s)

    @property
    def film_w_m2k(self) -> float:
        """Wall-to-coolant heat transfer at the present flow (turbulent: flow to the power 0.8)."""
        flow = self.flow_ml_min()
        if flow < 0.1 or self.gas_at_sensor():
            return min(STAGNANT_W_M2K, self._nominal_w_m2k)
        relative = min(flow / NOMINAL_FLOW_ML_MIN, 2.0)
        return max(min(STAGNANT_W_M2K, self._nominal_w_m2k), self._nominal_w_m2k * math.pow(relative, 0.8))

    def shaft_c(self, tissue_c: float) -> float:
        """The outside of a shaft: between the coolant behind its wall and the tissue half a millimetre off."""
        inward, outward = self.film_w_m2k, TISSUE_W_M2K
        return (inward * self.inside_c + outward * tissue_c) / (inward + outward)

    def _line_bar_min_ml(self) -> float:
        """Resistance of the line: Poiseuille's, one over the open area squared."""
        return LINE_BAR_MIN_ML / (1.0 - self.blocked) ** 2 if self.blocked < 1.0 else math.inf

    def _target_bar(self) -> float:
        if self.line_off:
            return 0.0
        head_ml_min = self._pump_ml_min * (1.0 + LINE_BAR_MIN_ML / SLIP_BAR_MIN_ML)  # calibrated on an open line
        return head_ml_min / (1.0 / SLIP_BAR_MIN_ML + 1.0 / self._line_bar_min_ml())

    def _rebase(self, since_s: float) -> None:
        self._bar, self._bar_since_s = self.pressure_bar(since_s), since_s

    def _bubble_at(self, t_s: float) -> bool:
        """In every slot of 60/rate seconds one bubble passes, at a time and for 0.1-1 s that are drawn for it."""
        slot_s = 60.0 / self.bubbles_per_min
        slot = int(t_s / slot_s)
        if self._bubble[0] != slot:
            draw = self._noise.draws("bubbles", slot)
            lasts_s = float(draw.uniform(*BUBBLE_S))
            begins_s = slot * slot_s + float(draw.uniform(0.0, max(0.0, slot_s - lasts_s)))
            self._bubble = slot, begins_s, begins_s + lasts_s
        return self._bubble[1] <= t_s < self._bubble[2]

    # ---- heat -------------------------------------------------------------------------------------------------------

    def step(self, dt_s: float, picked_up_w: float, wall_c: float) -> None:
        """``dt_s`` with ``picked_up_w`` entering through the needle's wall, which is at ``wall_c``."""
        self._bar, self._bar_since_s = self.pressure_bar(dt_s), 0.0
        self._t_s += dt_s
        flow_ml_s = self.flow_ml_min() / 60.0
        self._pulses = (self._pulses + flow_ml_s * PULSES_PER_ML * dt_s) % 1.0
        liquid = not (self.air or self.bag_ml <= 0.0)
        flow_w_k = flow_ml_s * WATER_J_ML_K if liquid else 0.0
        if flow_w_k <= 0.02:
            flow_w_k = 0.0
        room_w_k = TUBE_ROOM_W_K if flow_w_k > 0.0 else STANDING_ROOM_W_K
        tube_j_k, from_bag_c = TUBE_ML * WATER_J_ML_K, self.bag_c
        self.inlet_c = (tube_j_k * self.inlet_c + dt_s * (flow_w_k * from_bag_c + room_w_k * self._room_c)) / (
            tube_j_k + dt_s * (flow_w_k + room_w_k)
        )
        self.inside_c = (NEEDLE_J_K * self.inside_c + dt_s * (flow_w_k * self.inlet_c + picked_up_w)) / (
            NEEDLE_J_K + dt_s * flow_w_k
        )
        self.outlet_c = (tube_j_k * self.outlet_c + dt_s * flow_w_k * self.inside_c) / (tube_j_k + dt_s * flow_w_k)
        self.tip_c = self.inside_c + STEM_SHARE * (wall_c - self.inside_c)
        self.needle_j += dt_s * picked_up_w
        self.room_j += dt_s * room_w_k * (self._room_c - self.inlet_c)
        self._bag_step(dt_s, flow_w_k)

    def _bag_step(self, dt_s: float, flow_w_k: float) -> None:
        returned_j, taken_ml = dt_s * flow_w_k * self.outlet_c, dt_s * flow_w_k / WATER_J_ML_K
        before_c = self.bag_c
        bag_j = self.bag_ml * WATER_J_ML_K * before_c - dt_s * flow_w_k * before_c
        if self.to_waste:
            self.waste_j += returned_j
            self.bag_ml -= taken_ml
            if self.bag_ml <= 0.0:
                self.waste_j += bag_j  # the last drop
                self.bag_ml = 0.0
                return
        else:
            bag_j += returned_j
        ice_j = dt_s * ICE_W_K * (self._bag_set_c - before_c)
        self.ice_j += ice_j
        bag_j_k = self.bag_ml * WATER_J_ML_K
        if bag_j_k > 0.0:
            self.bag_c = (bag_j + ice_j) / bag_j_k
            forced_c = self.bath_c if math.isnan(self.forced_c) else self.forced_c
            if not math.isnan(forced_c):
                self.forced_j += bag_j_k * (forced_c - self.bag_c)
                self.bag_c = forced_c

    def _heat_j(self) -> float:
        tubes_j = TUBE_ML * WATER_J_ML_K * (self.inlet_c + self.outlet_c)
        return self.bag_ml * WATER_J_ML_K * self.bag_c + tubes_j + NEEDLE_J_K * self.inside_c

    def balance(self) -> dict[str, float]:
        """Heat into the loop, J: needle, room, ice (negative), waste (out), forced by a fault; stored; the residual."""
        stored_j = self._heat_j() - self._stored_j
        inward_j = self.needle_j + self.room_j + self.ice_j + self.forced_j - self.waste_j
        return {
            "needle_j": self.needle_j,
            "room_j": self.room_j,
            "ice_j": self.ice_j,
            "waste_j": self.waste_j,
            "forced_j": self.forced_j,
            "stored_j": stored_j,
            "residual_j": stored_j - inward_j,
        }

    def save(self) -> dict[str, object]:
        """The loop's state."""
        return {name: value for name, value in vars(self).items() if name != "_noise"}

    def restore(self, saved: Mapping[str, object]) -> None:
        """Take up what ``save`` gave."""
        vars(self).update(saved)
