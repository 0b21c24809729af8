"""A cable is pulled under power, on real processes: the port is gone, and so is the energy. Put back, it brings nothing
back."""

from __future__ import annotations

import time

import pytest

from safety import latch
from tests.process.bench import Emulated, firing
from tests.process.ends import wait_for

pytestmark = pytest.mark.process

LOST, UNSENT, UNREAD = ("H15", "link"), ("H22", "apply"), ("H06", "enable")


@pytest.mark.parametrize(
    ("device", "causes", "state", "within_s"),
    [
        ("gen", {LOST, UNSENT}, "LOCKOUT", 0.3),  # the enable line takes the energy away; nobody can prove it
        ("pump", {LOST}, "TRIPPED", 0.3),
        ("tc", {LOST}, "TRIPPED", 0.3),
        ("flow", {LOST}, "TRIPPED", 0.3),
        ("inputs", {LOST}, "TRIPPED", 0.3),
        ("enable", {UNREAD}, "TRIPPED", 0.75),  # its last answer counts for 0.5 s; then the generator is turned off
    ],
)
def test_a_pulled_cable_ends_the_energy_and_put_back_brings_none(
    emulated: Emulated, device: str, causes: set[tuple[str, str]], state: str, within_s: float
) -> None:
    with firing(emulated) as live:
        begin_s = time.monotonic()
        emulated.backdoor(fault=f"{device}.link.disconnect")
        try:
            wait_for(lambda: emulated.log.now_w == 0.0, "0 W", 5.0)
            live.state(state)
        finally:
            emulated.backdoor(clear=f"{device}.link.disconnect")
        trip = latch.parse(emulated.latch.read_text(), emulated.name)
        time.sleep(1.0)
        assert live.control.ask("status")["state"] == state
        off_s = emulated.log.off_s(begin_s)
    assert trip is not None
    assert (trip.hazard, trip.monitor) in causes
    assert trip.device == device
    assert off_s is not None
    assert off_s - begin_s <= within_s
