"""What every solver of one scene offers, in two dimensions or three, and who solves which."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol

from numpy.typing import NDArray

from sim.world.applicator import Antenna, Applicator, Needle
from sim.world.properties import Tissue
from sim.world.zone import Zone


class Plant(Protocol):
    """An applicator in tissue: power in; impedance, temperatures and damage out. No generator, no clock, no noise.

    Public attributes are true at the end of the last ``step``.
    """

    impedance_ohm: float
    """Tissue between the connected electrodes and the far return electrode; nan for microwave antennas."""
    reflected: float
    """Share of the power at the antenna that comes back; 0 for electrodes."""
    cooled_w: float
    """Heat that the coolant takes up."""
    wall_c: float
    """Mean temperature of the bare (or radiating) surface: what a sensor in the tip is near."""

    def step(self, dt_s: float, power_w: float, coolant_c: float, film_w_m2k: float) -> None:
        """``dt_s`` with ``power_w`` into tissue through what is connected. Raises sim.world.field.NotConverged."""

    def connect(self, channels: Collection[int]) -> None:
        """Which electrodes carry the generator's potential, or which antennas share the power, from now on."""

    def power_switched(self) -> None:
        """Power was switched: the next step takes a fresh field for small changes too."""

    def temperature_c(self, x_m: float, y_m: float, z_m: float) -> float:
        """Tissue temperature at a point. Raises ValueError outside the domain."""

    def max_c(self) -> float:
        """Hottest tissue, degC."""

    def boiling_ml(self) -> float:
        """Tissue at 99 degC and above, mL."""

    def pull_back(self, distance_m: float) -> None:
        """The probe moves towards its handle, the tissue stays as it is. Raises ValueError where that cannot be."""

    def deploy(self, applicator: Applicator) -> None:
        """The same applicator with its tines elsewhere in the same tissue. Raises ValueError for one without tines."""

    def prepare(self, applicator: Applicator) -> None:
        """What ``deploy`` to this shape can do ahead, whatever becomes of the tissue until then. Raises as it does."""

    def zone(self) -> Zone:
        """The white zone now."""

    def picture_data(self) -> dict[str, NDArray[Any]]:
        """A cut through the axis: r_mm, z_mm, temperature_c[nr, nz], damage[nr, nz] (copies)."""

    def balance(self) -> dict[str, float]:
        """Energy bookkeeping, J."""

    def effort(self) -> dict[str, float]:
        """Cells, heat steps, field solutions and their iterations so far."""

    def save(self) -> dict[str, NDArray[Any]]:
        """The whole state (copies), to go on from later."""

    def restore(self, saved: Mapping[str, NDArray[Any]]) -> None:
        """Take up a state that ``save`` gave. Raises ValueError for one of another scene."""


def plant_for(
    applicator: Applicator,
    tissue: Tissue,
    mesh: str = "fast",
    vessel_m: tuple[float, float] | None = None,
    sample_radius_m: float | None = None,
) -> Plant:
    """The solver for ``applicator``: one straight probe in 2D, several or bent ones in 3D.

    ``vessel_m``: distance and radius of a large vessel beside it, which makes every scene one in 3D.
    ``sample_radius_m``: of a piece of tissue around a single probe, thinner than the domain; None: endless.
    Raises ValueError for an unknown mesh, a geometry that does not fit the domain, or a thin sample in 3D.
    """
    if isinstance(applicator, Needle | Antenna) and vessel_m is None:
        from sim.world.burn import Burn

        return Burn(applicator, tissue, mesh, *(() if sample_radius_m is None else (sample_radius_m,)))
    if sample_radius_m is not None:
        raise ValueError("sample_radius_mm: only around a single probe; groups and vessels have the whole domain")
    from sim.world.solid.burn import SolidBurn
    from sim.world.solid.vessel import Vessel, in_space

    return SolidBurn(in_space(applicator), tissue, mesh, Vessel(*vessel_m) if vessel_m is not None else None)
