"""Thin metal in space: samples along bent paths, distances between them, and their resistance in uniform tissue.

The resistance is that of the slender-body integral equation (method of moments for thin wires, Harrington 1968): each
straight piece carries a uniform current per length on its axis, and the potential on every piece's surface is that
of its electrode. For a straight needle it agrees with the axisymmetric solver to 1 %, and it takes any number of
bent tines.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from sim.world.applicator import Conductor, Point
from sim.world.solid.grid import Array

PIECES_LONG = 40
"""Most pieces a path is cut into; a piece is never shorter than the metal is thick."""
SAME_M = 1.0e-8
"""Points this near to each other are one."""


def length_m(path_m: Sequence[Point]) -> float:
    """Length of a polyline."""
    points = np.asarray(path_m, np.float64)
    return float(np.sum(np.linalg.norm(np.diff(points, axis=0), axis=1)))


def cut(path_m: Sequence[Point], pieces: int) -> tuple[Array, Array]:
    """Start and end points, [pieces, 3] each, of equal lengths along a polyline."""
    points = np.asarray(path_m, np.float64)
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    at = np.linspace(0.0, along[-1], pieces + 1)
    knots = np.column_stack([np.interp(at, along, points[:, axis]) for axis in range(3)])
    return knots[:-1], knots[1:]


def nearest_m(first: Sequence[Point], second: Sequence[Point], step_m: float = 0.25e-3) -> float:
    """Least distance between two polylines' axes, to ``step_m``."""
    a, b = (np.vstack(cut(p, max(1, round(length_m(p) / step_m)))) for p in (first, second))
    return float(min(np.min(np.linalg.norm(b - point, axis=1)) for point in a))


def resistance_ohm(conductors: Sequence[Conductor], sigma_s_m: float) -> float:
    """Resistance of ``conductors``, wired together, to infinity in uniform tissue, ohm.

    Pieces that a turn about the axis carries into one another bear the same current: one unknown.
    """
    groups = alike(conductors)
    starts, ends, radii, unknown = [], [], [], []
    for conductor, group in zip(conductors, groups, strict=True):
        length = length_m(conductor.path_m)
        pieces = max(2, min(PIECES_LONG, int(length / (2.0 * conductor.radius_m))))
        start, end = cut(conductor.path_m, pieces)
        starts.append(start)
        ends.append(end)
        radii.append(np.full(pieces, conductor.radius_m))
        unknown.append(group * PIECES_LONG + np.arange(pieces))
    start, end = np.vstack(starts), np.vstack(ends)
    size = np.linalg.norm(end - start, axis=1)
    along = (end - start) / size[:, None]
    _, seen, column, count = np.unique(
        np.concatenate(unknown), return_index=True, return_inverse=True, return_counts=True
    )
    middle, radius = (start + end)[seen] / 2, np.concatenate(radii)[seen]
    to = middle[:, None] - start[None]  # from each source's start to each surface's middle
    ahead = np.einsum("ijk,jk->ij", to, along)
    beside2 = np.maximum(np.einsum("ijk,ijk->ij", to, to) - ahead**2, 0.0)
    beside = np.sqrt(beside2 + radius[:, None] ** 2)
    potential = (np.arcsinh(ahead / beside) - np.arcsinh((ahead - size) / beside)) / (4 * np.pi * sigma_s_m * size)
    together = np.array([np.bincount(column, row) for row in potential])
    current = np.linalg.solve(together, np.ones(seen.size))
    return float(1.0 / np.sum(count * current))


def alike(conductors: Sequence[Conductor]) -> list[int]:
    """For each conductor the first one that it is a turned copy of, where the turn about the axis carries all of them
    into one another; itself where there is no such turn.
    """

    def key(conductor: Conductor, turn: float) -> tuple[float, bytes]:
        points, (c, s) = np.asarray(conductor.path_m, np.float64), (math.cos(turn), math.sin(turn))
        turned = points @ np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
        return conductor.radius_m, (np.round(turned / SAME_M) + 0.0).tobytes()  # + 0.0: there is no -0.0

    unturned = {key(conductor, 0.0): i for i, conductor in enumerate(conductors)}
    for fold in range(len(conductors), 1, -1):
        image = [unturned.get(key(conductor, 2 * math.pi / fold), -1) for conductor in conductors]
        if -1 in image:
            continue
        first = list(range(len(conductors)))
        for _ in range(fold):
            first = [min(own, first[other]) for own, other in zip(first, image, strict=True)]
        return first
    return list(range(len(conductors)))
