"""Grids of shapes that have closed-form solutions."""

import numpy as np

from sim.world.grid import ACTIVE, build


def sphere_grid(radius_m, step_m, domain_m):
    fine = np.arange(0.0, 2 * radius_m + step_m / 2, step_m)
    grow = [fine[-1]]
    width = step_m
    while grow[-1] < domain_m:
        width *= 1.1
        grow.append(grow[-1] + width)
    r_face = np.concatenate([fine, grow[1:]])
    z_face = np.concatenate([-r_face[:0:-1], r_face])
    r_m, z_m = (r_face[1:] + r_face[:-1]) / 2, (z_face[1:] + z_face[:-1]) / 2
    code = np.where(r_m[:, None] ** 2 + z_m**2 < radius_m**2, ACTIVE, 0).astype(np.int8)
    return build(r_face, z_face, code, centre_m=0.0)
