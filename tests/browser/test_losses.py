"""What is lost, and what must not be: a panel that is killed, frozen or flooded touches no tick; a page that hears
nothing says so.
"""

from __future__ import annotations

import concurrent.futures
import os
import re
import signal
import time
import urllib.error
import urllib.request

import pytest
from playwright.sync_api import expect

from controller.beside_panel import Where
from tests.browser.operator import NOT_LIVE, Operator
from tests.browser.pages import Pages
from tests.browser.served import Served
from tests.process.bench import POWER_W
from tests.process.ends import alive, wait_for

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

OFFLINE = ("WebSocket connection", "ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "Failed to load resource")


def punctual(bench: Served, before: dict[str, float]) -> None:
    """The daemon's loop went on as if nothing had happened."""
    after = bench.status()
    assert after["state"] == "FIRING"
    assert after["ticks"] - before["ticks"] > 20
    assert after["late_ticks"] - before["late_ticks"] <= 1  # one for the machine
    assert bench.log.now_w > 0.8 * POWER_W


def test_a_frozen_panel_makes_a_grey_page(bench: Served, pages: Pages) -> None:
    page = pages(bench.link)
    operator = Operator(page)
    root = page.locator("html")
    with bench.firing():
        operator.sees("FIRING")
        expect(root).to_have_attribute("data-live", "yes")
        before, frozen_s = bench.status(), time.monotonic()
        os.kill(bench.panel.pid, signal.SIGSTOP)
        expect(root).to_have_attribute("data-live", re.compile("stale|no"))
        assert 0.4 < time.monotonic() - frozen_s < 1.5
        operator.sees(NOT_LIVE)
        operator.reads("last word: FIRING")
        operator.reads(r"[0-9.]+\ss old")
        page.wait_for_timeout(500)
        punctual(bench, before)
        os.kill(bench.panel.pid, signal.SIGCONT)
        operator.sees("FIRING")
        expect(root).to_have_attribute("data-live", "yes")


def test_a_flooded_panel(bench: Served) -> None:
    panel = bench.panel
    with bench.firing():
        before, until_s = bench.status(), time.monotonic() + 2.0
        with concurrent.futures.ThreadPoolExecutor(8, thread_name_prefix="flood") as pool:
            asked = sum(pool.map(lambda _: _flood(panel, until_s), range(8)))
        punctual(bench, before)
    assert asked > 200


def _flood(panel: Where, until_s: float) -> int:
    asked = 0
    while time.monotonic() < until_s:
        request = urllib.request.Request(
            f"{panel.url.rstrip('/')}/api/v1/status", headers={"Authorization": f"Bearer {panel.viewer_token}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=5.0) as answer:
                answer.read()
        except urllib.error.HTTPError as error:
            error.close()  # told to come back later
        asked += 1
    return asked


def test_a_killed_panel(bench: Served, pages: Pages) -> None:
    """The application goes on; the page does not look as if it still knew anything, and finds the next panel."""
    pages.excused = OFFLINE
    operator = Operator(pages(bench.link))
    root, pid = operator.page.locator("html"), bench.panel.pid
    with bench.firing():
        operator.sees("FIRING")
        before = bench.status()
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not alive(pid), "the panel's end")
        expect(root).to_have_attribute("data-live", re.compile("stale|no"))
        wait_for(lambda: bench.panel.pid != pid, "another panel", 20.0)
        operator.sees("FIRING")
        expect(root).to_have_attribute("data-live", "yes")
        operator.reads("READY → ARMED")  # of before
        punctual(bench, before)


def test_a_daemon_that_is_gone(bench: Served, pages: Pages) -> None:
    """STOP is not delivered, and the page says so."""
    pages.excused = OFFLINE
    operator = Operator(pages(bench.link))
    operator.sees("SAFE")
    frozen = [bench.pids.watchdog, bench.pids.daemon]
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    try:
        operator.sees(NOT_LIVE, timeout_s=5.0)
        operator.page.keyboard.press("Escape")
        operator.reads("STOP WAS NOT DELIVERED")
    finally:
        for pid in reversed(frozen):
            os.kill(pid, signal.SIGCONT)
    bench.cut()
