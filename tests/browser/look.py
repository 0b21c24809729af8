"""What eyes see, as numbers: pictures of a page, also as colour-blind eyes see them; lightness and contrast."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Mapping
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Locator, Page

Pixels = NDArray[np.float64]
"""Red, green and blue in the last axis, 0-255, as in sRGB."""

EYES = ("none", "deuteranopia", "protanopia", "achromatopsia")
"""As Chromium's developer tools name them; the last is grey-scale."""


@contextlib.contextmanager
def seen_with(page: Page, eyes: str) -> Iterator[None]:
    """The page as these eyes see it, for screenshots."""
    link = page.context.new_cdp_session(page)
    link.send("Emulation.setEmulatedVisionDeficiency", {"type": eyes})
    try:
        yield
    finally:
        link.send("Emulation.setEmulatedVisionDeficiency", {"type": "none"})
        link.detach()


def picture(what: Page | Locator) -> Pixels:
    """A screenshot, shape (height, width, 3)."""
    return np.asarray(Image.open(io.BytesIO(what.screenshot())).convert("RGB"), dtype=np.float64)


def as_seen(page: Page, colours: Mapping[str, str], eyes: str) -> dict[str, Pixels]:
    """What becomes of CSS colours before these eyes. ``page`` is used up."""
    page.set_content("<body style='margin:0'></body>")
    page.evaluate(
        """colours => colours.forEach(colour => {
             const patch = document.body.appendChild(document.createElement('div'));
             patch.style.cssText = `height:8px;width:8px;background:${colour}`; })""",
        list(colours.values()),
    )
    with seen_with(page, eyes):
        column = picture(page)[:, 4]
    return {name: column[8 * row + 4] for row, name in enumerate(colours)}


def luminance(colour: Pixels) -> NDArray[np.float64]:
    """Relative luminance, 0-1, as WCAG 2.2 defines it."""
    share = np.asarray(colour) / 255.0
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear @ np.array([0.2126, 0.7152, 0.0722]))


def contrast(one: Pixels, other: Pixels) -> float:
    """WCAG's contrast ratio, 1 to 21."""
    low, high = sorted((float(luminance(one)), float(luminance(other))))
    return (high + 0.05) / (low + 0.05)


def near(image: Pixels, colour: Pixels, within: float) -> NDArray[np.bool_]:
    """Which pixels have this colour, each of its three parts to ``within``."""
    return np.asarray(np.abs(image - colour).max(axis=-1) <= within)


def runs(columns: NDArray[np.bool_]) -> tuple[list[int], list[int]]:
    """Lengths of the dashes, and of the gaps between two of them, in pixels along a line."""
    lengths = [(bool(drawn), len(list(group))) for drawn, group in groupby(columns.tolist())]
    inner = lengths[1:-1]  # the outer ones are cut off by the picture's ends
    return [n for drawn, n in inner if drawn], [n for drawn, n in inner if not drawn]


PLOTS = """
globalThis.plots = [];
(() => {
  let Plot;
  Object.defineProperty(globalThis, "uPlot", {
    configurable: true,
    get: () => Plot,
    set: (Plain) => {
      Plot = class extends Plain {
        constructor(...given) {
          super(...given);
          plots.push(this);
        }
      };
      Object.assign(Plot, Plain);
    },
  });
})();
"""
"""Runs before the page's own scripts: every chart that it makes is in ``plots``."""

LINES = """
plots.filter((plot) => plot.root.isConnected).map((plot) => plot.series.slice(1).map((series, i) => ({
  label: series.label,
  colour: typeof series.stroke === "function" ? series.stroke(plot, i + 1) : series.stroke,
  dash: series.dash ?? [],
  t_s: Array.from(plot.data[0]),
  values: Array.from(plot.data[i + 1]),
})))
"""
"""What the charts on the page draw, a list a chart."""
