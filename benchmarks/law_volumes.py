"""Our own law against pulsed impedance on some draws, for a first look: docs/laws.md has the whole table (make laws).

    python -m benchmarks.law_volumes [--runs N]

Wanted: 15 % more volume in the same time, or the same volume in 15 % less time, with no more steam pops.
"""

from __future__ import annotations

import argparse
import math
import statistics

from sim.trials.race import LESS, MORE, OURS, THEIRS, TISSUES, race


def main() -> None:
    """Print one line for each tissue."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--runs", type=int, default=3, help="draws for each tissue")
    runs: int = parser.parse_args().runs
    print(f"{OURS} against {THEIRS}, {runs} draws; wanted: volume {MORE:g} or time {LESS:g}")
    for tissue in TISSUES:
        pairs = [race(tissue, 1, index) for index in range(runs)]
        volume = statistics.median(pair.volume for pair in pairs)
        time = statistics.median(pair.time if math.isfinite(pair.time) else math.inf for pair in pairs)
        pops = [sum(pair.pops[k] for pair in pairs) for k in (0, 1)]
        told = "reached" if (volume >= MORE or time <= LESS) and pops[0] <= pops[1] else "missed"
        print(
            f"  {tissue:<15} volume {volume:.3f} ({min(pair.volume for pair in pairs):.3f} to "
            f"{max(pair.volume for pair in pairs):.3f})   time to equal volume {time:.3f}   "
            f"pops {pops[0]} for {pops[1]}   {told}"
        )


if __name__ == "__main__":
    main()
