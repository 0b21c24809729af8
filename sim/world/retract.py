"""A probe that is pulled back while the tissue stays: fields shifted along the needle on a stretched grid.

Coordinates go with the probe, so the tissue moves towards the tip. Every cell gets the mean of what lies where it lands
(exact overlaps, so a column keeps its sum up to what crosses the domain's ends); damage is averaged as its logarithm,
in which its edge is straight. The channel that the metal leaves closes with the tissue beside it, and fresh tissue
enters at the handle's end.
"""

from __future__ import annotations

import numpy as np

from sim.world import kernels
from sim.world.grid import TISSUE, Array, Grid

LEAST_OMEGA = 1.0e-30


def pull_back(grid: Grid, state: Array, distance_m: float, fresh_j_m3: float) -> None:
    """Move enthalpy, perfusion and damage of ``state`` ([plane, r, z]) by ``distance_m`` towards the tip, in place."""
    state[kernels.H] = _shifted(grid, state[kernels.H], distance_m, fresh_j_m3)
    state[kernels.ALIVE] = _shifted(grid, state[kernels.ALIVE], distance_m, 1.0)
    for plane in (kernels.OMEGA_1, kernels.OMEGA_2):
        logs = np.log(np.maximum(state[plane], LEAST_OMEGA))
        moved = np.exp(_shifted(grid, logs, distance_m, np.log(LEAST_OMEGA)))
        state[plane] = np.where(moved > 2.0 * LEAST_OMEGA, moved, 0.0)


def _shifted(grid: Grid, field: Array, distance_m: float, fresh: float) -> Array:
    wet = grid.code == TISSUE
    beside = int(np.argmax(np.all(wet, axis=1)))  # the first column that never touches the axis' metal
    source = np.where(wet, field, field[beside])
    faces = grid.z_face_m
    ends = np.append(faces, faces[-1] + distance_m)
    moved = field.copy()
    for i, column in enumerate(source):
        content = np.concatenate([[0.0], np.cumsum(np.append(column * np.diff(faces), fresh * distance_m))])
        taken = np.diff(np.interp(faces + distance_m, ends, content))
        moved[i, wet[i]] = (taken / np.diff(faces))[wet[i]]
    return moved
