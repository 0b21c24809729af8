"""From the press of a key to zero power at the simulated generator."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

from playwright.sync_api import Page

from tests.browser.served import Served

GONE_S = 5.0


def stop_ms(bench: Served, page: Page, presses: int) -> Iterator[float]:
    """Milliseconds from before the Escape key is sent to the browser until the generator's last watt, one a press.

    Both ends on CLOCK_MONOTONIC: this process's, and the one in the emulator's power log.

    An application that the machine's load ends before the key is pressed is repeated.

    Raises:
        AssertionError: no power when the key was pressed, or power still 5 s later.
    """
    drawn = random.Random(1)
    for _ in range(presses):
        while True:
            try:
                yield _press_ms(bench, page, drawn.uniform(0.1, 0.3))  # anywhere between two ticks
                break
            except AssertionError:
                if not bench.overloaded():
                    raise
                bench.settle()


def _press_ms(bench: Served, page: Page, wait_s: float) -> float:
    with bench.firing():
        time.sleep(wait_s)
        assert bench.log.now_w > 0.0, "power ended before the key was pressed"
        pressed_s = time.monotonic()
        page.keyboard.press("Escape")
        return (bench.off_s(pressed_s, GONE_S) - pressed_s) * 1e3
