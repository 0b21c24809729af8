"""The whole path with the keyboard alone, and with the focus in sight all the way."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page

from tests.browser.operator import ARM_MS, Operator
from tests.browser.pages import Pages
from tests.browser.served import Served

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

STOP_S = 0.5
MOST_TABS = 60
FOCUSED = """
() => {
  const node = document.activeElement, style = getComputedStyle(node);
  const labels = [...(node.labels ?? [])].map((label) => label.textContent);
  return [[node.getAttribute("aria-label") ?? "", ...labels, node.textContent].join(" "),
          (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none"];
}
"""


def goes_to(page: Page, name: str) -> None:
    """Tab to the control of this name."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        text, seen = page.evaluate(FOCUSED)
        if page.evaluate("document.activeElement === document.body"):
            continue  # once around
        assert seen, f"the focus is not in sight on {text!r}"
        if re.search(name, text, re.IGNORECASE):
            return
    raise AssertionError(f"no {name!r} within {MOST_TABS} tabs")


def test_the_whole_path(bench: Served, pages: Pages) -> None:
    page = pages(bench.panel.link)
    operator, keys = Operator(page), page.keyboard
    operator.sees("SAFE")
    goes_to(page, "^ *take control")
    keys.press("Enter")
    operator.reads("This page controls the bench")
    goes_to(page, "^ *protocol *choose")
    keys.type("steady")
    goes_to(page, "^ *prepare")
    keys.press("Enter")
    operator.sees("READY")
    keys.down("a")
    page.wait_for_timeout(ARM_MS + 250)
    keys.up("a")
    operator.sees("ARMED")
    keys.press("Space")  # starts nothing
    goes_to(page, "to fire")
    assert bench.status()["state"] == "ARMED"
    keys.down("Enter")
    operator.sees("FIRING")
    bench.power()
    pressed_s = time.monotonic()
    keys.press("Escape")
    assert bench.off_s(pressed_s) - pressed_s <= STOP_S
    keys.up("Enter")
    operator.sees("SAFE")


def test_space_stops_while_power_flows(bench: Served, pages: Pages) -> None:
    operator = Operator(pages(bench.panel.viewer_link))
    with bench.firing():
        operator.sees("FIRING")
        pressed_s = time.monotonic()
        operator.page.keyboard.press("Space")
        assert bench.off_s(pressed_s) - pressed_s <= STOP_S
