"""The parts of the simulated bench and how they move in time: tissue, line, coolant loop, sensors, events.

Three rates. The load is algebra, true at the time of the last call: between field steps the tissue's impedance goes on
with the slope it had, so 1 kHz is fine. The field takes a step at 10 Hz, at 20 Hz for two seconds after the power was
switched. Sensors live on a grid of 10 ms and cost when they are read. What was delivered between field steps is
deposited, to the joule, by the next one.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

from sim.world import checks
from sim.world.applicator import Antenna, AntennaGroup, Applicator, ElectrodeGroup
from sim.world.catalogue import applicator_from
from sim.world.coolant import FLOW_LAG_S, Coolant
from sim.world.delivery import Delivery
from sim.world.events import CHAR_FILM, Events
from sim.world.load import Load
from sim.world.meters import Meters
from sim.world.needle import FILM_W_M2K
from sim.world.options import Options
from sim.world.plant import plant_for
from sim.world.properties import Tissue, tissue_named
from sim.world.sensors import Noise, Thermometry

TICK_S = 0.05
FINE_AFTER_SWITCH_S = 2.0
LEAST_STEP_S = 1.0e-6
FORWARD_MAX_W = 1.0e4
LONGEST_JUMP_S = 3600.0


class Scene:
    """What runs; ``sim.world.bench.World`` adds what can be seen and done to it, and says what is raised.

    ``applicator`` and ``tissue`` are what it was built of, ``options`` the keys of ``simulation:``, ``t_s`` the time of
    the last ``advance``.
    """

    def __init__(self, applicator: Mapping[str, Any], simulation: Mapping[str, Any], seed: int) -> None:
        self.options = options = Options.read(simulation)
        self._block = dict(applicator)
        self.applicator = applicator_from(applicator)
        tissue = simulation.get("tissue", "exvivo_bovine")
        self.tissue = tissue if isinstance(tissue, Tissue) else tissue_named(tissue)
        self._noise = Noise(seed)
        vessel_m = (options.vessel_mm / 1e3, options.vessel_diameter_mm / 2e3) if options.vessel_mm < math.inf else None
        sample_m = options.sample_radius_mm / 1e3 if options.sample_radius_mm < math.inf else None
        self._first_block = self._block
        self._channels: tuple[int, ...] | None = None  # on the generator; None: all, nothing was switched yet
        self._surroundings = (self.tissue, simulation.get("mesh", "fast"), vessel_m, sample_m)
        self._plant = plant_for(self.applicator, *self._surroundings)
        self._fresh = self._plant.save()
        antenna, film_w_m2k = _antenna_and_film(self.applicator)
        film_w_m2k *= options.film_scale
        self._load = Load(antenna, options.lead_ohm, options.power_scale)
        self._delivery = Delivery(self._load, options.amplifier_s)
        self._delivery.connect(0.0, self._plant.impedance_ohm, self._plant.reflected)
        self._events = Events(self._noise, pops=options.pops, charring=options.charring)
        self._coolant = Coolant(
            options.coolant_c,
            options.room_c,
            self.tissue.start_c,
            film_w_m2k=film_w_m2k,
            bag_ml=options.bag_ml,
            recirculate=options.recirculate,
            pulsation=options.pulsation,
            lag_s=FLOW_LAG_S * options.lag_scale,
            noise=self._noise,
        )
        self._thermometry = Thermometry(
            self.applicator,
            options,
            self._noise,
            self._plant.temperature_c,
            {
                "tip": lambda: (self._coolant.tip_c if film_w_m2k else self._plant.wall_c) - self._events.tip_drop_c,
                "coolant_in": lambda: self._coolant.inlet_c,
                "coolant_out": lambda: self._coolant.outlet_c,
            },
            self._coolant.shaft_c,
            self.tissue.start_c,
        )
        self._meters = Meters(self._noise, options.blanking_s)
        self.t_s = 0.0
        self._started = False
        self._origin_s, self._due_s = 0.0, -math.inf
        self._tick = self._next_tick = self._fine_until = 0

    @property
    def _bench_s(self) -> float:
        return self.t_s - self._origin_s

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
                self._field_step(self._due_s)
                self._tick = self._next_tick
                self._plan()
        if t_s > self.t_s:
            self.t_s = t_s
        elif math.isnan(t_s):
            raise ValueError("t_s: nan is no time")

    def _start(self, t_s: float) -> None:
        checks.number("t_s", t_s, -1e12, 1e12)
        self._started = True
        self.t_s = self._origin_s = t_s
        self._delivery.begin(t_s)
        self._plan()

    def _plan(self) -> None:
        self._next_tick = self._tick + (1 if self._tick < self._fine_until else 2)
        self._due_s = self._origin_s + self._next_tick * TICK_S

    def _field_step(self, at_s: float) -> None:
        delivery, plant, loop, events = self._delivery, self._plant, self._coolant, self._events
        dt_s = round(at_s - delivery.field_s, 9)  # as a length: the same wherever the clock began
        delivery.settle(at_s)
        tissue_j, shaft_j = delivery.pending_j()
        film = min(events.film_factor, CHAR_FILM if "char" in self._load.faults else 1.0)
        plant.step(dt_s, tissue_j / dt_s, loop.inside_c, loop.film_w_m2k * film)
        loop.step(dt_s, plant.cooled_w + shaft_j / dt_s, plant.wall_c)
        events.step(dt_s, plant.boiling_ml() if self.options.pops else 0.0, tissue_j / dt_s, plant.wall_c)
        self._thermometry.step(dt_s)
        delivery.field(at_s, plant.impedance_ohm, plant.reflected, events.series_ohm)

    def _catch_up(self) -> None:
        """A field step of what is left up to now: what comes next must not be done to the past."""
        if self.t_s - self._delivery.field_s > LEAST_STEP_S and self._due_s - self.t_s > LEAST_STEP_S:
            self._field_step(self.t_s)

    def _jump(self) -> None:
        """Something steep begins: the load has no slope, and a coarse step must not be waited for."""
        self._delivery.jump(self.t_s, self._events.series_ohm)
        left_s = self._origin_s + (self._tick + 1) * TICK_S - self.t_s
        if self._next_tick - self._tick > 1 and left_s > LEAST_STEP_S:  # less: caught up, there is no step to take
            self._next_tick = self._tick + 1
            self._due_s = self._origin_s + self._next_tick * TICK_S

    # ---- actuators --------------------------------------------------------------------------------------------------

    def drive(self, forward_w: float) -> None:
        """Forward power incident on the load from the time of the last ``advance`` on, W; 0 is off."""
        if not 0.0 <= forward_w <= 1.0e4:
            raise ValueError(f"forward_w: {forward_w!r} is not a power between 0 and 10000 W")
        before_w, now_w = self._delivery.wanted_w, float(forward_w)
        if now_w > 1.5 * before_w + 1.0 or before_w > 1.5 * now_w + 1.0:
            self._meters.power_changed(self._bench_s, self._delivery.at(self.t_s).load_ohm, before_w)
            self._plant.power_switched()
            self._fine_until = self._tick + round(FINE_AFTER_SWITCH_S / TICK_S)
            self._jump()
        self._delivery.drive(self.t_s, now_w)

    def drive_load(self, load_w: float) -> None:
        """As ``drive``, by an ideal generator: electrodes as they are absorb ``load_w``, antennas get it forward.

        Into a load that reflects nearly everything (tissue that has dried out) even that generator ends at 10 kW.
        """
        now = self._delivery.at(self.t_s)
        forward_w = load_w if math.isnan(now.load_ohm) else load_w / max(1.0 - now.reflected, 1.0e-3)
        self.drive(max(load_w, min(forward_w, FORWARD_MAX_W)))

    def connect(self, channels: Collection[int]) -> None:
        """Which electrodes or antennas, counted from 0, are on the generator from now on. Raises ValueError."""
        self._catch_up()
        self._channels = tuple(channels)
        self._plant.connect(channels)
        self._delivery.connect(self.t_s, self._plant.impedance_ohm, self._plant.reflected)
        self._jump()

    def retract(self, distance_mm: float) -> None:
        """Pull the probe back by so much, 0 to 50 mm; the tissue stays. Raises ValueError where that cannot be."""
        distance_mm = checks.number("retract", distance_mm, 0.0, 50.0, "the domain reaches 70 mm from the tip")
        self._catch_up()
        self._plant.pull_back(distance_mm / 1e3)
        self._delivery.connect(self.t_s, self._plant.impedance_ohm, self._plant.reflected)
        self._jump()

    def renew(self) -> None:
        """The probe is wiped and goes into fresh tissue, its tines as far out as at the beginning; all else goes on."""
        if self._block != self._first_block:
            self._shape(dict(self._first_block))
        self._catch_up()
        self._plant.restore(self._fresh)
        if self._channels is not None:
            self._plant.connect(self._channels)
        self._events.wipe()
        self._delivery.connect(self.t_s, self._plant.impedance_ohm, self._plant.reflected)
        self._jump()

    @property
    def deployment_mm(self) -> float:
        """The mark at which an array's tines are out now, mm; nan for applicators without, and where none was given."""
        there_mm = self._block.get("deployment_mm")
        return math.nan if there_mm is None else float(there_mm)

    def deploy(self, deployment_mm: float) -> None:
        """Push an array's tines out to this mark of its handle, mm. Raises ValueError for others and out of range."""
        self._shape(self._deployed(deployment_mm))

    def prepare(self, deployment_mm: float | None) -> None:
        """Work ahead of a ``deploy`` to this mark, mm, or of ``renew`` (None): most of it, and nothing is changed.

        For who must not be away for long: without it they do the same at once. Raises ValueError as they do.
        """
        block = self._first_block if deployment_mm is None else self._deployed(deployment_mm)
        applicator = applicator_from(block)
        if applicator != self.applicator:
            self._plant.prepare(applicator)

    def _deployed(self, deployment_mm: float) -> dict[str, Any]:
        kind = self._block.get("kind", "cooled-needle")
        if kind != "expandable-array":
            raise ValueError(f"deploy: a {kind} has no tines; an expandable-array has")
        return {**self._block, "deployment_mm": deployment_mm}

    def _shape(self, block: dict[str, Any]) -> None:
        applicator = applicator_from(block)
        if applicator == self.applicator:
            self._block = block
            return
        self._catch_up()
        self._plant.deploy(applicator)
        self._block, self.applicator = block, applicator
        self._thermometry.move(applicator)
        self._delivery.connect(self.t_s, self._plant.impedance_ohm, self._plant.reflected)
        self._jump()

    def pump(self, flow_ml_min: float) -> None:
        """What the pump head delivers now into an open line, mL/min (the line follows with its own lag)."""
        flow_ml_min = checks.number("flow_ml_min", flow_ml_min, 0.0, 1000.0, "roller pumps")
        self._coolant.pump(flow_ml_min * self.options.flow_scale, self.t_s - self._delivery.field_s)

    def chill(self, bath_c: float) -> None:
        """The coolant bag is a circulator's bath now, at this temperature, degC."""
        self._coolant.bath_c = checks.number("bath_c", bath_c, -20.0, 95.0, "liquid coolants")


def _antenna_and_film(applicator: Applicator) -> tuple[Antenna | None, float]:
    """The antenna, if it is one, and the heat transfer to the coolant at nominal flow, 0 without coolant, W/m2K."""
    if isinstance(applicator, Antenna | AntennaGroup):
        antenna = applicator if isinstance(applicator, Antenna) else applicator.antenna
        return antenna, antenna.film_w_m2k
    if isinstance(applicator, ElectrodeGroup):
        return None, FILM_W_M2K if any(conductor.cooled for conductor in applicator.conductors) else 0.0
    return None, FILM_W_M2K if applicator.cooled else 0.0
