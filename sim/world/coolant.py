"""The coolant loop as a few lumps: bag on ice, roller pump, tubing, needle and back.

The needle's water is one small heat capacity (about 0.2 J/K). While coolant flows it follows the inlet within
milliseconds; when flow stops the wall's heat transfer falls to what standing water carries, and the needle creeps
towards tissue temperature in seconds: what a tip thermocouple shows after a pump stall, and after the pump is stopped
to read the residual temperature.
"""

from __future__ import annotations

import math

from sim.world.needle import FILM_W_M2K, NOMINAL_FLOW_ML_MIN, STAGNANT_W_M2K

WATER_J_ML_K = 4.18
BAG_ML = 1000.0
ICE_W_K = 5.0
"""How strongly the ice bath holds the bag at its temperature."""
TUBE_ML = 5.0
TUBE_ROOM_W_K = 0.3
"""Heat pick-up of the supply line from the room."""
STANDING_LINE_S = 300.0
FLOW_LAG_S = 0.7
NEEDLE_J_K = 0.2
STEM_SHARE = 0.05
"""How much of the wall's temperature a thermocouple inside the tip sees (0.02-0.08)."""


class Coolant:
    """State of the loop; temperatures in degC, flows in mL/min. ``line_off`` and ``air`` are the loop's faults."""

    def __init__(self, bag_c: float, room_c: float, tissue_c: float) -> None:
        self._bag_set_c = self.bag_c = bag_c
        self._room_c = room_c
        self._pump_ml_min = self._flow_ml_min = 0.0
        self._forced_c: float | None = None
        self._tissue_c = tissue_c
        self.inlet_c = self.outlet_c = room_c
        self.inside_c = tissue_c
        self.tip_c = tissue_c
        self.line_off = False
        self.air = False

    def pump(self, flow_ml_min: float) -> None:
        """What the pump head delivers from now on."""
        self._pump_ml_min = flow_ml_min

    def force_bag_c(self, value_c: float | None) -> None:
        """Hold the bag at ``value_c`` (somebody forgot the ice); None lets the ice bath have it again."""
        self._forced_c = value_c

    @property
    def flow_ml_min(self) -> float:
        """True flow through sensor and needle."""
        return self._flow_ml_min

    @property
    def gas_at_sensor(self) -> bool:
        """Air in the line, or a line that came off and ran dry."""
        return self.air or (self.line_off and self._flow_ml_min < 2.0)

    @property
    def film_w_m2k(self) -> float:
        """Wall-to-coolant heat transfer at the present flow (turbulent: flow to the power 0.8)."""
        if self.air or self._flow_ml_min < 0.1:
            return STAGNANT_W_M2K
        relative = min(self._flow_ml_min / NOMINAL_FLOW_ML_MIN, 2.0)
        return max(STAGNANT_W_M2K, FILM_W_M2K * math.pow(relative, 0.8))

    def step(self, dt_s: float, picked_up_w: float, wall_c: float) -> None:
        """``dt_s`` with ``picked_up_w`` entering through the needle's wall, which is at ``wall_c``."""
        target = 0.0 if self.line_off else self._pump_ml_min
        self._flow_ml_min += (target - self._flow_ml_min) * (1.0 - math.exp(-dt_s / FLOW_LAG_S))
        if self._flow_ml_min < 0.01 and target == 0.0:
            self._flow_ml_min = 0.0
        flow_w_k = self._flow_ml_min / 60.0 * WATER_J_ML_K
        if flow_w_k > 0.02:
            supplied_c = self.bag_c + (self._room_c - self.bag_c) * (1.0 - math.exp(-TUBE_ROOM_W_K / flow_w_k))
            lag_s = TUBE_ML * 60.0 / self._flow_ml_min
        else:
            supplied_c, lag_s = self._room_c, STANDING_LINE_S
        self.inlet_c += (supplied_c - self.inlet_c) * (1.0 - math.exp(-dt_s / lag_s))
        gain = dt_s / NEEDLE_J_K
        self.inside_c = (self.inside_c + gain * (picked_up_w + flow_w_k * self.inlet_c)) / (1.0 + gain * flow_w_k)
        if flow_w_k > 0.02:
            self.outlet_c += (self.inside_c - self.outlet_c) * (1.0 - math.exp(-dt_s / lag_s))
        self.tip_c = self.inside_c + STEM_SHARE * (wall_c - self.inside_c)
        if self._forced_c is not None:
            self.bag_c = self._forced_c
        else:
            into_w = flow_w_k * (self.outlet_c - self.bag_c) + ICE_W_K * (self._bag_set_c - self.bag_c)
            self.bag_c += dt_s * into_w / (BAG_ML * WATER_J_ML_K)
