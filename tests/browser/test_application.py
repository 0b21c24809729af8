"""One application by mouse, from the first look to the reset after a trip; what the tissue got says the power log."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import expect

from tests.browser.operator import NOT_LIVE, Operator
from tests.browser.pages import Pages
from tests.browser.served import Served
from tests.process.bench import POWER_W
from tests.process.ends import wait_for

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

STOP_S = 0.5
"""Generous: `benchmarks.panel` measures it on a quiet machine."""


def test_arm_fire_stop(bench: Served, pages: Pages) -> None:
    operator = Operator(pages(bench.link))
    operator.reads("SIMULATED")
    operator.takes_control()
    operator.prepares("steady")
    operator.arms(hold_ms=500)
    assert bench.status()["state"] == "READY"  # let go too early: nothing
    operator.arms()
    operator.sees("ARMED")
    assert bench.log.now_w == 0.0
    operator.fires()
    bench.power()
    wait_for(lambda: abs(float(operator.value("Power")) - POWER_W) < 1.0, "the power on the page", 3.0)
    pressed_s = operator.stops()
    assert bench.off_s(pressed_s) - pressed_s <= STOP_S
    operator.sees("SAFE")
    assert bench.log.most_w(pressed_s + STOP_S, time.monotonic()) == 0.0
    operator.reads("Last application: aborted")


def test_letting_go_ends_it(bench: Served, pages: Pages) -> None:
    operator = Operator(pages(bench.link))
    operator.begins("steady")
    bench.power()
    let_go_s = time.monotonic()
    operator.lets_go()
    assert bench.off_s(let_go_s) - let_go_s <= STOP_S
    operator.sees("SAFE")


def test_trip_acknowledge_reset(bench: Served, pages: Pages) -> None:
    operator = Operator(pages(bench.link))
    operator.begins("steady")
    bench.power()
    begin_s = time.monotonic()
    bench.backdoor(fault="pump.stall")
    bench.off_s(begin_s)
    operator.sees("TRIPPED")
    operator.lets_go()
    card = operator.page.get_by_role("region", name="Alarms").filter(visible=True).first
    expect(card).to_contain_text(re.compile("TRIP H[0-9]+"))
    expect(card).to_contain_text("flow")
    expect(card).to_contain_text("Do: ")
    bench.backdoor(clear="pump.stall")
    operator.button("acknowledge").click()
    wait_for(lambda: not bench.status()["blocked_by"], "coolant that flows again", 10.0)
    operator.button("^reset").click()
    operator.reads("A reset needs a reason")
    assert bench.status()["state"] == "TRIPPED"
    operator.page.get_by_label("Reason of the reset").fill("the tube was kinked")
    operator.button("^reset").click()
    operator.sees("SAFE")
    operator.reads("No alarm")


def test_a_reload_in_the_middle(bench: Served, pages: Pages) -> None:
    """Every word of the state that the page shows meanwhile is looked at: never one that sounds safe."""
    watch = """
      globalThis.words = [];
      addEventListener("DOMContentLoaded", () => new MutationObserver(() =>
        words.push(document.getElementById("state-word").textContent)).observe(
          document.getElementById("state-word"), {childList: true, characterData: true, subtree: true}));
    """
    page = pages(bench.link, before=watch)
    operator = Operator(page)
    with bench.firing():
        operator.sees("FIRING")
        bench.power()
        time.sleep(2.0)
        page.reload()
        first = page.locator("#state-word").inner_text()
        operator.sees("FIRING")
        assert {first, *page.evaluate("words")} <= {NOT_LIVE, "FIRING"}
        span_s = page.evaluate("document.querySelectorAll('canvas').length")
        assert span_s > 0
        assert bench.log.now_w > 0.8 * POWER_W
        operator.reads("READY → ARMED")  # an event of before the reload
    operator.sees("SAFE")
