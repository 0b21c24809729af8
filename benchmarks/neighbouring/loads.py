"""What keeps each neighbour of a daemon at work, for as long as a context lasts.

Each load counts what its neighbour has done meanwhile, so that one that stood still cannot pass for one that is
harmless.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import threading
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.daemons.processes import cpu_s
from benchmarks.neighbouring.site import Site
from benchmarks.panels.viewers import viewers
from tests.mqtt.broker import wait_until

Work = Counter[str]
"""How much of what."""
Load = Callable[[Site], AbstractContextManager[Work]]

BATCHES, REQUESTS = 4, 2
"""Batches of the earlier session in a request, each of 5 s in ten messages; and requests that are open: there is always
one to go on with."""
VIEWERS = 20
PICTURE = b'{"snapshot": true}\n'


@contextlib.contextmanager
def mqtt(site: Site) -> Iterator[Work]:
    """The publisher's process reads, encodes and sends batches of the earlier session, beside the live ones. It takes
    a third of its time for that at the most, by itself.
    """
    assert site.broker_port is not None
    work, earlier, root = Work(), site.earlier, f"abl/v1/lab/{site.emulated.name}"
    asked = answered = 0
    over = False

    def ask() -> None:
        nonlocal asked
        first = asked * BATCHES % max(1, earlier.last_batch - BATCHES)
        asked += 1
        request = {
            "schema": "abl/backfill/1", "request": f"r{asked}", "session": earlier.session,
            "first_batch": first, "last_batch": first + BATCHES - 1, "reply_to": "load",
        }  # fmt: skip
        client.publish(f"{root}/cmd/backfill", json.dumps(request), qos=1)

    def on_message(_client: object, _data: object, message: paho.MQTTMessage) -> None:
        nonlocal answered
        answered += 1
        work["batches sent again"] += json.loads(message.payload)["sent"]
        if not over:
            ask()

    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.on_message = on_message
    client.connect("127.0.0.1", site.broker_port)
    client.loop_start()
    try:
        wait_until(client.is_connected, "the one who asks")
        client.subscribe(f"{root}/backfill/load/done", qos=1)
        for _ in range(REQUESTS):
            ask()
        yield work
        over = True
        wait_until(lambda: answered == asked, "the last answers")  # who is timed next must not meet them
    finally:
        client.disconnect()
        client.loop_stop()


@contextlib.contextmanager
def exports(site: Site) -> Iterator[Work]:
    """``ablate sessions export`` of the earlier session to Parquet, one after another."""
    argv = ["sessions", "export", site.earlier.path, "--format", "parquet", "--force"]

    def export(over: threading.Event) -> bool:
        with site.emulated.ablate(*argv, "--out", site.emulated.folder / "lake") as process:
            while process.poll() is None:
                if over.wait(0.02):
                    os.killpg(process.pid, signal.SIGKILL)  # with the processes that it reads with
                    return False
        assert process.returncode == 0, f"an export has failed with {process.returncode}"
        return True

    with _repeated(export, "exports done") as work:
        yield work


@contextlib.contextmanager
def panel(site: Site) -> Iterator[Work]:
    """Viewers of the stream, and one who has the earlier session drawn and verified."""
    where = site.panel
    assert where is not None

    def ask(_: threading.Event) -> bool:
        for question in ("samples?points=5000", "verify"):
            url = f"{where.url}api/v1/sessions/{site.earlier.session}/{question}"
            asked = urllib.request.Request(url, headers={"Authorization": f"Bearer {where.viewer_token}"})
            with urllib.request.urlopen(asked, timeout=60.0) as answer:
                answer.read()
        return True

    with viewers(where, VIEWERS) as got, _repeated(ask, "times a session drawn and verified") as work:
        yield work
    work[f"messages to {VIEWERS} viewers"] += sum(got)


@contextlib.contextmanager
def world(site: Site) -> Iterator[Work]:
    """The process that simulates the tissue, and answers for all devices, tells its picture all the time."""
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(str(site.emulated.ports / "sim.sock"))
        with link.makefile("rwb") as file:

            def look(_: threading.Event) -> bool:
                file.write(PICTURE)
                file.flush()
                assert b'"ok": true' in file.readline(), "the world does not answer"
                return True

            file.write(PICTURE)  # one ahead: there is always one to go on with
            with _repeated(look, "pictures told") as work:
                yield work


@contextlib.contextmanager
def inside(site: Site) -> Iterator[Work]:
    """What no neighbour can do: a thread in the daemon is at work; exports keep the machine as busy as before."""
    with exports(site) as work:
        os.kill(site.live.pids.daemon, signal.SIGUSR2)
        try:
            yield work
        finally:
            os.kill(site.live.pids.daemon, signal.SIGUSR2)


@contextlib.contextmanager
def _repeated(act: Callable[[threading.Event], bool], name: str) -> Iterator[Work]:
    """Do it again and again in a thread, and count how often it is true; it gets told when it is over."""
    work, over, failed = Work(), threading.Event(), list[BaseException]()

    def repeat() -> None:
        try:
            while not over.is_set():
                work[name] += act(over)
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=repeat, name=name)
    thread.start()
    try:
        yield work
    finally:
        over.set()
        thread.join()
    if failed:
        raise failed[0]


def _of(pid: int | None) -> float:
    """CPU of a process and of those that it has started, s."""
    if pid is None:
        return 0.0
    started = [
        int(child) for file in Path(f"/proc/{pid}/task").glob("*/children") for child in file.read_text().split()
    ]
    return sum(sum(cpu_s(one).values()) for one in (pid, *started))


def _of_commands() -> float:
    """The same of what this process has started and seen the end of."""
    used = os.times()
    return used.children_user + used.children_system


class Neighbour(NamedTuple):
    """``cpu_s``: what it has used; ``lacks``: why it cannot be had here, empty where it can."""

    load: Load
    cpu_s: Callable[[Site], float]
    lacks: Callable[[Site], str] = lambda _: ""


NEIGHBOURS: Mapping[str, Neighbour] = {
    "MQTT": Neighbour(
        mqtt,
        lambda site: _of(site.publisher),
        lambda site: "" if site.broker_port is not None else "mosquitto is not installed: apt install mosquitto",
    ),
    "exports": Neighbour(exports, lambda _: _of_commands()),
    "panel": Neighbour(
        panel, lambda site: _of(site.panel.pid if site.panel is not None else None), lambda site: site.no_panel
    ),
    "world": Neighbour(world, lambda site: _of(site.emulated.emulator)),
}
INSIDE = Neighbour(inside, lambda _: _of_commands())
