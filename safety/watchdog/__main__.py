"""``python -m safety.watchdog --runtime-dir DIR --state-dir DIR --bench ID [--lease-ms 200] -- DAEMON...``

Exit code: the daemon's own (128 + n when a signal ended it), 75 when the watchdog has cut, 2 for wrong usage.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from safety.watchdog.process import run


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m safety.watchdog", allow_abbrev=False)
    parser.add_argument("--runtime-dir", type=Path, required=True, help="pids.json is written here")
    parser.add_argument("--state-dir", type=Path, required=True, help="this bench's latch.json and cuts.jsonl")
    parser.add_argument("--bench", required=True, help="the bench's id, which the latch carries")
    parser.add_argument("--lease-ms", type=float, default=200.0, help="longest silence of the daemon (default: 200)")
    parser.add_argument("daemon", nargs="+", help="-- and the daemon's command line")
    options = parser.parse_args()
    if not 10 <= options.lease_ms <= 10_000:
        parser.error("--lease-ms must be within 10 to 10000")
    return run(options.daemon, options.runtime_dir, options.state_dir, options.bench, options.lease_ms / 1e3)


if __name__ == "__main__":
    sys.exit(main())
