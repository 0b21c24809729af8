"""The system's Chromium, and pages in it that must not complain."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE_S = 10.0
LOCAL = ("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:", "file:")


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """The browser; none is ever downloaded. Raises RuntimeError on a machine without one."""
    if CHROMIUM is None:
        raise RuntimeError("no Chromium on this machine: apt install chromium")
    expect.set_options(timeout=PATIENCE_S * 1000)
    with tempfile.TemporaryDirectory(prefix="abl-home-", ignore_cleanup_errors=True) as home, sync_playwright() as play:
        environment: dict[str, Any] = {**os.environ, "HOME": home}
        browser = play.chromium.launch(executable_path=CHROMIUM, args=ARGS, env=environment)
        yield browser
        browser.close()


class Pages:
    """Opens pages, each as another person with a browser of his own would, and listens to what they complain of."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []
        self.excused: tuple[str, ...] = ()
        """Parts of complaints that are expected."""

    def __call__(
        self, url: str, *, width: int = 1280, height: int = 720, before: str | None = None, **options: Any
    ) -> Page:
        """A new page at ``url``. ``before``: a script that runs first; ``options``: of Playwright's ``new_context``."""
        context = self._browser.new_context(
            viewport={"width": width, "height": height}, **{"color_scheme": "light", **options}
        )
        context.set_default_timeout(PATIENCE_S * 1000)
        self._contexts.append(context)
        if before is not None:
            context.add_init_script(before)
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(f"exception: {error}"))
        page.on("console", self._console)
        page.on("request", self._request)
        page.goto(url)
        return page

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith(LOCAL):
            self.complaints.append(f"asked the network for {request.url}")

    def close(self) -> list[str]:
        """Close them all; the complaints that were not excused."""
        for context in self._contexts:
            context.close()
        told, self._contexts, self.complaints = self.complaints, [], []
        return [each for each in told if not any(part in each for part in self.excused)]
