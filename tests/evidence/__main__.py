"""``make evidence``: every test that the hazard table names, and how long real processes took to let the power go, as
evidence for ``ablate safety-case``. Minutes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from controller.evidence import store
from controller.evidence.argument import table
from controller.evidence.revision import origin
from tests.evidence import trials

REPOSITORY = Path(__file__).parents[2]


def nodes() -> list[str]:
    """The tests that the hazard table names, each once."""
    rows = table()
    named = (node for row in rows for node in (*row.proof, *row.injection) if "::" in node)
    return sorted(dict.fromkeys(named))


def main() -> int:
    """Run and write; the exit code of pytest."""
    parser = argparse.ArgumentParser(prog="python -m tests.evidence", description=__doc__)
    parser.add_argument("--out", type=Path, default=REPOSITORY / store.FOLDER)
    parser.add_argument("--quick", action="store_true", help="without the trials of real processes")
    args = parser.parse_args()
    wanted = [node for node in nodes() if not (args.quick and node.startswith(trials.TESTS))]
    options = ["-q", "-p", "no:cacheprovider", "-p", "tests.support.evidence", "--rootdir", str(REPOSITORY)]
    made_from = origin(trials.NAME)
    code = pytest.main([*options, "--evidence", str(args.out / "tests.json"), *wanted])
    trials.write(args.out, made_from)
    return int(code)


if __name__ == "__main__":
    raise SystemExit(main())
