"""Kill, stop and hang every process that takes part, 20 times each: how long until the tissue receives nothing."""

from __future__ import annotations

import signal
import time

import pytest

from controller.records.reader import open_session
from controller.records.verify import verify
from safety.types import Trip
from tests.process.bench import Emulated, Live, signals
from tests.process.ends import alive, kill, wait_for
from tests.process.trials import FIGURES, TRIALS, Fault, Figure, by_watchdog, judge, latched

pytestmark = [pytest.mark.process, pytest.mark.timeout(15 * TRIALS)]

TICK_S = 0.05
LEASE_S = 0.220
"""What the watchdog may leave to a daemon that says nothing, and 20 ms for the cut."""
HUNG = frozenset({("H24", "lease")})


def kill_daemon(live: Live) -> float:
    begin_s, live.dying_s = kill(live.pids.daemon)
    return begin_s


def stop_daemon(live: Live) -> float:
    return signals([live.pids.daemon], signal.SIGSTOP)


def killed_not_thawed(live: Live, begin_s: float) -> Trip:
    """The frozen daemon was killed: nothing is left that could be thawed."""
    trip = by_watchdog(live, begin_s)
    wait_for(lambda: not alive(live.pids.daemon), "the daemon's end")
    return trip


def ordered(name: str) -> Fault:
    def inject(live: Live) -> float:
        return live.emulated.order(name)

    return Fault(name, LEASE_S, inject, by_watchdog, HUNG, unruly=True)


def recorded_to_the_last(live: Live, begin_s: float) -> Trip:
    """The session file opens, verifies, and lacks nothing that is older than 100 ms."""
    trip = by_watchdog(live, begin_s)
    seen = verify(live.session)
    assert seen.ok and not seen.closed
    assert seen.t_durable_s is not None
    LACKING_S.append(max(0.0, begin_s - (seen.t_durable_s + TICK_S)))
    return trip


LACKING_S: list[float] = []
"""How old the first tick was, at the kill, that is not in the file."""


def test_daemon_killed(benches: list[Emulated]) -> None:
    causes = frozenset({("H23", "death")})
    judge(benches[:1], Fault("daemon killed", 0.020, kill_daemon, recorded_to_the_last, causes))
    FIGURES["record"] = Figure("kill -9: the record lacks", 0.100, LACKING_S)
    assert max(LACKING_S) <= 0.100


def test_daemon_stopped(benches: list[Emulated]) -> None:
    judge(benches[:2], Fault("daemon stopped", LEASE_S, stop_daemon, killed_not_thawed, HUNG))


def test_event_loop_blocked(benches: list[Emulated]) -> None:
    judge(benches[:2], ordered("block_loop"))


def test_gil_held(benches: list[Emulated]) -> None:
    judge(benches[:2], ordered("hold_gil"))


def test_await_of_the_tick_lost(benches: list[Emulated]) -> None:
    judge(benches[:2], ordered("lose_wakeup"))


def lose_replies(live: Live) -> float:
    time.sleep(0.2)  # no set-point is on its way any more
    return live.emulated.order("lose_replies")


def locked(live: Live, begin_s: float) -> Trip:
    """The daemon cannot prove off, and says so until it is ended; the watchdog then proves it by its own descriptor."""
    live.state("LOCKOUT")
    trip = latched(live.emulated)
    signals([live.pids.watchdog], signal.SIGTERM)
    assert live.ended() == 75
    assert "off is proven" in live.last_words
    return trip


def test_await_of_every_reply_lost(benches: list[Emulated]) -> None:
    """The ticks go on and see samples grow old, as on a link that drops (250 ms and a tick); off cannot be sent, so it
    is the enable line that takes the energy away."""
    causes = frozenset({("H15", "staleness")})
    judge(benches, Fault("every reply lost", 0.300, lose_replies, locked, causes, unruly=True))


def kill_watchdog(live: Live) -> float:
    return signals([live.pids.watchdog], signal.SIGKILL)


def tripped_and_recorded(live: Live, begin_s: float) -> Trip:
    """The daemon lives on, tripped; it says so in the session file, and ends when it is asked to."""
    trip = latched(live.emulated)
    told = live.state("TRIPPED")["trip"]
    assert (told["hazard"], told["text"]) == (trip.hazard, trip.text)
    live.shut()
    wait_for(lambda: not alive(live.pids.daemon), "the daemon's end")
    with open_session(live.session) as session:
        event, *_ = session.events("trip")  # the first cause; samples may grow old behind it
        assert session.closed
    assert (event.data["hazard"], event.data["monitor"]) == (trip.hazard, trip.monitor)
    assert 0.0 <= event.t_s - begin_s <= 0.2
    return trip


def test_watchdog_killed(benches: list[Emulated]) -> None:
    causes = frozenset({("H27", "watchdog")})
    judge(benches[:2], Fault("watchdog killed", 0.300, kill_watchdog, tripped_and_recorded, causes))


def stop_watchdog(live: Live) -> float:
    return signals([live.pids.watchdog], signal.SIGSTOP)


def tripped_and_thawed(live: Live, begin_s: float) -> Trip:
    """The daemon alone turned off; the watchdog wakes up and brings nothing back."""
    live.state("TRIPPED", "LOCKOUT")
    signals([live.pids.watchdog], signal.SIGCONT)
    time.sleep(0.3)
    assert live.emulated.log.now_w == 0.0
    return latched(live.emulated)


def test_watchdog_stopped(benches: list[Emulated]) -> None:
    """It says nothing for 0.2 s, and the daemon needs a tick."""
    causes = frozenset({("H27", "watchdog")})
    judge(benches[:2], Fault("watchdog stopped", 0.300, stop_watchdog, tripped_and_thawed, causes))


def stop_both(live: Live) -> float:
    return signals([live.pids.watchdog, live.pids.daemon], signal.SIGSTOP)


def thawed(live: Live, begin_s: float) -> Trip:
    """First the daemon alone wakes up, then the watchdog: neither brings the energy back."""
    signals([live.pids.daemon], signal.SIGCONT)
    time.sleep(0.3)
    assert live.emulated.log.now_w == 0.0
    signals([live.pids.watchdog], signal.SIGCONT)
    return by_watchdog(live, begin_s)


def test_both_stopped_and_thawed(benches: list[Emulated]) -> None:
    """Nobody is left: the generator's own dead-man of 2 s, and the relay's."""
    # The daemon wakes up first and knows why; where it has not said so before the watchdog wakes up, that one does.
    causes = frozenset({("H29", "cadence"), ("H25", "lease"), ("H24", "lease")})
    figure = judge(benches, Fault("daemon and watchdog stopped", 2.200, stop_both, thawed, causes))
    assert min(figure.times_s) >= 1.5  # it was the dead-man and nobody else
