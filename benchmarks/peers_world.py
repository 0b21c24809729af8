"""The same burn by us and by other people's solvers: ``make bench-peers``, or ``python -m benchmarks.peers_world``.

One problem (``benchmarks/peers/problem.py``), one process, one core; CPU seconds of the 12 minutes after set-up and
compilation. Errors are against an extrapolated reference. Compared at equal error: with the cheapest of our runs whose
error is no larger than the peer's. A peer that is not installed is left out, with the reason.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"  # before numpy is loaded: one core for everybody

import numpy as np  # noqa: E402

from benchmarks.peers import problem  # noqa: E402
from benchmarks.peers.ours import Ours  # noqa: E402
from benchmarks.peers.problem import Answer  # noqa: E402
from benchmarks.rows import Row, at_least, beside, command  # noqa: E402

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


Runs = list[tuple[str, float, Callable[[], Answer]]]
"""What it is, the most of its time that ours may take, and how to run it."""
COMMON, TUNED, DOLFINX, PY_PDE = 1 / 100, 1 / 10, 1 / 100, 1 / 15
REAL_TIME = 7000.0
GOOD_K, GOOD_MM = 0.5, 0.1


def free_runs(long: bool) -> Runs:
    """Every peer that solves the whole problem, with whatever steps are best."""
    runs: Runs = [("dolfinx, common use, 60x90, 1 s", DOLFINX, lambda: dolfinx(60, 90, 1.0))]
    if long:
        runs.append(("dolfinx, common use, 100x150, 1 s", DOLFINX, lambda: dolfinx(100, 150, 1.0)))
    from benchmarks.peers import scikit_fem

    coarse, fine = (faces(mesh) for mesh in FEM_MESHES)
    runs.append(
        ("scikit-fem, common use, 60x90, 1 s", COMMON, lambda: scikit_fem.common(*problem.uniform(60, 90), 1.0))
    )
    if long:
        name = "scikit-fem, common use, 100x150, 1 s"
        runs.append((name, COMMON, lambda: scikit_fem.common(*problem.uniform(100, 150), 1.0)))
    return [
        *runs,
        ("scikit-fem, the same, best graded mesh, 4 s", TUNED, lambda: scikit_fem.common(*fine, 4.0)),
        ("scikit-fem, hand-tuned loop, 8 s, coarse", TUNED, lambda: scikit_fem.tuned(*coarse, 8.0, 4.0)),
        ("scikit-fem, hand-tuned loop, 4 s, fine", TUNED, lambda: scikit_fem.tuned(*fine, 4.0, 4.0)),
    ]


def loop_runs() -> Runs:
    """The peers that can be asked for a state every ``LOOP_S`` within the patience of a benchmark."""
    from benchmarks.peers import scikit_fem

    coarse, fine = (faces(mesh) for mesh in FEM_MESHES)
    return [
        ("scikit-fem, hand-tuned loop, coarse", TUNED, lambda: scikit_fem.tuned(*coarse, LOOP_S, 2.0)),
        ("scikit-fem, hand-tuned loop, fine", TUNED, lambda: scikit_fem.tuned(*fine, LOOP_S, 2.0)),
    ]


def table(title: str, longest_s: float, runs: Runs) -> Iterator[Row]:
    """CPU seconds: our meshes, the cheapest that is good, and the peers beside our cheapest run that is as good."""
    own = []
    for mesh in MESHES:
        own.append(ours(mesh, longest_s))
        what = f"{title}, ours, {mesh[0]} x {mesh[1]} mm, {mesh[2]}, {mesh[3]}"
        yield Row(what, own[-1].cpu_s, "s", note=_errors(own[-1]))
    good = min((mine.cpu_s for mine in own if mine.error_k() <= GOOD_K and mine.error_mm() <= GOOD_MM), default=None)
    if good is not None:
        yield at_least(f"{title}, at most {GOOD_K} K and {GOOD_MM} mm off", problem.DURATION_S / good, "x", REAL_TIME)
    for name, most, run in runs:
        try:
            answer = run()
        except ModuleNotFoundError as why:
            yield Row(title, float("nan"), "s", name, note=f"left out: {why}")
            continue
        equal = min((mine.cpu_s for mine in own if mine.error_k() <= answer.error_k()), default=None)
        if equal is None:
            yield Row(title, float("nan"), "s", name, answer.cpu_s, note=f"none of ours is as good: {_errors(answer)}")
        else:
            yield beside(title, equal, "s", name, answer.cpu_s, most, _errors(answer))


def _errors(answer: Answer) -> str:
    return f"{answer.fields} fields; {answer.error_k():.2f} K, {answer.error_mm():.3f} mm off"


def thermal_only() -> Iterator[Row]:
    """py-pde on its own ground: fixed heat, uniform mesh, the same explicit steps."""
    from benchmarks.peers import py_pde

    for cells, dt_s in (((60, 90), 0.5), ((200, 300), 0.1)):
        faces_m = problem.uniform(*cells)
        mine = Ours(*faces_m, joule=False)
        theirs_c, loop_s, whole_s = py_pde.solve(mine.heat_w_m3(), dt_s)
        own_s = min(Ours(*faces_m, joule=False).solve(dt_s).cpu_s for _ in range(3))
        mine.solve(dt_s)
        note = f"differ by {float(np.max(np.abs(mine.now_c() - theirs_c))):.3f} K"
        for what, cpu_s in (("PDE.solve", whole_s), ("its loop alone", loop_s)):
            name = f"py-pde, {what}"
            most = PY_PDE if what == "PDE.solve" and cells == (200, 300) else None
            yield beside(f"thermal only, {cells[0]}x{cells[1]}, {dt_s} s", own_s, "s", name, cpu_s, most, note)


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


def measured(given: argparse.Namespace) -> Iterator[Row]:
    """All peers that are here."""
    missing = [name for name, module in (("scikit-fem", "skfem"), ("py-pde", "pde")) if not find_spec(module)]
    if missing:
        note = f"{' and '.join(missing)} not installed here; `make bench-peers` has an environment of its own"
        yield Row("solvers of others", float("nan"), "s", note=note)
        return
    ours(MESHES[0], 1.0)  # compiles, or loads the cache
    yield from table("12 min at 6 W", 1.0, free_runs(bool(given.long)))
    yield from table(f"12 min at 6 W, a state every {LOOP_S} s", LOOP_S, loop_runs())
    yield from thermal_only()


def main() -> int:
    """Print the table; 1 when a target was missed."""
    if sys.argv[1:] == ["--reference"]:  # computes anew what errors are against (minutes)
        reference()
        return 0
    return command(__doc__, measured, long=(int, 0, "1: common use on finer meshes, too (minutes)"))


if __name__ == "__main__":
    sys.exit(main())
