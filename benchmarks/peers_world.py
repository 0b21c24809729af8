"""The same burn by us and by other people's solvers: ``make bench-peers``, or ``python -m benchmarks.peers_world``.

One problem (``benchmarks/peers/problem.py``), one process, one core; CPU seconds of the 12 minutes after set-up and
compilation. Errors are against an extrapolated reference. The last column compares at equal error: a peer's time over
that of the cheapest of our runs whose error is no larger. A peer that is not installed is left out, with the reason.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"  # before numpy is loaded: one core for everybody

import numpy as np  # noqa: E402

from benchmarks.peers import problem  # noqa: E402
from benchmarks.peers.ours import Ours  # noqa: E402
from benchmarks.peers.problem import Answer  # noqa: E402

DOLFINX_PYTHON = os.environ.get("DOLFINX_PYTHON", "/usr/bin/python3")
"""An interpreter that has dolfinx: Debian's python3-dolfinx, or one of conda."""
LOOP_S = 0.1
"""The step of a power loop: who takes longer ones cannot follow a generator that pulses."""

Mesh = tuple[float, float, float, float]
MESHES: tuple[Mesh, ...] = (
    (0.7, 0.9, 1.4, 1.35), (0.5, 0.6, 1.4, 1.5), (0.4, 0.6, 1.3, 1.2), (0.5, 0.4, 1.3, 1.2), (0.3, 0.4, 1.3, 1.2),
    (0.3, 0.4, 1.2, 1.2), (0.4, 0.25, 1.2, 1.2), (0.3, 0.25, 1.2, 1.2), (0.2, 0.2, 1.15, 1.15),
)  # fmt: skip
"""First cells in r and z, mm, and growth in r and z: the cheapest for their error of some hundred that were tried."""
FEM_MESHES: tuple[Mesh, ...] = ((0.3, 0.9, 1.35, 1.5), (0.3, 0.6, 1.2, 1.5))
"""The same for scikit-fem."""


def faces(mesh: Mesh) -> tuple[problem.Array, problem.Array]:
    """Of a graded mesh."""
    return problem.graded(mesh[0] / 1e3, mesh[1] / 1e3, mesh[2], mesh[3])


def ours(mesh: Mesh, longest_s: float) -> Answer:
    """Best of three."""
    return min((Ours(*faces(mesh)).solve(longest_s) for _ in range(3)), key=lambda run: run.cpu_s)


def dolfinx(cells_r: int, cells_z: int, dt_s: float) -> Answer:
    """In the interpreter that has it. Raises ModuleNotFoundError with the reason where none has."""
    program = Path(__file__).parent / "peers" / "dolfinx_peer.py"
    command = [DOLFINX_PYTHON, str(program), str(cells_r), str(cells_z), str(dt_s)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
    except OSError as why:
        raise ModuleNotFoundError(f"{DOLFINX_PYTHON}: {why.strerror}; DOLFINX_PYTHON names another") from None
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise ModuleNotFoundError(f"{DOLFINX_PYTHON}: {last}; DOLFINX_PYTHON names another")
    found = json.loads(done.stdout)
    return Answer(**{**found, "probes_c": np.array(found["probes_c"])})


Runs = list[tuple[str, Callable[[], Answer]]]


def free_runs(long: bool) -> Runs:
    """Every peer that solves the whole problem, with whatever steps are best: what it is, and how to run it."""
    runs: Runs = [("dolfinx, common use, 60x90, 1 s", lambda: dolfinx(60, 90, 1.0))]
    if long:
        runs.append(("dolfinx, common use, 100x150, 1 s", lambda: dolfinx(100, 150, 1.0)))
    from benchmarks.peers import scikit_fem

    coarse, fine = (faces(mesh) for mesh in FEM_MESHES)
    runs.append(("scikit-fem, common use, 60x90, 1 s", lambda: scikit_fem.common(*problem.uniform(60, 90), 1.0)))
    if long:
        name = "scikit-fem, common use, 100x150, 1 s"
        runs.append((name, lambda: scikit_fem.common(*problem.uniform(100, 150), 1.0)))
    return [
        *runs,
        ("scikit-fem, the same, best graded mesh, 4 s", lambda: scikit_fem.common(*fine, 4.0)),
        ("scikit-fem, hand-tuned loop, 8 s, coarse", lambda: scikit_fem.tuned(*coarse, 8.0, 4.0)),
        ("scikit-fem, hand-tuned loop, 4 s, fine", lambda: scikit_fem.tuned(*fine, 4.0, 4.0)),
    ]


def loop_runs() -> Runs:
    """The peers that can be asked for a state every ``LOOP_S`` within the patience of a benchmark."""
    from benchmarks.peers import scikit_fem

    coarse, fine = (faces(mesh) for mesh in FEM_MESHES)
    return [
        ("scikit-fem, hand-tuned loop, coarse", lambda: scikit_fem.tuned(*coarse, LOOP_S, 2.0)),
        ("scikit-fem, hand-tuned loop, fine", lambda: scikit_fem.tuned(*fine, LOOP_S, 2.0)),
    ]


def table(title: str, longest_s: float, runs: Runs) -> None:
    """CPU seconds and errors; the peers against our cheapest run that is as good."""
    print(
        f"\n{title:<46}{'set-up s':>9}{'CPU s':>9}{'fields':>8}{'err K':>7}{'r50 mm':>8}{'CPU over ours, as good':>24}"
    )

    def row(name: str, answer: Answer, ratio: str = "") -> None:
        print(
            f"{name:<46}{answer.set_up_s:>9.3f}{answer.cpu_s:>9.4f}{answer.fields:>8}{answer.error_k():>7.2f}"
            f"{answer.error_mm():>8.3f}{ratio:>24}",
            flush=True,
        )

    own = []
    for mesh in MESHES:
        own.append(ours(mesh, longest_s))
        row(f"ours, graded {mesh[0]} x {mesh[1]} mm, {mesh[2]}, {mesh[3]}", own[-1])
    for name, run in runs:
        try:
            answer = run()
        except ModuleNotFoundError as why:
            print(f"{name}: left out, {why}")
            continue
        equal = [mine.cpu_s for mine in own if mine.error_k() <= answer.error_k()]
        row(name, answer, f"{answer.cpu_s / min(equal):.1f}" if equal else "none as good")


def thermal_only() -> None:
    """py-pde on its own ground: fixed heat, uniform mesh, the same explicit steps."""
    from benchmarks.peers import py_pde

    print(
        f"\n{'thermal only, the same explicit steps':<46}{'CPU s':>9}{'ours s':>9}{'differ K':>9}{'CPU over ours':>24}"
    )
    for cells, dt_s in (((60, 90), 0.5), ((200, 300), 0.1)):
        faces_m = problem.uniform(*cells)
        mine = Ours(*faces_m, joule=False)
        theirs_c, loop_s, whole_s = py_pde.solve(mine.heat_w_m3(), dt_s)
        own_s = min(Ours(*faces_m, joule=False).solve(dt_s).cpu_s for _ in range(3))
        mine.solve(dt_s)
        differ_k = float(np.max(np.abs(mine.now_c() - theirs_c)))
        for what, cpu_s in (("PDE.solve", whole_s), ("its loop alone", loop_s)):
            name = f"py-pde, {cells[0]}x{cells[1]}, {dt_s} s, {what}"
            print(f"{name:<46}{cpu_s:>9.3f}{own_s:>9.3f}{differ_k:>9.3f}{cpu_s / own_s:>24.1f}")


def reference() -> None:
    """Extrapolate both families to a mesh without size (some minutes; needs scikit-fem)."""
    from benchmarks.peers import scikit_fem

    for name, solve in (
        ("ours", lambda mesh: Ours(*mesh).solve(0.1, look_every_s=0.25, changed=0.0, tolerance=1e-9)),
        ("scikit-fem", lambda mesh: scikit_fem.tuned(*mesh, 0.5, 0.25)),
    ):
        coarse, fine = (solve(faces((h, 1.5 * h, growth, growth))) for h, growth in ((0.2, 1.0942), (0.1, 1.0460)))
        print(f"{name}: r50 {2.0 * fine.r50_mm - coarse.r50_mm:.4f} mm; degC at the probes after {problem.LOOK_S} s:")
        print(np.array2string(2.0 * fine.probes_c - coarse.probes_c, precision=3, suppress_small=True))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", action="store_true", help="common use on finer meshes, too (minutes)")
    parser.add_argument("--reference", action="store_true", help="compute the reference anew (minutes)")
    chosen = parser.parse_args()
    missing = [name for name, module in (("scikit-fem", "skfem"), ("py-pde", "pde")) if not find_spec(module)]
    if missing:
        print(f"left out: {' and '.join(missing)} not installed here; `make bench-peers` has an environment of its own")
        return
    if chosen.reference:
        reference()
        return
    ours(MESHES[0], 1.0)  # compiles, or loads the cache
    table("12 min at 6 W, steps as long as one likes", 1.0, free_runs(chosen.long))
    table(f"12 min at 6 W, a state every {LOOP_S} s", LOOP_S, loop_runs())
    thermal_only()


if __name__ == "__main__":
    main()
