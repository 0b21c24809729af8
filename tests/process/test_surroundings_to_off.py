"""What a bench stands on is taken away under power, 20 times each: its cable, its disk, its processors. And what it
does not stand on, its wall clock and its broker: without them the energy goes on.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import resource
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from controller.records.reader import open_session
from controller.records.verify import verify
from safety.types import Trip
from tests.mqtt.broker import MOSQUITTO, Broker
from tests.mqtt.endurance import Consumer
from tests.process.bench import POWER_W, Emulated, Live, signals
from tests.process.ends import alive, wait_for
from tests.process.shifted import wall_clock_of
from tests.process.starving import starving
from tests.process.test_time_to_off import LEASE_S
from tests.process.trials import (
    TRIALS,
    Fault,
    Figure,
    handed_over_s,
    judge,
    judge_going_on,
    judge_together,
    latched,
    started,
)

pytestmark = [pytest.mark.process, pytest.mark.timeout(15 * max(TRIALS, 20))]

GENERATOR = "gen.link.disconnect"


def pull(live: Live) -> float:
    begin_s = time.monotonic()
    live.emulated.backdoor(fault=GENERATOR)
    return begin_s


def put_back(emulated: Emulated) -> None:
    with contextlib.suppress(AssertionError):  # it is back already
        emulated.backdoor(clear=GENERATOR)


def still_locked(live: Live, begin_s: float) -> Trip:
    """Nobody could prove off; the cable comes back, and nothing comes back with it."""
    live.state("LOCKOUT")
    put_back(live.emulated)
    time.sleep(0.4)
    assert live.control.ask("status")["state"] == "LOCKOUT"
    assert live.emulated.log.now_w == 0.0
    return latched(live.emulated)


def test_the_generators_cable_pulled(benches: list[Emulated]) -> None:
    """Its answers stay away, or what it is sent cannot be: the enable line takes the energy away."""
    causes = frozenset({("H15", "link"), ("H22", "apply")})
    judge(benches[:2], Fault("generator's cable pulled", LEASE_S, pull, still_locked, causes, undo=put_back))


def fill(live: Live) -> float:
    """The files of the daemon may grow no more, as on a disk that is full."""
    wal = live.session.with_name(live.session.name + "-wal")
    size = max(live.session.stat().st_size, wal.stat().st_size)
    begin_s = time.monotonic()
    resource.prlimit(live.pids.daemon, resource.RLIMIT_FSIZE, (size, size))
    return begin_s


def stopped(live: Live, begin_s: float) -> None:
    """A controlled stop, over before it were a trip; it is said why, and nobody can fire again while it is so."""
    record = live.state("SAFE")["record"]
    assert not record["healthy"]
    assert "cannot be written" in record["text"]
    assert live.control.ask("prepare", protocol=str(live.emulated.steady))["ok"]
    wait_for(lambda: live.control.ask("status")["blocked_by"] == ["record"], "nothing to lack but the record")
    refused = live.control.ask("arm")
    assert not refused["ok"] and "record" in refused["blocked_by"]
    assert live.control.ask("status")["trip"] is None
    assert not live.emulated.latch.exists()


def test_the_records_disk_full(benches: list[Emulated]) -> None:
    """H36: off within 1 s. A commit that is refused is told within a tick or two; one that is silent after 0.75 s."""
    judge(benches[:2], Fault("record's disk full", 1.000, fill, stopped, frozenset()))


STARVED_S = 0.3


def stop_and_starve(lives: list[Live]) -> list[float]:
    """The emulated generators have no processor either: when "off" was handed over stands in the watchdogs' records."""
    with starving(STARVED_S) as begin:
        begin_s = signals([live.pids.daemon for live in lives], signal.SIGSTOP)
        begin()
        for live in lives:
            assert live.ended() == 75
    for live in lives:
        wait_for(lambda log=live.emulated.log: log.now_w == 0.0, "0 W")  # type: ignore[misc]
        cut = live.emulated.cuts[-1]
        assert (cut["hazard"], cut["off_proven"]) == ("H24", True)
        assert latched(live.emulated).hazard == "H24"
    return [handed_over_s(live.emulated, begin_s) - begin_s for live in lives]


def test_daemon_stopped_while_nobody_else_has_a_processor(benches: list[Emulated]) -> None:
    with starving(0.0):
        pass  # is that permitted here at all?
    judge_together(benches, "daemon stopped, no processor", LEASE_S, stop_and_starve)


def went_on(emulated: Emulated, since_s: float) -> None:
    """The tissue has received power all the time, be it that the law took some back for an impedance that moved."""
    assert emulated.log.now_w > 0.5 * POWER_W
    assert [step for step in emulated.log.steps if step[0] >= since_s and step[1] <= 0.5 * POWER_W] == []


HOUR_S, DAY_S = 3600, 24 * 3600
JUMPS_S = (HOUR_S, -HOUR_S, 30 * DAY_S, 0)


def test_wall_clock_jumped(benches: list[Emulated]) -> None:
    """Forwards and back, of the bench's processes alone: it is a label and nothing else (H30)."""
    emulated = benches[0]

    @contextlib.contextmanager
    def application(figure: Figure) -> Iterator[Callable[[], None]]:
        with wall_clock_of(emulated) as ahead, contextlib.ExitStack() as stack:
            live = started(emulated, emulated.steady, figure, stack, TRIALS)
            begin_s, jumps_s = time.monotonic(), itertools.cycle(JUMPS_S)

            def jump() -> None:
                ahead(next(jumps_s))
                time.sleep(0.3)  # longer than a lease
                went_on(emulated, begin_s)
                assert live.control.ask("status")["state"] == "FIRING"

            yield jump
            ahead(DAY_S)
            live.let_go()
            live.state("SAFE")
            assert live.shut() == 0
        seen = verify(live.session)
        assert (seen.ok, seen.closed) == (True, True)
        assert any("was set meanwhile" in note for note in seen.notes)  # it did reach the daemon
        with open_session(live.session) as session:
            assert session.events("trip") == []
            t_s = session.ticks().t_s
        assert (t_s[1:] > t_s[:-1]).all()
        assert t_s[-1] - t_s[0] < 60.0

    judge_going_on("wall clock jumped", TRIALS, application, each=20)


@pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed: apt-get install mosquitto")
def test_broker_killed(benches: list[Emulated], tmp_path: Path) -> None:
    """Telemetry ends, and nothing else; what the broker took with it is asked for again, and STOP comes through it."""
    emulated, folders = benches[0], itertools.count()

    @contextlib.contextmanager
    def application(figure: Figure) -> Iterator[Callable[[], None]]:
        folder = tmp_path / f"{next(folders)}"
        folder.mkdir()
        with contextlib.ExitStack() as stack:
            broker = Broker(folder)
            broker.start()
            stack.callback(broker.stop, kill=True)
            told = {"host": "127.0.0.1", "port": broker.port, "accept_stop": True, "heartbeat_s": 0.5}
            bench = emulated.write("told.yaml", {**emulated.wired_data, "mqtt": told})
            consumer = Consumer(broker.port, f"abl/v1/lab/{emulated.name}")
            stack.callback(consumer.close)
            live = started(emulated, emulated.steady, figure, stack, TRIALS, bench)
            begin_s = time.monotonic()

            def connected() -> bool:
                status = live.control.ask("status")
                assert status["state"] == "FIRING", status["trip"]
                return bool(status["mqtt"]["connected"])

            def kill() -> None:
                wait_for(connected, "the broker to be told of")
                broker.stop(kill=True)
                wait_for(lambda: not connected(), "the publisher to notice")
                time.sleep(0.2)
                broker.start()
                wait_for(connected, "the publisher to come back", 15.0)
                went_on(emulated, begin_s)

            yield kill
            publisher = live.control.ask("status")["mqtt"]["pid"]
            consumer.stop("ann", "enough")
            wait_for(lambda: emulated.log.now_w == 0.0, "0 W", 5.0)
            live.let_go()
            assert live.state("SAFE")["trip"] is None

            def whole() -> bool:
                consumer.ask()
                return not consumer.gaps()

            wait_for(whole, "every batch", 20.0)
            assert live.shut() == 0
            wait_for(lambda: not alive(publisher), "the publisher's end")
            with open_session(live.session) as session:
                assert session.events("trip") == []
                kept = session.ticks().seq.tolist()
            wait_for(lambda: consumer.ticks() == kept, "every tick")
        assert len(kept) > 20

    trials = int(os.environ.get("TRIALS", "3"))  # fewer than of the others: nothing is bound by time here
    judge_going_on("broker killed", trials, application, each=10)
