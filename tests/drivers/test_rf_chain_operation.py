"""The chain's amplifier behind an interlock that opens between applications, and state digits that lag behind it."""

from __future__ import annotations

import asyncio
import math

import pytest

from drivers.contract import Refused
from drivers.rf_chain.operation import Operation
from sim.bench import SimBench
from tests.drivers.chained import Run, chain, connected


async def reopened(run: Run, bench: SimBench, gap_s: float) -> None:
    """The end of an application, the line open for ``gap_s``, and the next arming. Polls go on."""
    await run.driver.off()
    bench.set_inputs({"estop_a": False})
    await polled(run, gap_s)
    bench.set_inputs({"estop_a": True})
    run.driver.revoke(run.driver.epoch + 1)


async def fired() -> tuple[SimBench, Run]:
    """A chain after 4 s at 10 W."""
    bench = chain()
    run = Run(bench, await connected(bench))
    await run.follow(10.0, 4.0)
    return bench, run


async def polled(run: Run, for_s: float) -> None:
    for _ in range(round(for_s / 0.1)):
        await asyncio.gather(run.poll(), asyncio.sleep(0.1))


async def until_power(run: Run, power_w: float, at_most_s: float) -> float:
    """Seconds until half the power flows. Whatever is measured on the way is a reading."""
    loop = asyncio.get_running_loop()
    fired_s = loop.time()
    while run.bench.world.forward_w < 0.45 * power_w:
        await run.follow(power_w, 0.05)
        assert not run.bad, f"{run.bad} after {loop.time() - fired_s:.2f} s"
        assert loop.time() - fired_s < at_most_s
    return loop.time() - fired_s


@pytest.mark.virtual
@pytest.mark.parametrize("power_w", [2.0, 10.0, 40.0])
@pytest.mark.parametrize(
    ("lag_s", "gap_s", "at_most_s"),
    [
        (0.0, 0.5, 0.4),
        (1.0, 0.1, 2.9),  # stale digits say "operate": longer than they can lag, 2.5 s
        (1.0, 0.5, 2.9),
        (1.0, 0.9, 2.9),
        (1.0, 1.1, 1.4),  # they say "standby": it is seen to change
        (1.0, 5.0, 1.4),
        (2.4, 0.5, 2.9),
        (2.4, 2.3, 2.9),
        (2.4, 2.5, 2.9),
    ],
)
async def test_a_second_fire_finds_the_amplifier_in_operation(
    power_w: float, lag_s: float, gap_s: float, at_most_s: float
) -> None:
    bench = chain(emulators={"gen-amplifier": {"lag_s": lag_s}})
    run = Run(bench, await connected(bench))
    await until_power(run, power_w, 2.9)
    await run.follow(power_w, 3.0)
    await reopened(run, bench, gap_s)
    assert await until_power(run, power_w, at_most_s) <= run.driver.declaration().response_s
    await run.follow(power_w, 1.0)
    assert run.forward_w[-1] == pytest.approx(power_w, rel=0.05)
    assert not run.bad


@pytest.mark.virtual
@pytest.mark.parametrize("lag_s", [0.0, 0.5, 1.0, 2.4])
@pytest.mark.parametrize("held_s", [0.1, 0.4, 0.9, 1.3, 2.0])
@pytest.mark.parametrize("gap_s", [0.1, 0.3, 0.8, 1.2])
async def test_a_start_that_was_given_up_proves_nothing_for_the_next(lag_s: float, held_s: float, gap_s: float) -> None:
    """Let go before or just after power came: the digits may still show what the first order did."""
    bench = chain(emulators={"gen-amplifier": {"lag_s": lag_s}})
    run = Run(bench, await connected(bench))
    await run.follow(10.0, held_s)
    assert not run.bad
    await reopened(run, bench, gap_s)
    assert await until_power(run, 10.0, 2.9) <= run.driver.declaration().response_s
    await run.follow(10.0, 1.0)
    assert run.forward_w[-1] == pytest.approx(10.0, rel=0.05)
    assert not run.bad


@pytest.mark.virtual
async def test_the_generator_stays_off_while_the_amplifier_does_not_follow() -> None:
    """The digits lag by 1 s, the line stays open: their "operate" of before turns nothing on."""
    bench, run = await fired()
    await reopened(run, bench, 0.5)
    bench.set_inputs({"estop_a": False})
    for _ in range(30):
        await run.follow(10.0, 0.1)
        assert run.told["rf_on"] == 0.0
    assert not run.bad


@pytest.mark.virtual
async def test_pulses_of_one_arming_do_not_wait() -> None:
    _, run = await fired()
    for _ in range(3):
        await run.driver.off()
        await polled(run, 0.3)
        assert await until_power(run, 10.0, 0.3) <= 0.1


@pytest.mark.virtual
@pytest.mark.parametrize("fault", ["gen-meter.voltage.open", "gen-meter.current.open"])
async def test_a_meter_without_a_reading_is_bad_at_its_first_poll_under_power(fault: str) -> None:
    bench, run = await fired()
    await reopened(run, bench, 0.5)
    bench.add_fault(fault)
    loop, on_s = asyncio.get_running_loop(), math.inf
    while not run.bad:
        await run.follow(10.0, 0.05)
        if bench.world.forward_w > 0.0:
            on_s = min(on_s, loop.time())
        assert loop.time() < on_s + 0.15
    assert "power_w" in run.bad


@pytest.mark.virtual
async def test_an_amplifier_that_drops_under_power_is_noticed_and_stays_off() -> None:
    bench, run = await fired()
    await reopened(run, bench, 0.5)
    await until_power(run, 10.0, 2.9)
    bench.emulators["gen-amplifier"].receive(b"RF:OFF\n", bench.now_s())
    await run.poll()
    assert run.bad == {"voltage_v", "current_a", "power_w"}
    await polled(run, 1.2)
    with pytest.raises(Refused, match="went off by itself"):
        await run.driver.apply(run.set_point(10.0))


# ---- arithmetic


def proven(operation: Operation, digits: bool, t_s: float) -> bool:
    operation.seen(digits, t_s)
    return operation.proven


def test_digits_that_do_not_change_prove_after_the_lag() -> None:
    operation = Operation(2.5)
    assert not operation.must_ask(10.0), "nobody wants it"
    assert not proven(operation, True, 10.0)
    operation.want(1)
    assert operation.must_ask(10.1)
    operation.asked(10.1)
    assert not operation.must_ask(11.5), "asked once: it says that it operates"
    assert not proven(operation, True, 12.5)
    assert proven(operation, True, 12.6)
    operation.want(1)
    assert proven(operation, True, 12.7), "the same arming"
    operation.want(2)
    assert not proven(operation, True, 20.0), "another, and not yet asked for"
    assert operation.must_ask(20.1)


def test_digits_that_change_prove_at_once_and_standby_is_asked_again() -> None:
    operation = Operation(2.5)
    operation.want(1)
    operation.asked(10.0)
    assert not proven(operation, False, 10.1)
    assert not operation.must_ask(11.0)
    assert operation.must_ask(11.1)
    assert proven(operation, True, 11.1)
    assert not operation.must_ask(12.5)
    assert not proven(operation, False, 12.6)


def test_an_order_that_was_given_up_proves_nothing() -> None:
    operation = Operation(2.5)
    operation.want(1)
    assert not proven(operation, False, 10.0)
    operation.asked(10.0)
    operation.forgo()
    assert not operation.must_ask(10.4)
    operation.want(2)
    assert not proven(operation, False, 10.5)
    assert operation.must_ask(10.5), "at once, not a second after the order before"
    assert not proven(operation, True, 10.9)
    operation.asked(10.9)
    assert proven(operation, True, 11.0)
    operation.forgo()
    operation.want(2)
    assert proven(operation, True, 11.3), "a pause of one arming"


def test_an_order_to_standby_casts_doubt_and_a_model_without_standby_none() -> None:
    operation = Operation(2.5)
    operation.want(1)
    assert not proven(operation, False, 10.0)
    assert not proven(operation, True, 10.05), "not yet asked for"
    operation.asked(10.06)
    assert proven(operation, True, 10.1)
    operation.doubt()
    assert not proven(operation, True, 10.2)
    always = Operation(None)
    always.want(1)
    assert proven(always, False, 10.0)
    assert not always.must_ask(10.0)
