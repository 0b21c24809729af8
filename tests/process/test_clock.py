"""The wall clock jumps under power, forwards and back (H30): it is a label and nothing else.

Sets the clock of the whole machine for some seconds, and so runs only where ``CLOCK_MAY_JUMP=1`` says that it may.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator

import pytest

from controller.records.reader import open_session
from controller.records.verify import verify
from tests.process.bench import POWER_W, Emulated, firing

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(os.environ.get("CLOCK_MAY_JUMP") != "1", reason="sets the machine's clock: CLOCK_MAY_JUMP=1"),
]

HOUR_S = 3600.0


@contextlib.contextmanager
def wall_clock() -> Iterator[Callable[[float], None]]:
    """Gives what sets the clock so many seconds ahead of the true time; in the end it is right again."""
    apart_s = time.time() - time.monotonic()

    def ahead(seconds: float) -> None:
        time.clock_settime(time.CLOCK_REALTIME, time.monotonic() + apart_s + seconds)

    try:
        yield ahead
    finally:
        ahead(0.0)


def test_power_and_record_go_on_over_every_jump(emulated: Emulated) -> None:
    with firing(emulated) as live:
        begin_s = time.monotonic()
        with wall_clock() as ahead:
            for seconds in (HOUR_S, -HOUR_S, 30 * 24 * HOUR_S, 0.0):
                ahead(seconds)
                time.sleep(0.6)
                assert emulated.log.now_w > 0.8 * POWER_W
                assert live.control.ask("status")["state"] == "FIRING"
        assert emulated.log.off_s(begin_s) is None
        live.let_go()
        live.state("SAFE")
        assert live.shut() == 0
    seen = verify(live.session)
    assert (seen.ok, seen.closed) == (True, True)
    with open_session(live.session) as session:
        assert session.events("trip") == []
        t_s = session.ticks().t_s
    assert (t_s[1:] > t_s[:-1]).all()
    assert t_s[-1] - t_s[0] < 60.0
