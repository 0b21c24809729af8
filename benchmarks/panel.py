"""The panel by the clock: ``python -m benchmarks.panel [--presses 200] [--seconds 60] [--minutes 10] [--json]``.

A simulated bench as ``ablate serve`` runs it, and the system's Chromium. STOP: from before the key is sent to the
browser until the emulated generator's power log says 0 W. Sample to picture: from the request that brought a power
reading, at 20 Hz, to the frame that shows it. Viewers: lateness of control ticks with and without them, in turns.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.panels.pixels import WATCH, pixel_ms
from benchmarks.panels.stop import stop_ms
from benchmarks.panels.viewers import turns
from benchmarks.rows import Row, at_most, command
from tests.browser.pages import Pages, chromium
from tests.browser.served import Served

VIEWERS = 20
STOP_MS, PIXEL_MS, ADDED_MS = 150.0, 150.0, 1.0


def _share(values: Sequence[float] | NDArray[np.float64], percent: float) -> float:
    return float(np.percentile(np.asarray(values), percent))


def measured(given: argparse.Namespace) -> Iterator[Row]:
    """The rows, each as soon as it is measured; one of which 0 are wanted is left out."""
    with Served() as bench, chromium() as browser:
        pages = Pages(browser)
        page = pages(bench.link, before=WATCH)
        page.wait_for_function("() => seen.pictures.length > 0")
        if given.presses:
            stops = list(stop_ms(bench, page, given.presses))
            note = f"p50 {_share(stops, 50):.0f}, worst {max(stops):.0f} ms in {given.presses} presses"
            yield at_most("STOP: key to 0 W, p99", _share(stops, 99), "ms", STOP_MS, note)
        if given.seconds:
            to_page, to_picture = pixel_ms(bench, page, given.seconds)
            note = f"p50 {_share(to_picture, 50):.0f}, page p95 {_share(to_page, 95):.0f} ms; {len(to_page)} samples"
            yield at_most("sample to picture, p95", _share(to_picture, 95), "ms", PIXEL_MS, note)
        pages.close()
        if given.minutes:
            alone_s, watched_s, rates_hz = turns(bench, VIEWERS, given.minutes)
            watched, alone = _share(watched_s, 99) * 1e3, _share(alone_s, 99) * 1e3
            note = (
                f"{watched:.2f} with, {alone:.2f} without; {len(watched_s)} ticks; {rates_hz.min():.1f} messages/s each"
            )
            yield at_most(f"{VIEWERS} viewers add to a tick, p99", watched - alone, "ms", ADDED_MS, note)


def main() -> int:
    """Print the table; 1 when a target was missed."""
    return command(
        __doc__,
        measured,
        presses=(int, 200, "of STOP; 0: none"),
        seconds=(float, 60.0, "of samples to pictures; 0: none"),
        minutes=(float, 10.0, "with viewers, and as many without; 0: none"),
    )


if __name__ == "__main__":
    raise SystemExit(main())
