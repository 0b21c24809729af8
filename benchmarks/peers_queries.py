"""A typed reading through us and through other people's frameworks: ``python -m benchmarks.peers_queries``.

One process asks one TCP server of blocking sockets (one pseudo-terminal for Opentrons' serial driver), a query every
5 ms, in turns; ratios are of medians. Our emulator and those of lewis and tickit are asked by a blocking socket back to
back, each in a process of its own. Run by ``make bench-peers`` in an environment that has them; what is not installed
there is left out, with the reason.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Iterator

from benchmarks.peers import echo, emulators
from benchmarks.peers.readers import READERS, Query, blocking, ours
from benchmarks.peers.serial_peer import opentrons, our_terminal
from benchmarks.rows import Row, Timing, beside, command, within

PACE_S = 0.005
WARM = 20
MOST = {"pyvisa-py in an executor": 0.5, "Opentrons, send_data": 0.2}
"""Of their medians."""
CPU_MOST = {"PyMeasure, measurement": 1.0, "QCoDeS, Parameter.get": 0.5}
"""Of the CPU that they take for it."""
TICKIT_TIMES, LEWIS_TIMES = 1.0, 400.0


async def timings(variants: dict[str, Query], queries: int) -> dict[str, Timing]:
    """Each variant's queries, in turns."""
    wall: dict[str, list[float]] = {name: [] for name in variants}
    cpu: dict[str, list[float]] = {name: [] for name in variants}
    for n in range(WARM + queries):
        for name, query in variants.items():
            began_s, began_cpu_s = time.perf_counter(), time.process_time()
            await query()
            took_s, took_cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
            if n >= WARM:
                wall[name].append(took_s * 1e6)
                cpu[name].append(took_cpu_s * 1e6)
            await asyncio.sleep(PACE_S)
    return {name: Timing.of(wall[name], cpu[name]) for name in variants}


def left_out(name: str, why: BaseException) -> Row:
    """A peer without a figure."""
    return Row(
        f"{name}: left out",
        float("nan"),
        "",
        note=f"{type(why).__name__}: {str(why).splitlines()[0] if str(why) else ''}",
    )


async def reading_rows(queries: int) -> list[Row]:
    """Over TCP."""
    port, server = echo.tcp()
    rows: list[Row] = []
    try:
        variants: dict[str, Query] = {"floor": await blocking(port), "ours": await ours(port)}
        for name, make in READERS.items():
            try:
                query = await make(port)
                await query()
                variants[name] = query
            except Exception as why:  # whatever keeps somebody else's package from working here
                rows.append(left_out(name, why))
        seen = await timings(variants, queries)
    finally:
        server.terminate()
    found = [within("typed reading over TCP", seen["ours"], "blocking socket", seen["floor"], None)]
    for name in (name for name in READERS if name in seen):
        found.append(within("typed reading over TCP", seen["ours"], name, seen[name], MOST.get(name)))
        if name in CPU_MOST:
            found.append(beside("  its CPU", seen["ours"].cpu, "us", name, seen[name].cpu, CPU_MOST[name]))
    return found + rows


async def serial_rows(queries: int) -> list[Row]:
    """Over a pseudo-terminal."""
    name = "Opentrons, send_data"
    ends = [echo.terminal() for _ in range(2)]
    try:
        mine = await our_terminal(ends[0][0])
        try:
            theirs = await opentrons(ends[1][0])
            await theirs()
        except Exception as why:
            return [left_out(name, why)]
        seen = await timings({"ours": mine, name: theirs}, queries)
        return [within("typed reading, serial", seen["ours"], name, seen[name], MOST[name])]
    finally:
        for _, slave, process in ends:
            process.terminate()
            os.close(slave)


def emulator_rows(seconds: float) -> Iterator[Row]:
    """Answers a second of emulators on TCP; first what anybody could give here."""
    what, mine = "emulator, one client", emulators.rate(emulators.ours, seconds)
    yield beside(what, mine, "1/s", "blocking sockets, any answer", emulators.rate(emulators.bare, seconds), None)
    for name, serve, times in (("lewis", emulators.lewis, LEWIS_TIMES), ("tickit", emulators.tickit, TICKIT_TIMES)):
        try:
            theirs = emulators.rate(serve, seconds)
        except Exception as why:
            yield left_out(f"emulator, {name}", why)
            continue
        row = beside(what, mine, "1/s", name, theirs, None)
        yield row._replace(target=f">= {times:g} x", met=mine >= times * theirs)


def measured(given: argparse.Namespace) -> Iterator[Row]:
    """All peers that are here."""
    yield from asyncio.run(reading_rows(given.queries))
    yield from asyncio.run(serial_rows(given.queries))
    yield from emulator_rows(given.seconds)


def main() -> int:
    """Print the table; 1 when a target was missed."""
    return command(
        __doc__, measured, queries=(int, 300, "of each"), seconds=(float, 3.0, "of questions to each emulator")
    )


if __name__ == "__main__":
    sys.exit(main())
