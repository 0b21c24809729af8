"""What a person does at the panel, in the words that the page uses."""

from __future__ import annotations

import re
import time

from playwright.sync_api import Locator, Page, expect

ARM_MS = 1500
NOT_LIVE = "NOT LIVE"


class Operator:
    """One person before one page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def button(self, name: str) -> Locator:
        """By the name that a screen reader tells."""
        return self.page.get_by_role("button", name=re.compile(name, re.IGNORECASE))

    def sees(self, *states: str, timeout_s: float = 15.0) -> None:
        """Wait until the state in the header is one of these words."""
        word = re.compile(f"^({'|'.join(states)})$")
        expect(self.page.locator("#state-word")).to_have_text(word, timeout=timeout_s * 1e3)

    @property
    def state(self) -> str:
        """The state in the header."""
        return self.page.locator("#state-word").inner_text()

    def reads(self, text: str, timeout_s: float = 10.0) -> None:
        """Wait until the page shows this text."""
        expect(self.page.get_by_text(re.compile(text)).filter(visible=True).first).to_be_visible(
            timeout=timeout_s * 1e3
        )

    def value(self, name: str) -> str:
        """The number on a tile, by its name: ``Power``."""
        tile = self.page.locator(".tile").filter(has=self.page.locator("dt", has_text=re.compile(f"^{name}$")))
        return tile.locator(".value").inner_text()

    def takes_control(self) -> None:
        """Become the one who may act."""
        self.button("take control").click()
        self.reads("This page controls the bench")

    def prepares(self, protocol: str) -> None:
        """Up to READY."""
        self.sees("SAFE")
        self.page.get_by_label("Protocol", exact=True).select_option(protocol)
        self.button("^prepare").click()
        self.sees("READY")

    def arms(self, hold_ms: float = ARM_MS + 250) -> None:
        """Hold the button."""
        self.presses(self.button("to arm"))
        self.page.wait_for_timeout(hold_ms)
        self.page.mouse.up()

    def fires(self) -> None:
        """Press the simulated footswitch, and keep it pressed: the mouse stays down."""
        self.presses(self.button("hold to fire"))
        self.sees("FIRING")

    def begins(self, protocol: str) -> None:
        """From the first look to a pressed footswitch."""
        self.takes_control()
        self.prepares(protocol)
        self.arms()
        self.sees("ARMED")
        self.fires()

    def lets_go(self) -> None:
        """Whatever is held."""
        self.page.mouse.up()

    def presses(self, what: Locator) -> None:
        """Mouse down in the middle of it."""
        what.hover()
        self.page.mouse.down()

    def stops(self) -> float:
        """The STOP button; when, on CLOCK_MONOTONIC, just before."""
        self.page.locator("#stop").hover()
        pressed_s = time.monotonic()
        self.page.mouse.down()
        self.page.mouse.up()
        return pressed_s
