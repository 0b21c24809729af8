"""From a new sample to the picture that shows it."""

from __future__ import annotations

import bisect
import math
import sqlite3
import time
from typing import Any

from playwright.sync_api import Page

from tests.browser.served import Served

WATCH = """
(() => {
  const seen = (globalThis.seen = { messages: [], pictures: [] });
  const Plain = globalThis.WebSocket;
  globalThis.WebSocket = class extends Plain {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", (event) => {
        const told = JSON.parse(event.data);
        if (told.status) seen.messages.push([told.status.ticks, performance.now()]);
      });
    }
  };
  const stroke = CanvasRenderingContext2D.prototype.stroke;
  let drawn = 0;
  CanvasRenderingContext2D.prototype.stroke = function (...given) {
    const known = seen.messages.length;
    if (known > drawn) {
      drawn = known;
      requestAnimationFrame(() => seen.pictures.push([known, performance.now()]));
    }
    return stroke.apply(this, given);
  };
})();
"""
"""Runs before the page's own scripts. A picture: how many messages the page had when it drew on a chart, and when the
next picture began, by which time this one was handed over."""


def offset_s(page: Page) -> float:
    """What is added to the page's clock (s) to get this process's CLOCK_MONOTONIC; within half a round trip, 1 ms."""
    best = (math.inf, 0.0)
    for _ in range(30):
        before_s = time.monotonic()
        there_s = float(page.evaluate("performance.now()")) / 1e3
        after_s = time.monotonic()
        best = min(best, (after_s - before_s, (before_s + after_s) / 2 - there_s))
    return best[1]


def pixel_ms(bench: Served, page: Page, seconds: float) -> tuple[list[float], list[float]]:
    """Milliseconds from the request that brought a power reading, over `seconds` of firing: to the page, to the
    picture that shows it.

    ``page`` was opened with :data:`WATCH`.
    """
    with bench.firing():
        begin_s = time.monotonic()
        page.wait_for_timeout(seconds * 1e3)
        end_s = time.monotonic()
        seen: dict[str, Any] = page.evaluate("seen")
        session, shift_s = bench.session, offset_s(page)
    ticks = [tick for tick, _ in seen["messages"]]
    known = [count for count, _ in seen["pictures"]]
    to_page, to_picture = [], []
    for tick, asked_s in _power_samples(session, begin_s + 1.0, end_s - 1.0):
        message = bisect.bisect_left(ticks, tick)
        to_page.append((seen["messages"][message][1] / 1e3 + shift_s - asked_s) * 1e3)
        picture = bisect.bisect_left(known, message + 1)
        to_picture.append((seen["pictures"][picture][1] / 1e3 + shift_s - asked_s) * 1e3)
    return to_page, to_picture


def _power_samples(session: object, begin_s: float, end_s: float) -> list[tuple[int, float]]:
    """(first tick that saw it, when it was asked for) of each power reading between two moments."""
    with sqlite3.connect(f"file:{session}?mode=ro", uri=True) as file:
        return file.execute(
            "SELECT tick, t_request_s FROM samples JOIN channels ON channels.id = channel"
            " WHERE name = 'gen.power_w' AND t_request_s BETWEEN ? AND ? ORDER BY samples.id",
            (begin_s, end_s),
        ).fetchall()
