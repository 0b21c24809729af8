"""``python -m tests.safety.coverage``: which lines and branches of ``safety`` its own tests run, as evidence for the
safety case. Without ``safety.watchdog``, which runs as a process of its own, and without the search of all states,
which asserts other things. About a minute.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import coverage
import pytest

from controller.evidence.revision import origin

REPOSITORY = Path(__file__).parents[2]
LEFT_OUT = ("test_graph.py", "test_properties.py")  # minutes


def measured() -> tuple[int, coverage.Coverage]:
    """The exit code of pytest, and what was run. Nothing of ``safety`` may have been imported before."""
    tests = REPOSITORY / "tests" / "safety"
    options = ["-q", "-p", "no:cacheprovider", "--rootdir", str(REPOSITORY)]
    options += [f"--ignore={tests / name}" for name in LEFT_OUT]
    seen = coverage.Coverage(
        data_file=None, branch=True, source=[str(REPOSITORY / "safety")], omit=[str(REPOSITORY / "safety/watchdog/*")]
    )
    seen.start()
    try:
        code = pytest.main([*options, str(tests)])
    finally:
        seen.stop()
    return int(code), seen


def rows(seen: coverage.Coverage) -> list[dict[str, Any]]:
    """A row a module: lines, branches, and those that no test has run, a branch by the line that it leaves."""
    told: list[dict[str, Any]] = []
    for path in sorted((REPOSITORY / "safety").rglob("*.py")):
        if "watchdog" in path.parts:
            continue
        _, lines, _, missing, _ = seen.analysis2(str(path))
        branches = seen.branch_stats(str(path))
        told.append(
            {
                "module": ".".join(path.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__init__"),
                "lines": len(lines),
                "branches": sum(total for total, _ in branches.values()),
                "lines_missed": missing,
                "branches_missed": [line for line, (total, taken) in branches.items() for _ in range(total - taken)],
            }
        )
    return told


def main() -> int:
    """Run, print, write; 0 when tests pass and every line and every branch was run."""
    parser = argparse.ArgumentParser(prog="python -m tests.safety.coverage", description=__doc__)
    parser.add_argument("--out", type=Path, default=REPOSITORY / "build/evidence/coverage.json")
    args = parser.parse_args()
    assert not any(name.partition(".")[0] == "safety" for name in sys.modules), "safety is imported already"
    made_from = origin("coverage")
    code, seen = measured()
    from controller.evidence import store  # not before: it imports what is measured

    table = rows(seen)
    figures: dict[str, int | float] = {name: sum(row[name] for row in table) for name in ("lines", "branches")}
    figures |= {name: sum(len(row[name]) for row in table) for name in ("lines_missed", "branches_missed")}
    figures["tests_failed"] = int(code != 0)
    for row in table:
        missed = [*map(str, row["lines_missed"]), *(f"out of {line}" for line in row["branches_missed"])]
        print(f"{row['module']:30}{row['lines']:6}{row['branches']:6}  {', '.join(missed)}")
    whole = figures["lines"] + figures["branches"]
    run = whole - figures["lines_missed"] - figures["branches_missed"]
    print(f"{figures['lines']} lines and {figures['branches']} branches: {100 * run / whole:.2f} % run")
    command = "python -m tests.safety.coverage"
    print(store.write(args.out, "lines and branches of safety", command, figures, table, origin=made_from))
    return 0 if run == whole and code == 0 else 1


if __name__ == "__main__":
    raise SystemExit(main())
