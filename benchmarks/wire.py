"""What a query costs on the wire, against floors and peers of the same run: ``python -m benchmarks.wire [--json]``.

Variants take turns, one query every 5 ms each, so that whatever else the machine does meets all of them; ratios are of
medians. A child process echoes 30 bytes for 20 on a pseudo-terminal or a TCP socket. Then a raw socket as VISA; what
codec and bookkeeping of a driver add, eight lines polled at once, emulators, and whether an emulated line takes the
time of its bits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from benchmarks.rows import Row, command
from benchmarks.wires.queries import driver_rows, serial_rows, tcp_rows, visa_rows
from benchmarks.wires.rates import baud_row, emulator_rows, idle_row, lines_rows


def measured(queries: int) -> Iterator[Row]:
    """The rows, each group as soon as it is measured."""
    yield from asyncio.run(serial_rows(queries))
    yield from asyncio.run(tcp_rows(queries))
    yield from asyncio.run(visa_rows(queries))
    yield from asyncio.run(driver_rows(queries))
    yield from asyncio.run(lines_rows(3.0))
    yield asyncio.run(baud_row(9600, 2.0, 1.05))
    yield asyncio.run(baud_row(115200, 1.0, None))
    yield from emulator_rows(6.0)
    yield idle_row(5.0)


def main() -> int:
    """Print the table; 1 when a target was missed."""
    queries = (int, 600, "queries of each variant")
    return command(__doc__, lambda given: measured(given.queries), queries=queries)


if __name__ == "__main__":
    raise SystemExit(main())
