"""``ablate collect``: many benches' telemetry into files and a database."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import queue
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from controller.console import Tell, progress

if TYPE_CHECKING:
    from controller.collect.collector import Collector, Status
    from controller.collect.config import CollectConfig
    from controller.collect.sink import Sink


LAST_LINE_S = 1.0
"""For a reader of the output that has stopped."""


@click.command()
@click.argument("config", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option("--schema", is_flag=True, help="Print the database's tables as SQL, and end.")
@click.option("--check", is_flag=True, help="Check the file, and end.")
@click.option(
    "--every", "every_s", type=click.FloatRange(0.2), default=10.0, show_default=True, help="Seconds between lines."
)
@click.option("--json", "as_json", is_flag=True, help="A JSON object for each line.")
def collect(config: Path | None, schema: bool, check: bool, every_s: float, as_json: bool) -> None:
    """Collect what benches publish, from the broker that CONFIG names, into Parquet files and PostgreSQL.

    What is missing is asked for again, what comes twice is counted and kept once, and the broker is told that a message
    has arrived only when it is safe here. Ends with Ctrl-C or SIGTERM; what comes meanwhile waits in the broker.

    \b
    Examples:
      ablate collect lab.yaml
      ablate collect lab.yaml --json --every 1
      ablate collect --schema | psql lab
    """
    if schema:
        from controller.collect.postgres import schema as text

        click.echo(text(), nl=False)
        return
    if config is None:
        raise click.UsageError("name the collector's file, or --schema")
    from controller.collect.config import read

    told = read(config)
    if check:
        click.echo(f"{config}: good")
        return
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    _run(told, every_s, as_json)


def _run(told: CollectConfig, every_s: float, as_json: bool) -> None:
    from controller.collect.journal import JournalError
    from controller.mqtt.publisher import MqttProblem
    from controller.records.tables import Missing, need

    try:
        need("aiomqtt", "collect")
        from controller.collect.collector import Collector

        collector = Collector(told, sinks_of(told))
    except (JournalError, MqttProblem, Missing) as error:
        raise click.ClickException(str(error)) from error
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.run(_main(collector, every_s, as_json))


def sinks_of(told: CollectConfig) -> list[Sink]:
    """Where data go. Raises :class:`Missing`, :class:`MqttProblem`."""
    sinks: list[Sink] = []
    if told.parquet is not None:
        from controller.collect.parquet import ParquetSink

        sinks.append(ParquetSink(told.parquet))
    if told.postgres is not None:
        from controller.collect.postgres import PostgresSink

        sinks.append(PostgresSink(told.postgres))
    return sinks


async def _main(collector: Collector, every_s: float, as_json: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    telling = asyncio.create_task(_tell(collector, every_s, as_json))
    try:
        await collector.run(stop)
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)


class _CatchUp:
    """A bar on a terminal, from the first batches that are missing until none is. Use as a context."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet, self._most = quiet, 0
        self._open = contextlib.ExitStack()
        self._tell: Tell = lambda done: None

    def __enter__(self) -> _CatchUp:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def __call__(self, missing: int) -> None:
        if missing > self._most or not missing:
            self._open.close()
            self._most = missing
            if missing:
                bar = progress("catching up", missing, unit="batches", quiet=self._quiet)
                self._tell = self._open.enter_context(bar)
        if missing:
            self._tell(self._most - missing)


class _Lines:
    """Prints beside the collector: a reader of its output that has stopped does not stop it. Lines that nobody takes in
    time are left out. Use as a context."""

    def __init__(self) -> None:
        self._next: queue.Queue[str | None] = queue.Queue(1)
        self._thread = threading.Thread(target=self._print, name="lines", daemon=True)

    def __enter__(self) -> _Lines:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(queue.Full):
            self._next.put(None, timeout=LAST_LINE_S)
        self._thread.join(LAST_LINE_S)

    def say(self, line: str) -> None:
        with contextlib.suppress(queue.Full):
            self._next.put_nowait(line)

    def _print(self) -> None:
        with contextlib.suppress(OSError):  # nobody is there any more
            while (line := self._next.get()) is not None:
                click.echo(line)


async def _tell(collector: Collector, every_s: float, as_json: bool) -> None:
    with _CatchUp(quiet=as_json) as catch_up, _Lines() as lines:
        await _tell_all(collector, every_s, as_json, catch_up, lines)


async def _tell_all(collector: Collector, every_s: float, as_json: bool, catch_up: _CatchUp, lines: _Lines) -> None:
    before, since_s = 0, time.monotonic()
    while True:
        await asyncio.sleep(every_s)
        status = await collector.status()
        now_s = time.monotonic()
        rate = (status.messages - before) / (now_s - since_s)
        before, since_s = status.messages, now_s
        catch_up(sum(bench.missing_batches for bench in status.benches))
        lines.say(_json(status, rate) if as_json else _line(status, rate))


def _json(status: Status, rate: float) -> str:
    benches = [bench._asdict() for bench in status.benches]
    return json.dumps({**status._asdict(), "benches": benches, "messages_per_s": round(rate, 1)})


def _line(status: Status, rate: float) -> str:
    """One line for a person: what comes, what is behind, what is wrong."""
    sums = {key: sum(getattr(bench, key) for bench in status.benches) for key in _SUMMED}
    parts = [
        f"{sum(bench.online for bench in status.benches)} of {len(status.benches)} benches online",
        f"{rate:.0f} messages/s",
        *(f"{value} {key.replace('_', ' ')}" for key, value in sums.items() if value),
        *(f"{sink} is {count} messages behind" for sink, count in status.waiting.items() if count > 1000),
        *(f"{sink}: {problem}" for sink, problem in status.sinks.items() if problem),
    ]
    return ", ".join(parts if status.connected else [f"not connected: {status.text}", *parts])


_SUMMED = ("missing_batches", "lost_batches", "duplicates", "backfilled")
