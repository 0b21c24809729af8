"""A daemon with all its neighbours, each a process of its own: what :mod:`benchmarks.neighbouring.loads` works on."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from benchmarks.daemons.powered import Probed, bench_of, firing, look_inside
from benchmarks.exports import record
from controller.beside_panel import BesidePanel, Where
from controller.mqtt.earlier import look
from tests.mqtt.broker import wait_until
from tests.process.bench import Emulated, Live

BENCH = "wired"
"""As :class:`Emulated` names its bench: who asks for an earlier session gets those of the same bench only."""


class Earlier(NamedTuple):
    """A long session of before."""

    path: Path
    session: str
    last_batch: int
    folder: Path
    """Of all records; the file lies some folders below."""


class Site(NamedTuple):
    """A bench under power and what is beside it; None: this machine lacks what it needs."""

    emulated: Emulated
    live: Live
    earlier: Earlier
    broker_port: int | None
    publisher: int | None
    """The pid."""
    panel: Where | None
    no_panel: str
    """Why there is none."""
    probed: Callable[[], Probed]
    """After its end."""


def recorded(folder: Path, minutes: float) -> Earlier:
    """Record one, at 100 Hz with 20 channels."""
    path = record(folder, minutes, BENCH)
    old = look(path, BENCH)
    assert old is not None
    return Earlier(path, old.about.session, old.head, folder)


@contextlib.contextmanager
def under_power(earlier: Earlier, rate_hz: int, seconds: float) -> Iterator[Site]:
    """A bench that has this earlier session among its records and fires for so long at least."""
    with ExitStack() as stack:
        emulated = stack.enter_context(Emulated())
        assert emulated.name == BENCH
        probed = look_inside(emulated)
        shutil.copytree(earlier.folder, emulated.out)
        data = bench_of(stack, emulated, rate_hz)
        bench = emulated.write("beside.yaml", data)
        panel, no_panel = stack.enter_context(_panel(emulated, bench))
        live = stack.enter_context(firing(emulated, bench, seconds))
        port, publisher = (data.get("mqtt") or {}).get("port"), None
        if port is not None:
            wait_until(lambda: live.control.ask("status")["mqtt"]["connected"], "the connection to the broker")
            publisher = live.control.ask("status")["mqtt"]["pid"]
        here = earlier._replace(path=emulated.out / earlier.path.relative_to(earlier.folder), folder=emulated.out)
        yield Site(emulated, live, here, port, publisher, panel, no_panel, probed)


@contextlib.contextmanager
def _panel(emulated: Emulated, bench: Path) -> Iterator[tuple[Where | None, str]]:
    """As ``ablate serve`` keeps one; and what was said where it cannot be."""
    runtime, said = emulated.runtime / emulated.name, list[str]()
    runtime.mkdir(parents=True, exist_ok=True)
    panel = BesidePanel(bench, runtime, emulated.out, None, said.append)
    with asyncio.Runner() as runner:
        runner.run(panel.start())
        try:
            yield panel.where, "; ".join(said)
        finally:
            runner.run(panel.close())
