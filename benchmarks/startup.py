"""What a command costs before it does anything: ``python -m benchmarks.startup [--runs N] [--json]``.

Whole processes, from start to end, the fastest of many: beside an interpreter that does nothing, and beside one that
imports click alone, without which no command line of ours can be. ``stop`` is asked where no daemon runs.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

from benchmarks.rows import Row, beside, command

RUNS = 15
HELP_MOST_S = 0.15
"""`ablate --help` on the machine that this target was set on, whose empty interpreter took FLOOR_S."""
FLOOR_S = 0.016
ABLATE = "import openablate; openablate.main()"


def best_ms(argv: list[str], runs: int, environment: dict[str, str]) -> float:
    """The fastest of ``runs``, after one that fills caches, ms."""
    spent = []
    for _ in range(runs + 1):
        began_s = time.perf_counter()
        subprocess.run(argv, capture_output=True, check=False, env=environment)
        spent.append(time.perf_counter() - began_s)
    return 1000.0 * min(spent[1:])


def measured(given: argparse.Namespace) -> Iterator[Row]:
    """A row a command."""
    with tempfile.TemporaryDirectory() as folder:
        # Compiled once, as an installation is: not every environment lets Python write beside the sources.
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": folder, "ABLATE_RUNTIME_DIR": folder}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)

        def ms(program: str, *arguments: str) -> float:
            return best_ms([sys.executable, "-c", program, *arguments], given.runs, environment)

        floor_ms, click_ms = ms("pass"), ms("import click")
        most = HELP_MOST_S / FLOOR_S
        for words in (("--help",), ("stop",), ("status",)):
            ours_ms = ms(ABLATE, *words)
            name = f"ablate {' '.join(words)}"
            yield beside(name, ours_ms, "ms", "python -c pass", floor_ms, most, f"import click: {click_ms:.0f} ms")
        complete = {**environment, "_ABLATE_COMPLETE": "bash_complete", "COMP_CWORD": "2", "COMP_WORDS": "ablate run c"}
        tab_ms = best_ms([sys.executable, "-c", ABLATE], given.runs, complete)
        yield beside("Tab after ablate run c", tab_ms, "ms", "python -c pass", floor_ms, most)


def main() -> int:
    """Print the table; 1 when a command is slow to start."""
    return command(__doc__, measured, runs=(int, RUNS, "processes of each kind"))


if __name__ == "__main__":
    raise SystemExit(main())
