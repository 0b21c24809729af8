"""From an application that is over to its page, its report and its playback; STOP stays the bench's."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.axe import findings
from tests.browser.operator import Operator
from tests.browser.pages import Pages
from tests.browser.served import Served
from tests.process.bench import protocol

pytestmark = [pytest.mark.process, pytest.mark.timeout(180)]

STOP_S = 0.5


@pytest.fixture
def brief(bench: Served) -> Path:
    """A protocol of two seconds."""
    return bench.write("brief.yaml", protocol("brief", "constant-power", duration_s=2.0))


def test_from_the_application_to_its_report(bench: Served, pages: Pages, brief: Path) -> None:
    page = pages(bench.link)
    operator = Operator(page)
    with bench.firing(brief):
        bench.reach("COOLDOWN", "SAFE")
    operator.reads("Last application: completed")
    page.get_by_role("link", name="Sessions").click()
    table = page.get_by_role("region", name="Sessions, the newest first")
    expect(table).to_contain_text("brief")
    table.get_by_role("link").first.click()
    expect(page).to_have_url(re.compile("#sessions/."))
    expect(page.get_by_role("region", name="Facts of the session")).to_contain_text("completed")
    assert findings(page) == []
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Report").click()
    report = opened.value
    report.wait_for_load_state()
    expect(report.locator("body")).to_contain_text("brief")
    expect(report.locator("body")).to_contain_text("completed")


def test_playback(bench: Served, pages: Pages, brief: Path) -> None:
    """What is played looks like a replay, never like the bench; a STOP meanwhile is the bench's."""
    page = pages(bench.link)
    operator = Operator(page)
    operator.takes_control()
    with bench.firing(brief):
        bench.reach("COOLDOWN", "SAFE")
    with bench.firing():
        page.get_by_role("link", name="Sessions").click()
        page.get_by_role("button", name=re.compile("^play ")).first.click()
        banner = page.locator("#banner")
        expect(banner).to_contain_text("REPLAY of session")
        expect(banner).to_contain_text("The bench itself now: FIRING")
        expect(page.get_by_role("button", name="Prepare")).to_be_hidden()
        expect(page.get_by_role("button", name="Take control")).to_be_hidden()
        page.get_by_label("to FIRE").click()
        operator.sees("REPLAY: FIRING", "REPLAY: ARMED")
        pressed_s = time.monotonic()
        page.keyboard.press("Escape")
        assert bench.off_s(pressed_s) - pressed_s <= STOP_S
        expect(banner).to_contain_text(re.compile("The bench itself now: (STOPPING|COOLDOWN|SAFE)"))
    operator.button("back to the bench").click()
    operator.sees("SAFE")
    expect(banner).to_contain_text("SIMULATED")
