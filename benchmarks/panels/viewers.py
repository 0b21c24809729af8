"""What twenty viewers cost the control tick: ``python -m benchmarks.panels.viewers LINK COUNT`` is the viewers."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from controller.beside_panel import Where
from tests.browser.served import Served

PERIOD_S = 0.05
EDGE_S = 2.0
"""Left out at both ends of a turn."""


@contextlib.contextmanager
def viewers(panel: Where, count: int) -> Iterator[list[int]]:
    """So many pages' worth of streams, read in a process of their own. At the end the list holds how many messages
    each viewer got.
    """
    command = [sys.executable, "-m", "benchmarks.panels.viewers", panel.url, panel.viewer_token, str(count)]
    got: list[int] = []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        if (line := process.stdout.readline()) != "READY\n":
            raise RuntimeError(f"the viewers did not connect: {line}")
        yield got
        process.stdin.close()
        got += map(int, process.stdout.read().split())


def turns(bench: Served, count: int, minutes: float, turn_s: float = 60.0) -> tuple[NDArray[np.float64], ...]:
    """Lateness of ticks (s) without and with viewers, in turns of one firing each; and how many messages each viewer
    got a second.
    """
    alone: list[NDArray[np.float64]] = []
    watched: list[NDArray[np.float64]] = []
    rates: list[float] = []
    for _ in range(max(1, round(minutes * 60.0 / turn_s))):
        alone.append(_turn(bench, turn_s))
        with viewers(bench.panel, count) as got:
            watched.append(_turn(bench, turn_s))
            held_s = turn_s
        rates += [messages / held_s for messages in got]
    return np.concatenate(alone), np.concatenate(watched), np.array(rates)


def _turn(bench: Served, turn_s: float) -> NDArray[np.float64]:
    with bench.firing():
        begin_s = time.monotonic()
        time.sleep(turn_s)
        session, end_s = bench.session, time.monotonic()
    return lateness_s(session, begin_s + EDGE_S, end_s - EDGE_S)


def lateness_s(session: Path, begin_s: float, end_s: float) -> NDArray[np.float64]:
    """How late each tick between two moments began, s; against the most punctual of them: deadlines are absolute."""
    with sqlite3.connect(f"file:{session}?mode=ro", uri=True) as file:
        rows = file.execute("SELECT t_s FROM ticks WHERE t_s BETWEEN ? AND ?", (begin_s, end_s)).fetchall()
    t_s = np.array(rows)[:, 0]
    phase_s = (t_s - t_s[0] + PERIOD_S / 2) % PERIOD_S
    return np.asarray(phase_s - phase_s.min())


async def _watch(url: str, token: str, count: int) -> None:
    import aiohttp

    got = [0] * count
    ready = asyncio.Barrier(count + 1)

    async def viewer(number: int, session: aiohttp.ClientSession) -> None:
        origin = url.rstrip("/")
        async with session.ws_connect(f"{origin}/api/v1/stream", origin=origin, max_msg_size=0) as stream:
            await stream.send_json({"type": "hello", "token": token, "client": str(uuid.uuid4())})
            await stream.receive()
            await ready.wait()
            async for _ in stream:
                got[number] += 1

    async with aiohttp.ClientSession() as session:
        watching = [asyncio.create_task(viewer(number, session)) for number in range(count)]
        await ready.wait()
        print("READY", flush=True)
        await asyncio.to_thread(sys.stdin.read)
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
    print(*got)


if __name__ == "__main__":
    asyncio.run(_watch(sys.argv[1], sys.argv[2], int(sys.argv[3])))
