"""The panel in every state, theme and size, and on every simulated bench, as PNG for people to look at:
``python -m tests.browser.gallery --out DIR [states] [BENCH]...``.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from playwright.sync_api import Page

from tests.browser.operator import Operator
from tests.browser.pages import Pages, chromium
from tests.browser.pictures import THEME, kept
from tests.browser.showing import Showing
from tests.browser.takes import PROMPT, every_state, under_power

BENCHES = Path(__file__).parents[2] / "examples" / "benches"
THEMES = ("light", "dark", "dim")
PHONE = (390, 844)
PROTOCOLS = {
    "cooled-rf": "cooled-needle-3cm-12min",
    "expandable-rf": "rita-3cm",
    "expandable-rf-slim": "rita-2cm",
    "expandable-rolloff": "rf3000-3cm",
    "microwave-sairem": "two-antennas-60w-10min",
    "microwave-thermosphere": "thermosphere-45w-150s",
    "multi-probe-rf": "switching-3-needles-12min",
    "rf-chain": "demo-30s",
    "single-needle-rf": "track-ablation-70c",
}
"""A bench, and what is delivered on it."""


def wears(page: Page, theme: str) -> None:
    """Choose a theme, and let it be drawn."""
    page.evaluate(THEME, theme)
    page.wait_for_timeout(250)


def states(pages: Pages, out: Path, folder: Path) -> None:
    """Each state of one bench at a desk in every theme, and as a viewer on a telephone."""
    take = every_state(folder)
    with Showing(take) as shown:
        page = pages(shown.where.link())
        small = pages(shown.where.link(viewer=True), width=PHONE[0], height=PHONE[1])
        Operator(page).takes_control()
        for name in take.seen:
            state = shown.show(name)["state"]
            Operator(page).sees(state)
            Operator(small).sees(state)
            for theme in THEMES:
                wears(page, theme)
                kept(page, out / f"{name}-{theme}.png")
            small.screenshot(path=out / f"{name}-phone.png", full_page=True)
            print(name, flush=True)


def bench(pages: Pages, out: Path, folder: Path, name: str) -> None:
    """A bench at rest, under power, and with what it asks of hands."""
    take = under_power(folder, str(BENCHES / f"{name}-sim.yaml"), PROTOCOLS[name])
    with Showing(take) as shown:
        page = pages(shown.where.link())
        Operator(page).takes_control()
        for told in ("SAFE", "FIRING", PROMPT):
            if told in take.seen:
                Operator(page).sees(shown.show(told)["state"])
                page.wait_for_timeout(800)
                kept(page, out / f"bench-{name}-{told}.png")
        pages.close()
    print(name, list(take.seen), flush=True)


def main() -> None:
    """See the module's text."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("what", nargs="*", default=["states", *PROTOCOLS], help="states, or names of benches")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        pages = Pages(browser)
        for what in given.what:
            with tempfile.TemporaryDirectory() as folder:
                if what == "states":
                    states(pages, given.out, Path(folder))
                else:
                    bench(pages, given.out, Path(folder), what)
            print(*pages.close(), sep="\n")


if __name__ == "__main__":
    main()
