"""The pictures of README and docs, from the real panel on the simulated bench: ``python -m tests.browser.pictures --out
DIR [--at-s 20]``. Panel while power flows, light, 1280 x 720, and the same in the dark theme.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

from tests.browser.operator import Operator
from tests.browser.pages import Pages, chromium
from tests.browser.served import Served

BENCH = "cooled-rf"
PROTOCOL = "demo-30s"
MOST_BYTES = 150_000


def kept(page: Page, path: Path) -> int:
    """Write a screenshot as PNG, with as many colours as fit in :data:`MOST_BYTES`; its size."""
    whole = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    for colours in (None, 256, 128, 64):
        image = whole if colours is None else whole.quantize(colours, dither=Image.Dither.NONE)
        image.save(path, optimize=True)
        if path.stat().st_size <= MOST_BYTES:
            break
    return path.stat().st_size


def main() -> None:
    """See the module's text."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--at-s", type=float, default=20.0, help="seconds after power began (default 20)")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    with Served(BENCH) as bench, chromium() as browser:
        pages = Pages(browser)
        page = pages(bench.link)
        operator = Operator(page)
        operator.takes_control()
        operator.prepares(PROTOCOL)
        operator.arms()
        operator.sees("ARMED")
        operator.fires()
        bench.power()
        page.wait_for_timeout(given.at_s * 1e3)
        for theme, name in (("light", "panel.png"), ("dark", "panel-dark.png")):
            page.evaluate(THEME, theme)
            page.wait_for_timeout(400)
            print(f"{given.out / name}: {kept(page, given.out / name)} bytes, {operator.state}")
        operator.lets_go()
        pages.close()


THEME = """theme => {
  const choice = document.getElementById("theme");
  choice.value = theme;
  choice.dispatchEvent(new Event("change"));
}"""
"""By a script: the mouse holds the footswitch."""


if __name__ == "__main__":
    main()
