"""Accessibility rules (axe-core) run in a page."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page

GRAVE = ("serious", "critical")
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


def findings(page: Page, impacts: tuple[str, ...] = GRAVE) -> list[str]:
    """What is wrong with the page as it is now, a line each: impact, rule, element, what to mend."""
    told: dict[str, Any] = Axe().run(page, options={"runOnly": {"type": "tag", "values": list(RULES)}}).response
    assert told["passes"], "no rule looked at anything"
    return [
        f"{found['impact']}: {found['id']}: {node['html'][:120]}: {node['failureSummary']}"
        for found in told["violations"]
        if found["impact"] in impacts
        for node in found["nodes"]
    ]
