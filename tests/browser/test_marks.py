"""What somebody sees, kept in the record with the moment in which he saw it."""

from __future__ import annotations

import ast
import time

import pytest
from playwright.sync_api import expect

from tests.browser.operator import Operator
from tests.browser.pages import Pages
from tests.browser.served import Served
from tests.browser.showing import Showing

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

WORDS = "vapour at the tract, and Eve saw it too"
NOTE = "note mark "


def test_a_mark_is_of_the_moment_of_its_key(cooled: Showing, pages: Pages) -> None:
    page = pages(cooled.where.link())
    operator = Operator(page)
    operator.sees("SAFE")
    page.keyboard.press("e")
    operator.reads("Take control first")
    operator.takes_control()
    page.keyboard.press("e")
    box = page.get_by_role("dialog", name="Mark what you see")
    text = box.get_by_label("What you see")
    expect(text).to_be_focused()
    assert text.input_value() == ""  # not the key itself
    page.wait_for_timeout(1500)
    page.keyboard.type(WORDS)
    assert text.input_value() == WORDS
    page.keyboard.press("Enter")
    expect(box).to_have_count(0)
    operator.reads(f"Marked: {WORDS}")
    (mark,) = (ast.literal_eval(act.removeprefix(NOTE)) for act in cooled.daemon.asked if act.startswith(NOTE))
    assert mark["text"] == WORDS
    assert 1.5 <= mark["ago_s"] < 60.0


def test_a_mark_without_words_is_none_and_escape_is_stop(cooled: Showing, pages: Pages) -> None:
    page = pages(cooled.where.link())
    operator = Operator(page)
    operator.takes_control()
    operator.button("mark what you see").click()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    operator.reads("taken")
    assert cooled.daemon.asked == ["stop panel: Esc"]


def test_a_mark_while_a_hand_holds_the_button_lets_nothing_go(bench: Served, pages: Pages) -> None:
    page = pages(bench.link)
    operator, before = Operator(page), len(bench.events("mark"))
    operator.begins("steady")
    bench.power()
    page.keyboard.press("e")
    expect(page.get_by_role("list", name="Events")).to_contain_text("marked: seen while firing; no words")
    assert bench.status()["state"] == "FIRING"
    assert page.get_by_role("dialog").count() == 0
    pressed_s = time.monotonic()
    operator.lets_go()
    bench.off_s(pressed_s)
    assert len(bench.events("mark")) == before + 1
