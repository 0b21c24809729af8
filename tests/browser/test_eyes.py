"""What can be seen and read: by rules (axe), without scrolling, by colour-blind eyes and in grey, as numbers."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import findings
from tests.browser.look import EYES, LINES, PLOTS, as_seen, contrast
from tests.browser.operator import Operator
from tests.browser.pages import Pages
from tests.browser.served import Served

pytestmark = [pytest.mark.process, pytest.mark.timeout(180)]

VIEWS = ("live", "sessions", "protocols", "bench")
THEMES = ("light", "dark", "dim")
GRAPHIC = 3.0
"""Contrast that WCAG 2.2 asks of what must be seen to understand a picture (1.4.11)."""


def wears(page: Page, theme: str) -> None:
    """Choose a theme."""
    page.get_by_label("Theme").select_option(theme)
    expect(page.locator("html")).to_have_attribute("data-theme", theme)


def goes(page: Page, view: str) -> None:
    """Choose a view, and wait for what it shows."""
    page.evaluate("view => { location.hash = view }", view)
    expect(page.locator(f"nav a[data-view={view}]")).to_have_attribute("aria-current", "page")
    expect(page.get_by_text("loading", exact=True)).to_have_count(0)
    page.wait_for_load_state("networkidle")


def test_no_grave_finding(bench: Served, pages: Pages) -> None:
    page = pages(bench.link)
    Operator(page).sees("SAFE")
    told = []
    for view, theme in [*((view, "light") for view in VIEWS), ("live", "dark"), ("live", "dim"), ("sessions", "dark")]:
        wears(page, theme)
        goes(page, view)
        told += [f"{view}, {theme}: {each}" for each in findings(page)]
    wears(page, "light")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    told += [f"help: {each}" for each in findings(page)]
    assert told == []


def test_no_grave_finding_under_power(bench: Served, pages: Pages) -> None:
    page = pages(bench.link)
    operator = Operator(page)
    with bench.firing():
        operator.sees("FIRING")
        assert fits(page) == []
        assert findings(page) == []
        assert operator.state == "FIRING"


def test_no_grave_finding_after_a_trip(bench: Served, pages: Pages) -> None:
    page = pages(bench.link)
    operator = Operator(page)
    operator.takes_control()
    with bench.firing():
        bench.backdoor(fault="pump.stall")
        operator.sees("TRIPPED")
    bench.backdoor(clear="pump.stall")
    operator.sees("TRIPPED")
    for theme in THEMES:
        wears(page, theme)
        assert fits(page) == [], theme
        assert findings(page) == [], theme


def fits(page: Page) -> list[str]:
    """What is wrong with the page's extent: it scrolls, or STOP is not where it belongs."""
    size = page.viewport_size
    assert size is not None
    extent = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
    told = []
    if extent[0] > size["width"] or (size["width"] >= 1280 and extent[1] > size["height"]):
        told.append(f"the page of {extent} scrolls in a window of {size}")
    stop = page.locator("#stop").bounding_box()
    assert stop is not None
    if stop["width"] < 60 or stop["height"] < 60:
        told.append(f"STOP is small: {stop}")
    if stop["y"] < 0 or stop["y"] + stop["height"] > size["height"] or stop["x"] + stop["width"] > size["width"]:
        told.append(f"STOP is out of sight: {stop}")
    near: list[str] = page.evaluate(NEAR, 100 if size["width"] >= 1280 else 24)
    return told + [f"{name} is near STOP" for name in near]


NEAR = """
(distance) => {
  const stop = document.getElementById("stop"), own = stop.getBoundingClientRect();
  return [...document.querySelectorAll("a[href], button, input, select, textarea")].filter((node) => {
    const box = node.getBoundingClientRect();
    if (node === stop || !box.width || !node.checkVisibility()) return false;
    const gap = [own.left - box.right, box.left - own.right, own.top - box.bottom, box.top - own.bottom];
    return Math.max(...gap) < distance;
  }).map((node) => node.textContent || node.id);
}
"""


@pytest.mark.parametrize("size", [(1280, 720), (390, 844)], ids=["desk", "phone"])
def test_no_scrolling_at_rest(bench: Served, pages: Pages, size: tuple[int, int]) -> None:
    page = pages(bench.viewer_link, width=size[0], height=size[1])
    Operator(page).sees("SAFE")
    for view in VIEWS if size[0] >= 1280 else ("live",):
        goes(page, view)
        assert fits(page) == [], view


def test_nothing_moves_for_whoever_asked_for_that(bench: Served, pages: Pages) -> None:
    page = pages(bench.viewer_link, reduced_motion="reduce")
    Operator(page).sees("SAFE")
    with bench.firing():
        Operator(page).sees("FIRING")
        assert page.evaluate("document.getAnimations().filter((a) => a.playState === 'running').length") == 0


def test_lines_are_told_apart(bench: Served, pages: Pages) -> None:
    """By dash within each chart, by contrast against its ground in every theme, also colour-blind and in grey."""
    page = pages(bench.viewer_link, before=PLOTS)
    operator = Operator(page)
    drawn: dict[str, tuple[str, list[list[dict[str, Any]]]]] = {}
    with bench.firing():
        operator.sees("FIRING")
        page.wait_for_timeout(1500)
        for theme in THEMES:
            wears(page, theme)
            page.wait_for_timeout(300)
            ground = page.evaluate("getComputedStyle(document.querySelector('section.chart')).backgroundColor")
            drawn[theme] = (ground, page.evaluate(LINES))
        dashes = page.evaluate(ON_CANVAS)
    charts = drawn["light"][1]
    assert len(charts) >= 4 and max(map(len, charts)) >= 4
    for chart in charts:
        assert all(line["label"] for line in chart)
        for one, other in itertools.combinations(chart, 2):
            assert one["dash"] != other["dash"], f"{one['label']} and {other['label']} have the same dash"
    assert {tuple(dash) for dash in dashes} >= {
        tuple(line["dash"]) for chart in charts for line in chart if line["dash"]
    }
    faint = []
    patch = pages("about:blank")
    for (theme, (ground, lines)), eyes in itertools.product(drawn.items(), EYES):
        colours = {f"{number} {line['label']}": line["colour"] for number, chart in enumerate(lines) for line in chart}
        seen = as_seen(patch, {"ground": ground, **colours}, eyes)
        for name in colours:
            ratio = contrast(seen[name], seen["ground"])
            if ratio < GRAPHIC:
                faint.append(f"{theme}, {eyes}: {name} {ratio:.2f}")
    assert faint == []


ON_CANVAS = """
(() => {
  const seen = [];
  const plain = CanvasRenderingContext2D.prototype.setLineDash;
  CanvasRenderingContext2D.prototype.setLineDash = function (dash) {
    seen.push(Array.from(dash, (part) => Math.round(part / devicePixelRatio)));
    return plain.call(this, dash);
  };
  return new Promise((tell) => setTimeout(() => {
    CanvasRenderingContext2D.prototype.setLineDash = plain;
    tell([...new Set(seen.map((dash) => JSON.stringify(dash)))].map((dash) => JSON.parse(dash)));
  }, 1000));
})()
"""
"""Which dashes the charts are really drawn with within a second."""


def test_the_power_line_is_in_the_picture(bench: Served, pages: Pages) -> None:
    """Pixels of the chart itself: the line of the measured power has its colour, and is broken by nothing."""
    page = pages(bench.viewer_link, before=PLOTS)
    with bench.firing():
        Operator(page).sees("FIRING")
        page.wait_for_timeout(3000)
        told = page.evaluate(PIXELS)
    columns = np.array(told["columns"])
    assert columns.size > 10
    assert columns.mean() > 0.9


PIXELS = """
(() => {
  const plot = plots.find((plot) => plot.root.isConnected && plot.series.some((series) => series.label === "measured"));
  const line = plot.series.find((series) => series.label === "measured");
  const colour = typeof line.stroke === "function" ? line.stroke(plot) : line.stroke;
  const { left, top, width, height } = plot.bbox;
  const paper = new OffscreenCanvas(1, 1).getContext("2d");
  paper.fillStyle = colour;
  paper.fillRect(0, 0, 1, 1);
  const [r, g, b] = paper.getImageData(0, 0, 1, 1).data;
  const image = plot.ctx.getImageData(left, top, width, height);
  const end = plot.data[0].at(-1);
  const [first, last] = [end - 2.5, end - 0.3].map((t_s) => Math.round(plot.valToPos(t_s, "x", true) - left));
  const columns = [];
  for (let x = first; x < last; x++) {
    let found = false;
    for (let y = 0; y < image.height && !found; y++) {
      const at = 4 * (y * image.width + x);
      found = image.data[at + 3] > 128 &&
        Math.abs(image.data[at] - r) + Math.abs(image.data[at + 1] - g) + Math.abs(image.data[at + 2] - b) < 60;
    }
    columns.push(found ? 1 : 0);
  }
  return { columns };
})()
"""
