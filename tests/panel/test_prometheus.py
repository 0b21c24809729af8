"""Prometheus itself, where it is installed, follows the manual's page and stores what the panel tells."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from tests.mqtt.broker import free_port
from tests.panel.prometheus import Family
from tests.panel.rig import TOKENS, Rig, rigged
from tests.panel.scraping import Looked, Seen, manual, scraped

PROMETHEUS, PROMTOOL = shutil.which("prometheus"), shutil.which("promtool")
WITHIN_S = 60.0
ADDED = {"job": "openablate", "site": "liver-lab", "bench": "cooled-rf"}

pytestmark = pytest.mark.skipif(
    PROMETHEUS is None or PROMTOOL is None, reason="Prometheus is not installed: apt-get install prometheus"
)

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Server:
    """A Prometheus that runs."""

    def __init__(self, port: int, client: aiohttp.ClientSession) -> None:
        self._url, self._client = f"http://127.0.0.1:{port}/api/v1/query", client

    async def query(self, text: str) -> Series:
        """Values by name and labels, the latter without what Prometheus adds by itself and by the manual's page."""
        async with self._client.get(self._url, params={"query": text}) as answer:
            answer.raise_for_status()
            found: dict[str, Any] = await answer.json()
        assert found["status"] == "success", found
        told: Series = {}
        for each in found["data"]["result"]:
            labels = dict(each["metric"])
            name = labels.pop("__name__", "")  # a quantile has none
            del labels["instance"]
            assert {key: labels.pop(key) for key in ADDED} == ADDED
            told[name, frozenset(labels.items())] = float(each["value"][1])
        return told

    async def until(self, text: str, holds: Callable[[Series], bool]) -> Series:
        """Ask until the answer is as it should be."""
        found: object = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WITHIN_S):
                while True:
                    try:
                        found = await self.query(text)
                    except aiohttp.ClientError as error:  # it is about to listen, or answers 503 until it is ready
                        found = error
                    else:
                        if holds(found):
                            return found
                    await asyncio.sleep(0.1)
        raise AssertionError(f"{text} is {found!r}")


@contextlib.asynccontextmanager
async def scraping(rig: Rig, folder: Path, repository: Path) -> AsyncIterator[Server]:
    """The manual's configuration, but for its target, the token's place (``folder``/token) and how often it asks."""
    data = manual(repository)
    (job,) = data["scrape_configs"]
    job["scrape_interval"] = "200ms"
    job["authorization"]["credentials_file"] = str(folder / "token")
    job["static_configs"][0]["targets"] = [rig.origin.removeprefix("http://")]
    config, port = folder / "prometheus.yml", free_port()
    config.write_text(yaml.safe_dump(data))
    given = (
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'db'}",
        f"--web.listen-address=127.0.0.1:{port}",
    )
    assert PROMETHEUS is not None
    with (folder / "log").open("w") as log:
        server = await asyncio.create_subprocess_exec(PROMETHEUS, *given, stdout=log, stderr=log)
    try:
        async with aiohttp.ClientSession() as client:
            yield Server(port, client)
    finally:
        server.terminate()
        await server.wait()


def samples(families: dict[str, Family]) -> Series:
    """All of a page; a label without a value is none, and one that is added too is the added one."""
    return {
        (name, frozenset(label for label in labels if label[1] and label[0] not in ADDED)): value
        for family in families.values()
        for (name, labels), value in family.samples.items()
    }


def one(value: float) -> Callable[[Series], bool]:
    """A single series of this value."""
    return lambda found: list(found.values()) == [value]


async def judged(page: bytes) -> tuple[int | None, bytes]:
    """Exit code and words of ``promtool check metrics``."""
    assert PROMTOOL is not None
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        PROMTOOL, "check", "metrics", stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.STDOUT
    )
    told, _ = await process.communicate(page)
    return process.returncode, told


async def test_it_stores_all_that_the_panel_tells(
    short_dir: Path, tmp_path: Path, repository: Path, seen: Seen, now: None
) -> None:
    (tmp_path / "token").write_text(f"{TOKENS.viewer}\n")  # as the manual's command writes it
    async with rigged(short_dir, operator=Looked(seen)) as rig, scraping(rig, tmp_path, repository) as server:
        await server.until("openablate_up", one(1.0))
        told = samples(await scraped(rig))
        stored = await server.query('{__name__=~"openablate_.+"}')
        (late_s,) = (await server.query("histogram_quantile(0.99, openablate_tick_lateness_seconds_bucket)")).values()
    assert stored.keys() == told.keys() and len(stored) > 100
    assert {key for key in told if stored[key] != told[key]} <= {("openablate_ticks_total", frozenset())}
    assert 0.0 <= late_s < 1.0


async def test_a_token_of_the_next_start_needs_no_start_of_prometheus(
    short_dir: Path, tmp_path: Path, repository: Path, seen: Seen, now: None
) -> None:
    token = tmp_path / "token"
    token.write_text("of-the-start-before\n")
    async with rigged(short_dir, operator=Looked(seen)) as rig, scraping(rig, tmp_path, repository) as server:
        await server.until("up", one(0.0))
        assert await server.query("openablate_up") == {}
        token.write_text(f"{TOKENS.viewer}\n")
        await server.until("openablate_up", one(1.0))


async def test_its_own_judge_finds_nothing_against_the_page(short_dir: Path, seen: Seen, now: None) -> None:
    async with rigged(short_dir, operator=Looked(seen)) as rig:
        headers = {"Authorization": f"Bearer {TOKENS.viewer}"}
        async with rig.client.get(f"{rig.origin}/metrics", headers=headers) as answer:
            page = await answer.read()
    assert await judged(page) == (0, b"")
    assert (await judged(page + b"openablate_x 1\n"))[0] == 3  # it does look
