"""The problem in scikit-fem: bilinear elements in r and z, backward Euler.

Two programs. ``common`` is what one writes first, and what published scripts do: assemble and factorise both matrices
in every step. ``tuned`` is the best we could make of the same library: the matrix of heat is factorised once
(perfusion, which is mild, is explicit), the field is renewed only when it would change, and the element matrices are
computed once, so that a new conductivity costs one weighted sum.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sparse
import skfem
from scipy.sparse.linalg import splu
from skfem.helpers import dot, grad

from benchmarks.peers.problem import (
    ARRHENIUS_K,
    ARRHENIUS_PER_S,
    BARE_M,
    DURATION_S,
    HEIGHT_M,
    INNER_M,
    K_W_MK,
    LOOK_S,
    OUTER_M,
    POWER_W,
    PROBES_MM,
    QB_W_M3K,
    R50_ALONG_MM,
    RC_J_M3K,
    SIGMA_PER_K,
    SIGMA_S_M,
    START_C,
    UNHARMED_C,
    Answer,
    Array,
    r50_mm,
)  # fmt: skip


@skfem.BilinearForm
def mass(u: Any, v: Any, w: Any) -> Any:
    return 2.0 * np.pi * w.x[0] * u * v


@skfem.BilinearForm
def conduction(u: Any, v: Any, w: Any) -> Any:
    return 2.0 * np.pi * w.x[0] * dot(grad(u), grad(v))


@skfem.BilinearForm
def current(u: Any, v: Any, w: Any) -> Any:
    return 2.0 * np.pi * w.x[0] * SIGMA_S_M * (1.0 + SIGMA_PER_K * (w.now - START_C)) * dot(grad(u), grad(v))


@skfem.BilinearForm
def blood(u: Any, v: Any, w: Any) -> Any:
    return 2.0 * np.pi * w.x[0] * QB_W_M3K * w.alive * u * v


@skfem.LinearForm
def joule(v: Any, w: Any) -> Any:
    sigma = SIGMA_S_M * (1.0 + SIGMA_PER_K * (w.now - START_C))
    return 2.0 * np.pi * w.x[0] * sigma * dot(grad(w.phi), grad(w.phi)) * v


class Ring:
    """Mesh, basis and the nodes that are held."""

    def __init__(self, r_face: Array, z_face: Array) -> None:
        self.basis = skfem.Basis(skfem.MeshQuad.init_tensor(r_face, z_face), skfem.ElementQuad1())
        r, z = self.basis.doflocs
        self.bare = np.flatnonzero((r < INNER_M + 1e-9) & (z > BARE_M[0] - 1e-9) & (z < BARE_M[1] + 1e-9))
        self.held = np.concatenate([self.bare, np.flatnonzero(r > OUTER_M - 1e-9)])
        self.free = np.setdiff1d(np.arange(r.size), self.held)
        self.phi = np.zeros(r.size)
        self.phi[self.bare] = 1.0
        self.look = self.basis.probes(np.array(PROBES_MM).T / 1e3)

    def probes_c(self, now_c: Array) -> Array:
        return np.asarray(self.look @ now_c)

    def answer(self, looks: list[Array], now_c: Array, set_up_s: float, cpu_s: float, fields: int) -> Answer:
        middle = np.vstack([R50_ALONG_MM / 1e3, np.full(R50_ALONG_MM.size, HEIGHT_M / 2)])
        middle[0, 0] = INNER_M + 1e-9
        along_c = self.basis.probes(middle) @ now_c
        return Answer(np.array(looks), r50_mm(along_c), set_up_s, cpu_s, fields)


def hurt(now_c: Array, dt_s: float) -> Array:
    """Arrhenius damage of ``dt_s``."""
    return np.where(now_c > UNHARMED_C, dt_s * ARRHENIUS_PER_S * np.exp(-ARRHENIUS_K / (now_c + 273.15)), 0.0)


def common(r_face: Array, z_face: Array, dt_s: float) -> Answer:
    """Everything anew in every step."""
    began_s = time.process_time()
    ring = Ring(r_face, z_face)
    basis, phi = ring.basis, ring.phi
    store, conduct = mass.assemble(basis) * (RC_J_M3K / dt_s), conduction.assemble(basis) * K_W_MK
    now_c, damage = np.full(phi.size, START_C), np.zeros(phi.size)
    set_up_s = time.process_time() - began_s
    steps = round(DURATION_S / dt_s)
    looks = []
    for step in range(1, steps + 1):
        matrix = current.assemble(basis, now=now_c)
        phi = skfem.solve(*skfem.condense(matrix, x=phi, D=ring.held))
        heat = joule.assemble(basis, now=now_c, phi=phi)
        perfused = blood.assemble(basis, alive=np.exp(-damage))
        right = store @ now_c + heat * (POWER_W / heat.sum()) + START_C * np.asarray(perfused.sum(axis=1)).ravel()
        now_c = splu((store + conduct + perfused).tocsc()).solve(right)
        damage += hurt(now_c, dt_s)
        if step * dt_s in LOOK_S:
            looks.append(ring.probes_c(now_c))
    return ring.answer(looks, now_c, set_up_s, time.process_time() - began_s - set_up_s, steps)


def symmetric_lu(matrix: Any) -> Any:
    """SuperLU told that the matrix is symmetric: some times faster than by default."""
    return splu(matrix.tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})


def tuned(r_face: Array, z_face: Array, dt_s: float, changed_k: float, implicit: float = 0.5) -> Answer:
    """Only what has changed. The field is renewed when a node has warmed by ``changed_k``. ``implicit``: share of the
    new temperature in conduction, 0.5 Crank and Nicolson's, 1 backward Euler.
    """
    began_s = time.process_time()
    ring = Ring(r_face, z_face)
    basis, phi, free = ring.basis, ring.phi, ring.free
    lumped = np.asarray(mass.assemble(basis).sum(axis=1)).ravel()
    store = mass.assemble(basis) * (RC_J_M3K / dt_s)
    conduct = conduction.assemble(basis) * K_W_MK
    warm, before = symmetric_lu(store + implicit * conduct), store - (1.0 - implicit) * conduct
    weighted = _weighted_stiffness(basis)
    now_c, damage = np.full(phi.size, START_C), np.zeros(phi.size)
    field_c = np.full(phi.size, -1e9)
    set_up_s = time.process_time() - began_s
    share, fields = np.zeros(phi.size), 0
    looks = []
    for step in range(1, round(DURATION_S / dt_s) + 1):
        if np.max(np.abs(now_c - field_c)) > changed_k:
            matrix, heat_of = weighted(now_c)
            phi[free] = symmetric_lu(matrix[free][:, free]).solve(-(matrix[free][:, ring.held] @ phi[ring.held]))
            heat = heat_of(phi)
            share, field_c, fields = heat / heat.sum(), now_c, fields + 1
        cooled = QB_W_M3K * lumped * np.exp(-damage) * (START_C - now_c)
        now_c = warm.solve(before @ now_c + POWER_W * share + cooled)
        damage += hurt(now_c, dt_s)
        if step * dt_s in LOOK_S:
            looks.append(ring.probes_c(now_c))
    return ring.answer(looks, now_c, set_up_s, time.process_time() - began_s - set_up_s, fields)


def _weighted_stiffness(basis: Any) -> Callable[[Array], tuple[Any, Callable[[Array], Array]]]:
    """Of an element's mean conductivity: the matrix of current, and the heat of a potential at the nodes."""
    dofs = basis.element_dofs
    count = dofs.shape[0]
    local = np.zeros((count, count, dofs.shape[1]))
    for a in range(count):
        for b in range(count):
            product = dot(basis.basis[a][0].grad, basis.basis[b][0].grad)
            local[a, b] = np.sum(2.0 * np.pi * basis.global_coordinates()[0] * product * basis.dx, axis=1)
    rows = np.broadcast_to(dofs[:, None, :], local.shape).ravel()
    columns = np.broadcast_to(dofs[None, :, :], local.shape).ravel()

    def weighted(now_c: Array) -> tuple[Any, Callable[[Array], Array]]:
        sigma = SIGMA_S_M * (1.0 + SIGMA_PER_K * (now_c[dofs].mean(axis=0) - START_C))
        matrix = sparse.coo_matrix(((local * sigma).ravel(), (rows, columns))).tocsr()

        def heat_of(phi: Array) -> Array:
            at = phi[dofs]
            each = np.einsum("ae,abe,be->e", at, local, at) * sigma / count
            return np.bincount(dofs.ravel(), np.tile(each, count), minlength=phi.size)

        return matrix, heat_of

    return weighted
