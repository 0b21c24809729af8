"""What a panel is asked by whoever scrapes it: a daemon that has something to tell, and the manual's configuration."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from tests.panel.prometheus import Family, read
from tests.panel.rig import TOKENS, Daemon, Rig

Seen = tuple[dict[str, Any], dict[str, Any]]


class Looked(Daemon):
    """One that tells ``seen``. ``looks`` counts how often."""

    def __init__(self, seen: Seen) -> None:
        super().__init__()
        self.told, self.channels, self.looks = *seen, 0

    async def look(self) -> dict[str, Any]:
        self.looks += 1
        return self.channels


async def scraped(rig: Rig, token: str = TOKENS.viewer) -> dict[str, Family]:
    """What Prometheus would store."""
    url, headers = f"{rig.origin}/metrics", {"Authorization": f"Bearer {token}"}
    async with rig.client.get(url, headers=headers) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        return read(await answer.text())


def manual(repository: Path) -> dict[str, Any]:
    """The configuration in docs/panel-api.md."""
    (block,) = re.findall(
        r"```yaml\n(scrape_configs:.*?)```", (repository / "docs" / "panel-api.md").read_text(), re.DOTALL
    )
    data: dict[str, Any] = yaml.safe_load(block)
    return data
