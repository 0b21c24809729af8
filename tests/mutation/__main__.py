"""``python -m tests.mutation``: the gate. Every mutant is killed by an assertion, or proven to be none.

A verdict is kept for as long as the module, what it may import and its tests stay as they are: a run that was ended
goes on where it stopped. A part of the gate, and one that trusts kills of other sources (``--trust``), leaves no
evidence. Exit code: 0 when nothing is left, 1 else.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.mutation import child
from tests.mutation.canaries import CANARIES
from tests.mutation.runner import Module, Row, canaries, run_all
from tests.mutation.targets import ROOT, modules

HERE = Path(__file__).parent
EQUIVALENTS = (HERE / "equivalents.toml", HERE / "equivalents_codecs.toml")
COUNTS = HERE / "counts.toml"
EVIDENCE = ROOT / "build" / "evidence" / "mutation.json"
VERDICTS = (child.KILLED, "equivalent", child.SURVIVED, child.CRASHED, child.TIMEOUT, child.NO_TESTS, child.INFRA)
FAILING = VERDICTS[2:]


def proofs() -> dict[tuple[str, str], str]:
    """(module, mutant) -> why nothing can kill it."""
    files = (tomllib.loads(path.read_text(encoding="utf-8")) for path in EQUIVALENTS)
    rows = [row for file in files for row in file.get("equivalent", [])]
    return {(row["module"], row["mutant"]): row["proof"] for row in rows}


def counts() -> dict[str, int]:
    """How many mutants a module had when somebody last looked."""
    return dict(tomllib.loads(COUNTS.read_text(encoding="utf-8")))


def judged(module: Module, wanted: Sequence[str], at_once: int) -> list[Row]:
    """Run what is not known yet; every verdict but a kill is said at once."""
    proven = proofs()
    told: list[Row] = []

    def done(tag: tuple[Module, str], answer: dict[str, Any], seconds: float) -> None:
        row = module.take(tag[1], answer, seconds)
        if row.verdict != child.KILLED and (row.module, row.mutant) not in proven:
            said = f" ({', '.join(row.crashes)} in {row.by})" if row.crashes else ""
            print(f"{row.verdict}: {row.module}:{row.line} [{row.operator}] {row.mutant}{said}", flush=True)
        told.append(row)
        if len(told) % 25 == 0:
            module.keep()

    before = module.baseline()
    if before is not None:
        run_all([before], 1, lambda tag, answer, seconds: module.take_baseline(answer))
    run_all(module.jobs(wanted), at_once, done)
    module.keep()
    rows = [module.rows[name] for name in wanted]
    return [row._replace(verdict="equivalent") if _is_proven(row, proven) else row for row in rows]


def _is_proven(row: Row, proven: Mapping[tuple[str, str], str]) -> bool:
    return row.verdict == child.SURVIVED and (row.module, row.mutant) in proven


def complaints(module: Module, rows: Sequence[Row], known: Mapping[str, int]) -> Iterator[str]:
    """What besides a mutant that lives is wrong with a module."""
    if module.red:
        yield f"{module.name}: tests fail without any mutant: {', '.join(module.red)}"
    if len(module.mutants) < known.get(module.name, 0):
        before = known[module.name]
        yield f"{module.name}: {len(module.mutants)} mutants, {before} before: run --count when that is meant"
    for name, mutant in proofs():
        if name == module.name and mutant not in module.mutants:
            yield f"{name}: {mutant}: is listed as equivalent and is no longer there"
    for row in rows:
        if row.verdict == child.KILLED and (row.module, row.mutant) in proofs():
            yield f"{row.module}: {row.mutant}: is listed as equivalent and was killed by {row.by}"


def table(rows: Sequence[Row]) -> Iterator[str]:
    """A line a module."""
    yield f"{'module':34}{'mutants':>9}" + "".join(f"{verdict:>11}" for verdict in VERDICTS)
    for name in [*dict.fromkeys(row.module for row in rows), "all"]:
        mine = Counter(row.verdict for row in rows if name in (row.module, "all"))
        yield f"{name:34}{mine.total():>9}" + "".join(f"{mine[verdict] or '':>11}" for verdict in VERDICTS)


def made_from() -> tuple[str, str]:
    """Revision and hash of what is mutated, as it is now. In a process of its own: the children of this one must find
    nothing of the program imported."""
    ask = "from controller.evidence.revision import origin; print(*origin('mutation')[:2], sep='\\n')"
    told = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, capture_output=True, text=True, check=True)
    commit, program = told.stdout.splitlines()
    return commit, program


def evidence(rows: Sequence[Row], took_s: float, command: str, begun: tuple[str, str]) -> None:
    """Leave what was shown for the safety case, of the program that the gate began with: :func:`made_from`, then."""
    from controller.evidence import store  # not before: what is mutated must not be imported here
    from controller.evidence.revision import Origin

    figures: dict[str, int | float] = {"mutants": len(rows), "canaries": len(CANARIES), "took_s": round(took_s, 1)}
    figures |= {verdict.replace(" ", "_"): sum(row.verdict == verdict for row in rows) for verdict in VERDICTS}
    lines: list[dict[str, Any]] = []
    for name in dict.fromkeys(row.module for row in rows):
        mine = [row for row in rows if row.module == name]
        tally = Counter(row.verdict for row in mine)
        left = [row.mutant for row in mine if row.verdict in FAILING]
        lines.append({"module": name, "mutants": len(mine), **tally, "left": left})
    store.write(EVIDENCE, "mutation gate", command, figures, lines, origin=Origin(*begun, "mutation"))
    print(EVIDENCE.relative_to(ROOT))


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--module", action="append", default=[], help="this one only, e.g. safety.gate; repeatable")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="children at once (default: all cores)")
    parser.add_argument("--only", default="", help="mutants whose name contains this")
    parser.add_argument("--sample", type=int, default=0, help="so many of a day's own choice, by date")
    parser.add_argument("--fresh", action="store_true", help="judge anew what was judged before")
    parser.add_argument(
        "--trust", action="store_true", help="believe every kill of before; for work on survivors, no evidence"
    )
    parser.add_argument("--canaries", action="store_true", help="the canaries only")
    parser.add_argument("--count", action="store_true", help="write counts.toml and run nothing")
    return parser.parse_args()


def main() -> int:
    """Canaries, then mutants; the table and the evidence."""
    options = arguments()
    chosen = options.module or modules()
    if unknown := sorted({*chosen} - {*modules()}):
        print(f"not mutated: {', '.join(unknown)}; choose of {', '.join(modules())}", file=sys.stderr)
        return 2
    if options.count:
        told = {**counts(), **{name: len(Module(name).mutants) for name in chosen}}
        COUNTS.write_text("".join(f'"{name}" = {told[name]}\n' for name in modules() if name in told))
        return 0
    scratch = tempfile.mkdtemp(prefix="abl-")
    os.environ["TMPDIR"] = tempfile.tempdir = scratch  # children are ended without a farewell
    try:
        return _gate(options, chosen)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _gate(options: argparse.Namespace, chosen: Sequence[str]) -> int:
    begun = made_from()
    child.warm()
    begin_s = time.monotonic()
    wrong = canaries(options.jobs)
    if wrong:
        print("VOID: the gate does not see what it must see", *wrong, sep="\n  ")
        return 1
    print(f"{len(CANARIES)} canaries got the verdicts that they must get")
    if options.canaries:
        return 0
    rows: list[Row] = []
    known = counts()
    for name in chosen:
        module = Module(name, options.fresh, options.trust)
        wanted = [mutant for mutant in module.mutants if options.only in mutant]
        if options.sample:
            wanted = random.Random(time.strftime("%F")).sample(wanted, min(options.sample, len(wanted)))
        mine = judged(module, wanted, options.jobs)
        wrong += complaints(module, mine, known)
        rows += mine
    print(*table(rows), *wrong, sep="\n")
    part = options.module or options.only or options.sample
    if not (part or options.trust):  # neither a part nor what was judged of another source is evidence for the whole
        evidence(rows, time.monotonic() - begin_s, " ".join(["python -m tests.mutation", *sys.argv[1:]]), begun)
    return 1 if wrong or any(row.verdict in FAILING for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
