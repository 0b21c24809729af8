"""Every shipped protocol to its end, recorded and replayed: ``python -m tests.replay [PROTOCOL]…``."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from controller.replay import read, replay
from tests.rehearsal.table import PROTOCOLS
from tests.replay.sessions import recorded


def main(protocols: list[str]) -> int:
    """The exit code: 1 if any differs."""
    differ = 0
    for protocol in protocols:
        with tempfile.TemporaryDirectory(prefix="ablate-replay-") as folder:
            recording = read(recorded(protocol, Path(folder)))
            began_s = time.perf_counter()
            found = replay(recording)
            took_s = time.perf_counter() - began_s
        differ += not found.equal
        rate = found.ticks / took_s
        print(f"{protocol:28} {'equal' if found.equal else 'DIFFERS'} {found.ticks:6} ticks {rate:7.0f}/s", flush=True)
        if not found.equal:
            print(found.text, flush=True)
    print(f"{len(protocols) - differ} of {len(protocols)} sessions replay equal")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(PROTOCOLS)))
