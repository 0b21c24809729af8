"""`ablate demo` as a newcomer starts it: its panel while it runs, its report when it is over."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from controller.beside_panel import Where, where
from tests.browser.axe import findings
from tests.browser.operator import Operator
from tests.browser.pages import Pages
from tests.process.bench import Emulated
from tests.process.ends import wait_for

pytestmark = [pytest.mark.process, pytest.mark.timeout(180)]


def test_from_demo_to_the_report(pages: Pages) -> None:
    pages.excused = ("WebSocket", "ERR_CONNECTION")
    with Emulated(serve=False) as home:
        process = home.ablate("demo", "--no-open")

        def panel() -> Where | None:
            assert process.poll() is None, process.communicate()
            files = home.runtime.rglob("panel.json")
            return next(filter(None, (where(file.parent) for file in files)), None)

        try:
            page = pages(wait_for(panel, "the panel", 60.0).link())
            operator = Operator(page)
            expect(page.locator("#banner")).to_contain_text("SIMULATED")
            operator.sees("FIRING", timeout_s=30.0)
            wait_for(lambda: float(operator.value("Power")) > 50.0, "power on the page", 20.0)
            expect(page.get_by_role("list", name=re.compile("Events"))).to_contain_text("ARMED → FIRING")
            operator.sees("COOLDOWN", "SAFE", "NOT LIVE", timeout_s=60.0)
            out, err = process.communicate(timeout=60)
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()
        assert process.returncode == 0, err
        report = next((home.folder / "demo-out").rglob("*.html"))
        assert report.name in out + err
        shown = pages(report.resolve().as_uri())
        expect(shown.locator("body")).to_contain_text("SIMULATED")
        expect(shown.locator("body")).to_contain_text("completed")
        assert findings(shown) == []
