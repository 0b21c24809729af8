"""The simulated bench's physics as one object: power and coolant in, impedance, temperatures and a lesion out.

`World` has no clock: every call that needs the time is given it. Between field steps (10 Hz, 20 Hz for two seconds
after the power was switched) only algebra runs: the generator sees a load, part of its power is reflected, part heats
leads and pad, the rest heats tissue. What was delivered meanwhile is deposited, to the joule, by the next field step.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.world import checks
from sim.world.burn import Burn
from sim.world.coolant import Coolant
from sim.world.needle import needle_from
from sim.world.properties import tissue_named
from sim.world.sensors import Noise, Thermometry
from sim.world.zone import Zone

GENERATOR_OHM = 50.0
"""Characteristic impedance of the generator's output and line."""

TICK_S = 0.05
FINE_AFTER_SWITCH_S = 2.0
OPEN_OHM = 1.0e5
SHORT_OHM = 0.5
POP_DECAY_S = 1.0
"""Steam of a pop escapes and the step in impedance goes with it, in about three seconds."""
LONGEST_JUMP_S = 3600.0
_SIMULATION_KEYS = ("tissue", "mesh", "seed", "lead_ohm", "coolant_c", "room_c")
_FAULTS = ("open", "short", "char", "pad", "pop", "line_off", "air", "coolant_temp")


class World:
    """One simulated applicator in tissue with its generator's line, coolant loop, sensors and operator contacts.

    ``applicator``: kind (``cooled-needle``), gauge, active_tip_mm; the bench file's other keys are not read.
    ``simulation``: tissue, mesh (``fast`` | ``fine`` | ``reference``), lead_ohm (leads and pad, ohm), coolant_c (the
    bag), room_c. ``seed``: every sensor channel has its own noise, drawn from the seed, its name and the time only,
    so that results do not depend on who reads what when.

    Raises ValueError naming the key, its value and what is allowed; raises sim.world.field.NotConverged out of
    ``advance`` when the field has no solution to its tolerance.

    Plain attributes, true at the time of the last ``advance``/``drive``: ``t_s``, ``forward_w`` (incident on the
    load), ``reverse_w`` (reflected), ``load_w`` (absorbed by tissue, leads and pad), ``tissue_w``, ``load_ohm`` (seen
    by the generator), ``inputs`` (contact name -> closed?, writable by emulator and tests).
    """

    def __init__(self, applicator: Mapping[str, Any], simulation: Mapping[str, Any], seed: int) -> None:
        checks.known_keys("simulation", simulation, _SIMULATION_KEYS)
        self.needle = needle_from(applicator)
        self.tissue = tissue_named(simulation.get("tissue", "exvivo_bovine"))
        self._lead_ohm = checks.number("simulation.lead_ohm", simulation.get("lead_ohm", 8.0), 0.0, 100.0)
        self._burn = Burn(self.needle, self.tissue, simulation.get("mesh", "fast"))
        room_c = checks.number("simulation.room_c", simulation.get("room_c", 22.0), 0.0, 45.0)
        bag_c = checks.number("simulation.coolant_c", simulation.get("coolant_c", 8.0), 0.5, 60.0)
        self._coolant = Coolant(bag_c, room_c, self.tissue.start_c)
        self._noise = Noise(seed)
        radii_m, _, lagged_c = self._burn.probe_row()
        self._thermometry = Thermometry(radii_m, lagged_c, self._noise, self.tissue.start_c, room_c)
        self.inputs: dict[str, bool] = {
            "estop_a": True,
            "estop_b": True,
            "foot_no": False,
            "foot_nc": True,
            "door": True,
        }
        self._faults: dict[str, float] = {}
        self.forward_w = self.reverse_w = self.load_w = self.tissue_w = 0.0
        self.load_ohm = 0.0
        self.t_s = 0.0
        self._started = False
        self._origin_s = self._since_s = 0.0
        self._due_s = -math.inf
        self._tick = self._next_tick = self._fine_until = 0
        self._pending_j = self._energy_j = self._tissue_j = 0.0
        self._pop_ohm = 0.0
        self._see_load()

    # ---- time -------------------------------------------------------------------------------------------------------

    def advance(self, t_s: float) -> None:
        """Bring everything to absolute time ``t_s`` (seconds, the caller's clock; the first call sets the origin).

        Earlier times than the last one are taken as the last one: the world does not run backwards.
        """
        if t_s >= self._due_s:
            if not self._started:
                self._start(t_s)
            elif t_s - self._due_s > LONGEST_JUMP_S:
                raise ValueError(f"t_s: {t_s!r} is more than {LONGEST_JUMP_S:g} s after the last time, {self.t_s!r}")
            while t_s >= self._due_s:
                self._field_step()
        if t_s > self.t_s:
            self.t_s = t_s
        elif math.isnan(t_s):
            raise ValueError("t_s: nan is no time")

    def _start(self, t_s: float) -> None:
        checks.number("t_s", t_s, -1e12, 1e12)
        self._started = True
        self.t_s = self._origin_s = self._since_s = t_s
        self._next_tick = 2
        self._due_s = t_s + 2 * TICK_S

    def _field_step(self) -> None:
        due_s = self._due_s
        self._settle(due_s)
        dt_s = (self._next_tick - self._tick) * TICK_S
        burn, coolant = self._burn, self._coolant
        burn.step(dt_s, self._pending_j / dt_s, coolant.inside_c, coolant.film_w_m2k)
        coolant.step(dt_s, burn.cooled_w, burn.wall_c)
        self._thermometry.step(dt_s, coolant.tip_c, coolant.inlet_c, coolant.outlet_c)
        self._pending_j = 0.0
        if self._pop_ohm:
            self._pop_ohm = self._pop_ohm * math.exp(-dt_s / POP_DECAY_S) if self._pop_ohm > 1.0 else 0.0
        self._see_load()
        self._tick = self._next_tick
        self._next_tick += 1 if self._tick < self._fine_until else 2
        self._due_s = self._origin_s + self._next_tick * TICK_S

    def _settle(self, t_s: float) -> None:
        elapsed_s = t_s - self._since_s
        if elapsed_s > 0.0:
            self._pending_j += self.tissue_w * elapsed_s
            self._tissue_j += self.tissue_w * elapsed_s
            self._energy_j += self.load_w * elapsed_s
            self._since_s = t_s

    # ---- actuators --------------------------------------------------------------------------------------------------

    def drive(self, forward_w: float) -> None:
        """RF forward power incident on the load from the time of the last ``advance`` on, W; 0 is off."""
        if not 0.0 <= forward_w <= 1.0e4:
            raise ValueError(f"forward_w: {forward_w!r} is not a power between 0 and 10000 W")
        before_w = self.forward_w
        self._settle(self.t_s)
        self.forward_w = float(forward_w)
        self._divide_power()
        if forward_w > 1.5 * before_w + 1.0 or before_w > 1.5 * forward_w + 1.0:
            self._fine_until = self._tick + round(FINE_AFTER_SWITCH_S / TICK_S)
            self._burn.power_switched()
            # An energetic step must not wait for a coarse one to end: the pending step is cut to the next 50 ms mark.
            if self._next_tick - self._tick > 1 and self.t_s < self._origin_s + (self._tick + 1) * TICK_S:
                self._next_tick = self._tick + 1
                self._due_s = self._origin_s + self._next_tick * TICK_S

    def drive_load(self, load_w: float) -> None:
        """As ``drive``, by an ideal generator that makes up for reflection: the load as it is absorbs ``load_w``."""
        self.drive(load_w / max(1.0 - self._reflected, 1.0e-3))

    def pump(self, flow_ml_min: float) -> None:
        """What the pump head delivers now, mL/min (the line follows with its own lag)."""
        self._coolant.pump(checks.number("flow_ml_min", flow_ml_min, 0.0, 1000.0))

    # ---- load algebra -----------------------------------------------------------------------------------------------

    def _see_load(self) -> None:
        faults = self._faults
        tissue_ohm = self._burn.impedance_ohm
        series_ohm = self._lead_ohm + self._pop_ohm
        if faults:
            series_ohm += faults.get("char", 0.0) + faults.get("pad", 0.0)
        load_ohm = tissue_ohm + series_ohm
        share = tissue_ohm / load_ohm
        if "open" in faults:
            load_ohm, share = OPEN_OHM, 0.0
        elif "short" in faults:
            load_ohm, share = SHORT_OHM, 0.0
        self.load_ohm = load_ohm
        gamma = (load_ohm - GENERATOR_OHM) / (load_ohm + GENERATOR_OHM)
        self._reflected = gamma * gamma
        self._tissue_share = share
        self._divide_power()

    def _divide_power(self) -> None:
        forward_w = self.forward_w
        self.reverse_w = forward_w * self._reflected
        self.load_w = forward_w - self.reverse_w
        self.tissue_w = self.load_w * self._tissue_share

    # ---- sensors ----------------------------------------------------------------------------------------------------

    def temperature_c(self, name: str) -> float:
        """Reading of a thermocouple, degC: ``tip``, ``tissue_<n>mm``, ``coolant_in``, ``coolant_out``.

        Tissue probes lie at mid-tip, n mm from the needle's axis.

        Lag, noise and 0.1 K resolution included. Raises ValueError for a name that is none of these or outside the
        domain.
        """
        return self._thermometry.read(name, self.t_s - self._origin_s)

    def true_c(self, name: str) -> float:
        """As ``temperature_c`` with the lag, without noise and rounding."""
        return self._thermometry.true_c(name)

    @property
    def flow_ml_min(self) -> float:
        """Reading of the flow sensor, mL/min (noise 1 % of reading, at least 0.02 mL/min); 0 while it sees gas."""
        if self._coolant.gas_at_sensor:
            return 0.0
        flow = self._coolant.flow_ml_min
        return flow + max(0.02, 0.01 * flow) * self._noise.at("flow", self.t_s - self._origin_s)

    @property
    def coolant_c(self) -> float:
        """Liquid temperature at the flow sensor, degC."""
        return self._coolant.inlet_c + 0.05 * self._noise.at("coolant", self.t_s - self._origin_s)

    @property
    def air_in_line(self) -> bool:
        """Does the flow sensor see gas instead of liquid?"""
        return self._coolant.gas_at_sensor

    # ---- faults -----------------------------------------------------------------------------------------------------

    def fault(self, name: str, value: float | bool | None = True) -> None:
        """Set a load or loop fault; ``None`` or ``False`` clears it.

        ``open``, ``short``: the load, seen from the generator. ``char`` (ohm): carbon on the tip, in series. ``pad``
        (ohm): return electrode peeling off, in series. ``pop`` (ohm): steam pop, a step that decays in seconds.
        ``line_off``: the tube is off, no flow reaches sensor or needle. ``air``: gas in the line. ``coolant_temp``
        (degC): the bag's temperature.
        """
        if name not in _FAULTS:
            raise ValueError(checks.unknown("world fault", name, _FAULTS))
        self._settle(self.t_s)
        on = value is not None and value is not False
        if name in ("line_off", "air"):
            setattr(self._coolant, name, on)
        elif name == "coolant_temp":
            self._coolant.force_bag_c(checks.number("coolant_temp", value, 0.0, 95.0) if on else None)
        elif name == "pop":
            self._pop_ohm = _ohms(name, value, 60.0) if on else 0.0
        elif on:
            self._faults[name] = _ohms(name, value, 150.0)
        else:
            self._faults.pop(name, None)
        self._see_load()

    # ---- results ----------------------------------------------------------------------------------------------------

    @property
    def energy_j(self) -> float:
        """Energy absorbed by the load (tissue, leads and pad) so far, J: what a generator's meter counts."""
        return self._energy_j + self.load_w * (self.t_s - self._since_s)

    @property
    def tissue_j(self) -> float:
        """Energy that reached tissue so far, J."""
        return self._tissue_j + self.tissue_w * (self.t_s - self._since_s)

    def zone(self) -> Zone:
        """The coagulation zone now: long_axis_mm, short_axis_mm, volume_ml (visible white zone, Omega = 1)."""
        return self._burn.zone()

    def picture_data(self) -> dict[str, NDArray[np.float64]]:
        """Arrays for a picture: r_mm[nr], z_mm[nz], temperature_c[nr, nz], damage[nr, nz] (Omega).

        The tip is at z = 0, the handle at positive z.
        """
        return self._burn.picture_data()

    def balance(self) -> dict[str, float]:
        """Energy of the tissue, J: source, cooled, perfused, metabolic, stored and the residual that should be nil."""
        return self._burn.balance()


def _ohms(name: str, value: float | bool | None, default: float) -> float:
    return default if value is True else checks.number(name, value, 0.0, 1.0e6)
