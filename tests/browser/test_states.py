"""Every state that a bench can be in, as the page shows it: by rules (axe), in every theme, at a desk and on a
telephone, with nothing cut off; and a page that can be shown only in part.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from controller.daemon.prompts import ATTEND
from tests.browser.axe import findings
from tests.browser.gallery import BENCHES
from tests.browser.operator import Operator
from tests.browser.pages import Pages
from tests.browser.showing import Showing
from tests.browser.takes import PROMPT, under_power
from tests.browser.test_eyes import THEMES, fits, wears

pytestmark = [pytest.mark.process, pytest.mark.timeout(180)]

STATES = ("BOOT", "SAFE", "PRECHECK", "READY", "ARMED", "FIRING", ATTEND, "STOPPING", "COOLDOWN", "TRIPPED", "LOCKOUT")
WORDS = {
    "BOOT": "proves that the generator is off",
    ATTEND: "Answer below, or energy ends in [0-9]+",
    "STOPPING": "was told to turn off, and power still flows",
    "TRIPPED": "TRIP H38",
    "LOCKOUT": "POWER FLOWS: use the E-stop",
}
"""What must be read in a state, in which power flows though it must not, or somebody must act."""
CUT = """
() => [...document.querySelectorAll("body *")].filter((node) => {
  const style = getComputedStyle(node);
  return node.checkVisibility() && node.childElementCount === 0 && node.textContent && style.overflowX === "hidden" &&
    node.clientWidth > 1 && node.scrollWidth > node.clientWidth + 1;
}).map((node) => `${node.parentElement.className}/${node.className || node.id}: ${node.textContent}`)
"""
"""Texts that end in dots because there is no room for them."""
TRIPPED_ROW = """
() => {
  const row = document.querySelector(".locks [data-kind=bad]").getBoundingClientRect();
  const list = document.querySelector(".locks").getBoundingClientRect();
  return row.top >= list.top - 1 && row.bottom <= list.bottom + 1;
}
"""


def test_every_state_can_be_read(cooled: Showing, pages: Pages) -> None:
    page = pages(cooled.where.link())
    small = pages(cooled.where.link(viewer=True), width=390, height=844)
    operator = Operator(page)
    operator.takes_control()
    told = []
    for name in STATES:
        state = cooled.show(name)["state"]
        operator.sees(state)
        operator.reads(WORDS.get(name, state))
        for theme in THEMES if name == "LOCKOUT" else (THEMES[len(name) % len(THEMES)],):
            wears(page, theme)
            told += [f"{name}, {theme}: {each}" for each in findings(page)]
        told += [f"{name}: {each}" for each in (*fits(page), *page.evaluate(CUT))]
        if name in ("TRIPPED", "LOCKOUT") and not page.evaluate(TRIPPED_ROW):
            told.append(f"{name}: the interlock that tripped is not in sight")
        Operator(small).sees(state)
        told += [f"{name}, phone: {each}" for each in fits(small)]
        if name in (ATTEND, "LOCKOUT"):
            told += [f"{name}, phone: {each}" for each in findings(small)]
    assert told == []


def test_a_question_to_the_hands_of_an_array(tmp_path: Path, pages: Pages) -> None:
    """Many tines, and one of them unknown: the hottest is not told as if it were the hottest of all."""
    with Showing(under_power(tmp_path, str(BENCHES / "expandable-rf-slim-sim.yaml"), "rita-2cm", 10.0)) as shown:
        page = pages(shown.where.link())
        operator = Operator(page)
        operator.takes_control()
        shown.show(PROMPT)
        operator.reads("Please: deploy the array")
        expect(operator.button("to arm")).to_have_attribute("aria-disabled", "true")
        assert [*findings(page), *fits(page), *page.evaluate(CUT)] == []
        firing = shown.show("FIRING")
        operator.sees("FIRING")
        operator.reads("Tine [0-9], hottest of [0-9]$")
        assert [*findings(page), *fits(page), *page.evaluate(CUT)] == []
        tines = [None, *firing["values"]["tine_c"][1:]]
        shown.daemon.told = {**firing, "values": {**firing["values"], "tine_c": tines}}
        operator.reads(f"hottest of {len(tines) - 1}, 1 UNKNOWN")


def test_a_part_that_cannot_be_drawn_takes_no_other_with_it(cooled: Showing, pages: Pages) -> None:
    """A daemon of another version: what the page cannot show is said, all else goes on, and STOP works."""
    pages.excused = ("TypeError",)
    cooled.show("SAFE")
    operator = Operator(pages(cooled.where.link()))
    operator.sees("SAFE")
    cooled.daemon.told = {**cooled.show("FIRING"), "contacts": {"estop": 5}}
    expect(operator.page.locator("#alerts")).to_contain_text("Part of this page cannot be drawn")
    operator.sees("FIRING")
    expect(operator.page.locator("html")).to_have_attribute("data-live", "yes")
    operator.reads("RF ON")
    asked = len(cooled.daemon.asked)
    operator.page.keyboard.press("Escape")
    operator.page.wait_for_timeout(500)
    assert any(act.startswith("stop") for act in cooled.daemon.asked[asked:])
    cooled.show("READY")
    operator.sees("READY")  # it goes on being drawn
