"""The emulated footswitch: a foot that is not kept there slips off, whoever pressed it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sim.backdoor import answer
from sim.bench import FOOT_S, SimBench
from sim.devices.resistor import Resistor
from tests.sim_devices.test_bench import BENCH

pytestmark = pytest.mark.virtual

RELEASED, PRESSED = {"foot_no": False, "foot_nc": True}, {"foot_no": True, "foot_nc": False}
ROLE = ["inputs.foot_no_closed", "inputs.foot_nc_closed"]


@pytest.fixture
async def bench() -> AsyncIterator[SimBench]:
    made = SimBench({**BENCH, "roles": {"footswitch": ROLE}}, world=Resistor())
    made.start(asyncio.get_running_loop())
    yield made
    made.stop()


def asked(bench: SimBench, pressed: object) -> dict[str, Any]:
    return answer(bench, json.dumps({"foot": pressed}).encode())


def contacts(bench: SimBench) -> dict[str, bool]:
    return {name: closed for name, closed in bench.world.inputs.items() if name.startswith("foot")}


async def test_it_slips_off_after_0_3_s(bench: SimBench) -> None:
    assert asked(bench, True)["ok"]
    assert contacts(bench) == PRESSED
    await asyncio.sleep(FOOT_S - 0.01)
    assert contacts(bench) == PRESSED
    await asyncio.sleep(0.02)
    assert contacts(bench) == RELEASED


async def test_it_stays_while_it_is_said_again(bench: SimBench) -> None:
    for _ in range(20):
        asked(bench, True)
        await asyncio.sleep(0.1)
        assert contacts(bench) == PRESSED
    asked(bench, False)
    assert contacts(bench) == RELEASED
    await asyncio.sleep(1.0)
    assert contacts(bench) == RELEASED


async def test_what_is_no_press_lets_go(bench: SimBench) -> None:
    asked(bench, True)
    assert asked(bench, "true")["ok"]
    assert contacts(bench) == RELEASED


@pytest.mark.parametrize("role", [[], ["gen.power_w"]])
async def test_a_bench_without_one_says_so(role: list[str]) -> None:
    bench = SimBench({**BENCH, "roles": {"footswitch": role}}, world=Resistor())
    told = asked(bench, True)
    assert told["ok"] is False
    assert "footswitch" in told["error"] or "no contact 'power_w'" in told["error"]


async def test_contacts_with_other_names() -> None:
    inputs = {"driver": "numato-gpio", "port": "sim://inputs", "options": {"pins": {"pedal_closed": 0}}}
    devices = {**BENCH["devices"], "inputs": inputs}
    bench = SimBench({"devices": devices, "roles": {"footswitch": ["inputs.pedal_closed"]}}, world=Resistor())
    assert asked(bench, True)["ok"]
    assert bench.world.inputs["pedal"] is True
