"""The grids of multigrid: each joins neighbours of the last one along every axis, but only where cells are small.

Cells that grew away from the conductors wait until the others have their size, so that coarse cells become cubes
again and a point smoother is enough on every level.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.world.solid.grid import Array, SolidGrid

COARSEST_CELLS = 500
JOIN = 1.5
"""Two cells are joined when together they are no wider than this many times the level's core cell."""


@dataclass(frozen=True)
class Levels:
    """``dims[level]``: first stored cell, stored cells, sx, sy; ``joined[level, axis, cell]``: the cell of the next
    level; ``per_face[level, axis, cell]``: distance between centres across the face above the cell, over the next
    level's. Ghost cells are counted along x and y. ``parts[level, 0, cell]``: the same within one x plane;
    ``parts[level, 1:, cell]``: the up to four cells joined in a cell of the next level's plane, filled up with the
    first index beyond the plane.
    """

    dims: NDArray[np.int64]
    joined: NDArray[np.int64]
    per_face: NDArray[np.float32]
    parts: NDArray[np.uint32]

    @property
    def stored(self) -> int:
        """Cells of all levels."""
        return int(self.dims[-1, 0] + self.dims[-1, 1])


def levels_of(grid: SolidGrid) -> Levels:
    """Levels down to a few hundred cells."""
    widths = list(grid.widths_m)
    longest = max(w.size for w in widths) + 2
    dims: list[tuple[int, int, int, int]] = []
    joined: list[NDArray[np.int64]] = []
    ratios: list[NDArray[np.float32]] = []
    first, core = 0, grid.core_m
    while True:
        nx, ny, nz = (w.size for w in widths)
        dims.append((first, (nx + 2) * (ny + 2) * nz, (ny + 2) * nz, nz))
        if nx * ny * nz <= COARSEST_CELLS:
            break
        core *= 2.0
        maps, factors, coarser = np.zeros((3, longest), np.int64), np.ones((3, longest), np.float32), []
        for axis in range(3):
            ghosts = 1 if axis < 2 else 0
            into, wider = _join(widths[axis], JOIN * core)
            last = into.size + ghosts
            maps[axis, ghosts:last] = into + ghosts
            maps[axis, last:] = wider.size + ghosts
            step, far = widths[axis][1:] + widths[axis][:-1], wider[1:] + wider[:-1]
            apart = into[1:] != into[:-1]
            factors[axis, ghosts : last - 1][apart] = step[apart] / far[into[:-1][apart]]
            coarser.append(wider)
        joined.append(maps)
        ratios.append(factors)
        first += dims[-1][1]
        widths = coarser
    return Levels(
        np.array(dims),
        np.array(joined).reshape(-1, 3, longest),
        np.array(ratios, np.float32).reshape(-1, 3, longest),
        _parts(np.array(dims), joined),
    )


def _parts(dims: NDArray[np.int64], joined: list[NDArray[np.int64]]) -> NDArray[np.uint32]:
    parts = np.zeros((max(len(joined), 1), 5, int(np.max(dims[:, 2]))), np.uint32)
    for level, maps in enumerate(joined):
        (_, _, sx, sy), ty = dims[level], dims[level + 1, 3]
        row, column = np.divmod(np.arange(sx), sy)
        into = parts[level, 0, :sx] = maps[1][row] * ty + maps[2][column]
        parts[level, 1:] = sx
        order = np.argsort(into, kind="stable")
        target = into[order]
        nth = np.arange(sx) - np.searchsorted(target, target)
        parts[level, 1 + nth, target] = order
    return parts


def _join(width: Array, widest_m: float) -> tuple[NDArray[np.int64], Array]:
    """The joined cell of each cell, and the joined cells' widths."""
    into = np.empty(width.size, np.int64)
    wider: list[float] = []
    i = 0
    while i < width.size:
        pair = i + 1 < width.size and width[i] + width[i + 1] <= widest_m
        into[i : i + 2 if pair else i + 1] = len(wider)
        wider.append(float(width[i] + width[i + 1]) if pair else float(width[i]))
        i += 2 if pair else 1
    return into, np.array(wider)
