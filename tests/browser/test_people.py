"""Several people at one bench: one acts, all look, everybody stops."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.operator import Operator
from tests.browser.pages import Pages
from tests.browser.served import Served

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

STOP_S = 0.5


def test_one_controls_the_others_look(bench: Served, pages: Pages) -> None:
    one, other = Operator(pages(bench.link)), Operator(pages(bench.link))
    one.takes_control()
    other.reads("In control: another page")
    expect(other.button("^prepare")).to_be_disabled()
    one.prepares("steady")
    other.sees("READY")
    other.takes_control()
    one.reads("In control: another page")
    one.arms()
    assert bench.status()["state"] == "READY"  # nothing that the former one does acts any more
    other.arms()
    one.sees("ARMED")


def test_who_fires_lets_go_when_control_is_taken(bench: Served, pages: Pages) -> None:
    one, other = Operator(pages(bench.link)), Operator(pages(bench.link))
    one.takes_control()
    one.prepares("steady")
    one.arms()
    one.sees("ARMED")
    one.fires()
    bench.power()
    begin_s = _now()
    other.takes_control()
    bench.off_s(begin_s)
    other.sees("SAFE")


@pytest.mark.parametrize("where", ["page", "dialog", "input", "button", "other view"])
def test_stop_from_a_viewer(bench: Served, pages: Pages, where: str) -> None:
    viewer = Operator(pages(bench.viewer_link))
    viewer.reads("may look and STOP")
    with bench.firing():
        viewer.sees("FIRING")
        _go(viewer.page, where)
        pressed_s = _now()
        if where == "button":
            pressed_s = viewer.stops()
        else:
            viewer.page.keyboard.press("Escape")
        assert bench.off_s(pressed_s) - pressed_s <= STOP_S
    viewer.sees("SAFE")


def _go(page: Page, where: str) -> None:
    if where == "dialog":
        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_be_visible()
    elif where == "input":
        page.get_by_label("Theme").focus()
    elif where == "other view":
        page.get_by_role("link", name="Sessions").click()
        expect(page).to_have_url(re.compile("#sessions"))


def _now() -> float:
    import time

    return time.monotonic()
