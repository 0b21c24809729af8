"""What a query costs on the wire, against floors and peers of the same run: ``python -m benchmarks.wire [--json]``.

Variants take turns, one query every 5 ms each, so that whatever else the machine does meets all of them; ratios are of
medians. A child process echoes 30 bytes for 20 on a pseudo-terminal or a TCP socket. Then: what codec and bookkeeping
of a driver add, eight lines polled at once, emulators, and whether an emulated line takes the time of its bits.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Iterator

from benchmarks.wires.queries import driver_rows, serial_rows, tcp_rows
from benchmarks.wires.rates import baud_row, emulator_rows, idle_row, lines_row
from benchmarks.wires.rows import Row, head, show


def measured(queries: int) -> Iterator[Row]:
    """The rows, each group as soon as it is measured."""
    yield from asyncio.run(serial_rows(queries))
    yield from asyncio.run(tcp_rows(queries))
    yield from asyncio.run(driver_rows(queries))
    yield asyncio.run(lines_row(3.0))
    yield asyncio.run(baud_row(9600, 2.0, 1.05))
    yield asyncio.run(baud_row(115200, 1.0, None))
    yield from emulator_rows(6.0)
    yield idle_row(5.0)


def main() -> None:
    """Print the table, or with ``--json`` one object a row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=600, help="of each variant (default 600)")
    parser.add_argument("--json", action="store_true", help="one JSON object a row instead of the table")
    given = parser.parse_args()
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    if load > cores / 2:
        text = f"others keep this machine busy (load {load:.1f} on {cores} cores)"
        print(f"{text}: judge what is measured by the clock on a quiet one", file=sys.stderr)
    if not given.json:
        print(head())
    for row in measured(given.queries):
        print(json.dumps(row._asdict()) if given.json else show(row), flush=True)


if __name__ == "__main__":
    main()
