"""The simulated bench's physics as one object: power and coolant in, impedance, temperatures and a lesion out.

Where to look up what the simulated bench does when something happens: the load and its faults in ``load``, pops and
carbon in ``events``, the loop in ``coolant``, thermometers in ``sensors``, meters in ``meters``, the keys of
``simulation:`` in ``options``, a probe that moves in ``retract``, the three rates in ``scene`` and ``delivery``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.world import checks, coolant, load
from sim.world.applicator import metal
from sim.world.scene import Scene
from sim.world.sensors import NOISE_RATE_HZ
from sim.world.zone import Zone

_PARTS = ("plant", "load", "delivery", "events", "coolant", "thermometry", "meters")
_OTHER_FAULTS: dict[str, tuple[float, float, float]] = {
    "pop": (60.0, 0.0, 1.0e6),
    "pickup": (0.05, -0.5, 0.5),
    "retract": (10.0, 0.0, 50.0),
}
FAULTS = {**load.FAULTS, **coolant.FAULTS, **_OTHER_FAULTS}
"""What can be done to the bench, see ``World.fault``: value when none is given, lowest, highest."""


class World(Scene):
    """One simulated applicator in tissue with its generator's line, coolant loop, sensors and operator contacts.

    ``applicator``: the bench file's block of that name. ``simulation``: tissue (a name or a ``Tissue``), mesh
    (``fast`` | ``fine`` | ``reference``) and the keys of ``sim.world.options``. ``seed``: every channel of chance is
    drawn from the seed, its name and the time only, so that results do not depend on who reads what when.

    No clock: every call that needs the time is given it. Raises ValueError naming the key, its value and what is
    allowed; raises sim.world.field.NotConverged out of ``advance`` when the field has no solution to its tolerance.

    ``inputs``: the operator's contacts (name -> closed?), writable by emulator and tests.
    """

    def __init__(self, applicator: Mapping[str, Any], simulation: Mapping[str, Any], seed: int) -> None:
        super().__init__(applicator, simulation, seed)
        self.inputs: dict[str, bool] = {
            "estop_a": True,
            "estop_b": True,
            "foot_no": False,
            "foot_nc": True,
            "door": True,
        }

    # ---- load -------------------------------------------------------------------------------------------------------

    @property
    def forward_w(self) -> float:
        """Incident on the load at the time of the last ``advance`` or ``drive``, W; so are the following."""
        return self._delivery.forward_w(self.t_s)

    @property
    def reverse_w(self) -> float:
        """Reflected to the generator, W."""
        return self.forward_w * self._delivery.at(self.t_s).reflected

    @property
    def load_w(self) -> float:
        """Absorbed by tissue, leads and return electrode (antennas: cable and shaft), W."""
        return self.forward_w * (1.0 - self._delivery.at(self.t_s).reflected)

    @property
    def tissue_w(self) -> float:
        """Absorbed by tissue, W."""
        return self.forward_w * self._delivery.at(self.t_s).tissue

    @property
    def load_ohm(self) -> float:
        """Seen by the generator, ohm; nan for antennas."""
        return self._delivery.at(self.t_s).load_ohm

    # ---- sensors ----------------------------------------------------------------------------------------------------

    def _since_field_s(self) -> float:
        """Of the sensors' grid point now."""
        grid_s = math.floor(self._bench_s * NOISE_RATE_HZ + 1e-6) / NOISE_RATE_HZ
        return max(0.0, grid_s - (self._delivery.field_s - self._origin_s))

    def temperature_c(self, name: str) -> float:
        """Reading of a thermometer, degC: ``tip``, ``coolant_in``, ``coolant_out``, ``tissue_<n>mm``, ``tine_<k>``,
        ``shaft``; all but the coolant's also with ``_fo`` (see ``sim.world.sensors.Thermometry``).

        Lag, pick-up, noise and 0.1 K resolution included. Raises ValueError for a name that is none of these or
        outside the domain.
        """
        rf_v = self._delivery.rf_v(self.t_s) if self._thermometry.picks_up else 0.0
        return self._thermometry.read(name, self._bench_s, self._since_field_s(), rf_v)

    def true_c(self, name: str) -> float:
        """As ``temperature_c`` with the lag, without pick-up, noise and rounding."""
        return self._thermometry.true_c(name, self._since_field_s())

    @property
    def impedance_ohm(self) -> float:
        """Reading of the generator's impedance meter: noise 1 % and 1 ohm, 25 to 999 ohm, held for a moment after a
        change of power; nan while there is none."""
        return self._meters.impedance_ohm(self._bench_s, self.load_ohm, self.forward_w)

    def meter_w(self, name: str) -> float:
        """Reading of the ``forward`` or ``reverse`` power meter, W: within 5 %, the same error on one bench."""
        return self._meters.power_w(name, self.forward_w if name == "forward" else self.reverse_w)

    @property
    def flow_ml_min(self) -> float:
        """Reading of the flow sensor, mL/min (noise 1 % of reading, at least 0.02 mL/min); 0 while it sees gas."""
        since_s = self._since_field_s()
        if self._coolant.gas_at_sensor(since_s):
            return 0.0
        flow = self._coolant.pulsating(since_s)
        return flow + max(0.02, 0.01 * flow) * self._noise.at("flow", self._bench_s)

    @property
    def pressure_bar(self) -> float:
        """Pressure behind the pump head, bar."""
        return self._coolant.pressure_bar(self._since_field_s())

    @property
    def coolant_c(self) -> float:
        """Liquid temperature at the flow sensor, degC."""
        return self._coolant.inlet_c + 0.05 * self._noise.at("coolant", self._bench_s)

    @property
    def air_in_line(self) -> bool:
        """Does the flow sensor see gas instead of liquid?"""
        return self._coolant.gas_at_sensor(self._since_field_s())

    @property
    def pops(self) -> int:
        """Steam pops that happened by themselves so far."""
        return self._events.pops

    # ---- faults -----------------------------------------------------------------------------------------------------

    def fault(self, name: str, value: float | bool | None = True) -> None:
        """Set a fault of load, loop or probe; ``None`` or ``False`` clears it.

        Load: ``open``, ``short``; ``char`` (ohm): carbon on the tip, in series, half the heat transfer to the coolant;
        ``pad`` (ohm): return electrode partly off, in series; ``peel`` (s): it peels off in ten jerks within this time;
        ``pop`` (ohm): steam pop, a step that decays in seconds; ``withdrawn`` (share): this much of the active length
        is in air: impedance inversely as what is left, an antenna reflects; ``retract`` (mm): the probe is pulled back
        in the tissue, once; ``mismatch``: of what goes to an antenna at least this share comes back. Loop:
        ``line_off``: the tube is off, no flow reaches sensor or needle; ``air``: gas in the line; ``bubbles`` (a
        minute): gas for 0.1-1 s at a time; ``occlude`` (share of the bore); ``bag`` (mL): this is left in the bag, the
        outlet runs to waste; ``coolant_temp`` (degC): the bag's temperature. Sensors: ``pickup`` (degC/V): RF on every
        thermocouple.
        """
        if name not in FAULTS:
            raise ValueError(checks.unknown("world fault", name, FAULTS))
        given = checks.given(name, value, FAULTS[name])
        self._delivery.settle(self.t_s)
        if name in load.FAULTS:
            self._load.fault(name, given, self.t_s)
        elif name in coolant.FAULTS:
            self._coolant.fault(name, given, self.t_s - self._delivery.field_s)
        elif name == "pop":
            self._events.pop(given or 0.0)
        elif name == "pickup":
            self._thermometry.set_pickup(given)
        elif given is not None:
            self.retract(given)
        self._jump()

    # ---- state ------------------------------------------------------------------------------------------------------

    def save(self) -> dict[str, Any]:
        """The whole world as it is: plain numbers, texts and arrays (copies), to go on from later, bit for bit."""
        return {
            "scene": self._scene(),
            "applicator": dict(self._block),
            "world": {name: value for name, value in vars(self).items() if isinstance(value, int | float)},
            "inputs": dict(self.inputs),
            **{name: getattr(self, f"_{name}").save() for name in _PARTS},
        }

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Go back to what ``save`` gave. Raises ValueError for another applicator, tissue, options or seed."""
        if saved.get("scene") != self._scene():
            raise ValueError(f"saved: of another scene, {saved.get('scene')}; this one is {self._scene()}")
        if saved["applicator"] != self._block:
            self._shape(dict(saved["applicator"]))
        for name in _PARTS:
            getattr(self, f"_{name}").restore(saved[name])
        vars(self).update(saved["world"])
        self.inputs.clear()
        self.inputs.update(saved["inputs"])

    def _scene(self) -> str:
        block = {key: value for key, value in self._block.items() if key != "deployment_mm"}
        return f"{block!r} in {self.tissue.as_dict()!r}, {self.options!r}, {self._noise!r}"

    # ---- results ----------------------------------------------------------------------------------------------------

    @property
    def energy_j(self) -> float:
        """Energy absorbed by the load (tissue, leads and pad) so far, J: what a generator's meter counts."""
        return self._delivery.energy_j(self.t_s)[1]

    @property
    def tissue_j(self) -> float:
        """Energy that reached tissue so far, J."""
        return self._delivery.energy_j(self.t_s)[0]

    def zone(self) -> Zone:
        """The coagulation zone now: long_axis_mm, short_axis_mm, volume_ml (visible white zone, Omega = 1)."""
        return self._plant.zone()

    def picture_data(self) -> dict[str, NDArray[np.float64]]:
        """Arrays for a picture: r_mm[nr], z_mm[nz], temperature_c[nr, nz], damage[nr, nz] (Omega).

        The tip is at z = 0, the handle at positive z.
        """
        return self._plant.picture_data()

    def metal(self) -> list[dict[str, Any]]:
        """The applicator in that section, a piece of metal each: bare, radius_mm, path_mm (points of r and z)."""
        return [
            {"bare": bare, "radius_mm": 1e3 * radius_m, "path_mm": [[1e3 * x_m, 1e3 * z_m] for x_m, _, z_m in path_m]}
            for bare, radius_m, path_m in metal(self.applicator)
        ]

    def balance(self) -> dict[str, float]:
        """Energy of the tissue, J: source, cooled, perfused, metabolic, stored and the residual that should be nil."""
        return self._plant.balance()
