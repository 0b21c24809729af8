"""The whole path with the keyboard alone, and with the focus in sight all the way."""

from __future__ import annotations

import re
import time

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.look import contrast
from tests.browser.operator import ARM_MS, Operator
from tests.browser.pages import Pages
from tests.browser.served import Served
from tests.browser.showing import Showing
from tests.browser.test_eyes import GRAPHIC, THEMES, wears

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
    page = pages(bench.link)
    operator, keys = Operator(page), page.keyboard
    operator.sees("SAFE")
    goes_to(page, "^ *take control")
    keys.press("Enter")
    operator.reads("This page controls the bench")
    expect(page.locator("#protocol option")).not_to_have_count(1)  # the list has come
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
    operator = Operator(pages(bench.viewer_link))
    with bench.firing():
        operator.sees("FIRING")
        pressed_s = time.monotonic()
        operator.page.keyboard.press("Space")
        assert bench.off_s(pressed_s) - pressed_s <= STOP_S


RING = """
() => {
  const paper = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const over = (colours) => {
    paper.clearRect(0, 0, 1, 1);
    for (const colour of colours) { paper.fillStyle = colour; paper.fillRect(0, 0, 1, 1); }
    return Array.from(paper.getImageData(0, 0, 1, 1).data.slice(0, 3));
  };
  const node = document.activeElement, style = getComputedStyle(node);
  if (node !== document.body && !node.classList.contains("skip")) (globalThis.reached ??= new Set()).add(node);
  const grounds = [];
  for (let at = node.parentElement; at; at = at.parentElement) grounds.unshift(getComputedStyle(at).backgroundColor);
  const name = node.getAttribute("aria-label") || node.labels?.[0]?.textContent || node.textContent || node.id;
  return { name, width_px: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth),
           ring: over([...grounds, style.outlineColor]), ground: over(grounds),
           nothing: node === document.body };
}
"""
"""What has the focus, and how the ring around it stands out from what is behind it."""
WANTED = """
() => [...document.querySelectorAll("a[href], button, input, select, textarea, [tabindex='0']")].filter((node) =>
  node.checkVisibility() && !node.disabled && !node.classList.contains("skip")).length
"""


@pytest.mark.parametrize("view", ["live", "sessions", "protocols", "bench"])
def test_the_focus_reaches_everything_and_is_seen_in_every_theme(cooled: Showing, pages: Pages, view: str) -> None:
    page = pages(cooled.where.link())
    operator = Operator(page)
    operator.takes_control()
    page.get_by_role("link", name=view, exact=False).first.click()
    page.wait_for_load_state("networkidle")
    faint = []
    for theme in THEMES if view == "live" else ("dim",):
        wears(page, theme)
        page.evaluate("globalThis.reached = new Set()")
        wanted = page.evaluate(WANTED)
        for _ in range(wanted + 4):
            page.keyboard.press("Tab")
            told = page.evaluate(RING)
            if told["nothing"]:
                continue  # once around
            ratio = contrast(np.array(told["ring"], float), np.array(told["ground"], float))
            if told["width_px"] < 2 or ratio < GRAPHIC:
                faint.append(f"{theme}: {told['name'].strip()!r}: {told['width_px']} px, {ratio:.2f}")
        assert page.evaluate("reached.size") >= wanted, f"{theme}: not all are reached"
    assert faint == []


def test_the_help_lists_every_key(cooled: Showing, pages: Pages) -> None:
    page = pages(cooled.where.link())
    Operator(page).takes_control()
    keys = set(
        page.locator("[aria-keyshortcuts]").evaluate_all(
            "all => all.map((node) => node.getAttribute('aria-keyshortcuts'))"
        )
    )
    page.keyboard.press("?")
    told = page.get_by_role("dialog").locator("dt").all_inner_texts()
    assert keys == {"Escape", "A", "E", "?"}
    for key in keys:
        assert any(key.replace("Escape", "Esc") in each.split() for each in told), (key, told)
