"""The real thing: ``ablate serve`` on the emulated bench and its panel, judged by the emulated generator's own log."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from controller.beside_panel import Where
from controller.panel.server import FURTHER, PORT
from tests.browser.served import Served
from tests.docs.blocks import ROOT, blocks
from tests.panel.rig import Page
from tests.process.ends import alive, wait_for
from tests.process.test_listening import on_the_network

pytestmark = pytest.mark.process

ME = "operator-1"
PRESS_S = 0.1


@pytest.fixture(scope="module")
def bench() -> Iterator[Served]:
    with Served() as bench:
        yield bench


@pytest.fixture
def served(bench: Served) -> Served:
    """The module's bench, in SAFE."""
    bench.settle()
    return bench


class Operator:
    """A page that controls, as a program."""

    def __init__(self, panel: Where, http: aiohttp.ClientSession) -> None:
        self._panel, self._http = panel, http
        self._headers = {"Authorization": f"Bearer {panel.token}", "X-Client": ME}
        self.page: Page

    async def post(self, act: str, **body: Any) -> dict[str, Any]:
        url = f"{self._panel.url}api/v1/{act}"
        async with self._http.post(url, json=body, headers=self._headers) as answer:
            told: dict[str, Any] = await answer.json()
            return told

    async def look(self, client: str = ME, token: str | None = None) -> Page:
        page = await self._http.ws_connect(f"{self._panel.url}api/v1/stream")
        assert isinstance(page, Page)
        await page.send_json({"type": "hello", "token": token or self._panel.token, "client": client})
        return page

    async def until(self, state: str, *, press: bool = False, within_s: float = 20.0) -> dict[str, Any]:
        """Look until ``state``; with ``press`` the foot stays on the footswitch."""
        pressed_s = 0.0
        async with asyncio.timeout(within_s):
            while True:
                status: dict[str, Any] = (await self.page.told("status"))["status"]
                if status["state"] == state:
                    return status
                assert status["trip"] is None, status["trip"]
                if press and time.monotonic() - pressed_s >= PRESS_S:
                    pressed_s = time.monotonic()
                    await self.page.send_json({"type": "foot", "pressed": True})

    async def fire(self, served: Served) -> None:
        """Take control, prepare, arm, press until power flows, and half a second more."""
        assert (await self.post("control/take"))["ok"]
        told = await self.post("prepare", protocol=str(served.steady))
        assert told["ok"], told
        await self.until("READY")
        told = await self.post("arm")
        assert told["ok"], told
        await self.until("FIRING", press=True)
        until_s, flows_s = time.monotonic() + 10.0, float("inf")
        while time.monotonic() < min(until_s, flows_s + 0.5):
            await self.page.send_json({"type": "foot", "pressed": True})
            await asyncio.sleep(PRESS_S)
            if served.log.now_w > 10.0:
                flows_s = min(flows_s, time.monotonic())
        assert served.log.now_w > 10.0, served.status()


def at_the_panel(served: Served) -> Any:
    """A session of a program with the panel."""
    return aiohttp.ClientSession(ws_response_class=Page)


async def test_prepare_arm_foot_stop(served: Served) -> None:
    async with at_the_panel(served) as http:
        operator = Operator(served.panel, http)
        operator.page = await operator.look()
        await operator.fire(served)
        looker = await operator.look("looker", served.panel.viewer_token)
        await looker.told("snapshot")
        stopped_s = time.monotonic()
        await looker.send_json({"type": "stop", "reason": "smoke"})
        assert (await looker.told("answer"))["ok"]
        wait_for(lambda: served.log.off_s(stopped_s), "0 W", 2.0)
        off_s = served.log.off_s(stopped_s)
        assert off_s is not None
        assert off_s - stopped_s < 0.5  # figures: benchmarks; here the machine may be busy
        assert (await operator.until("SAFE"))["trip"] is None
        await looker.close()
        await operator.page.close()


async def test_a_page_that_goes_away_lets_go_of_the_footswitch(served: Served) -> None:
    async with at_the_panel(served) as http:
        operator = Operator(served.panel, http)
        operator.page = await operator.look()
        await operator.fire(served)
        gone_s = time.monotonic()
        await operator.page.close()
        wait_for(lambda: served.log.off_s(gone_s), "0 W", 2.0)


async def test_a_panel_that_dies_ends_the_hold_and_not_the_bench(served: Served) -> None:
    """It is killed with the foot on the switch: the foot slips off by itself, and the same link works again."""
    before = served.panel
    async with at_the_panel(served) as http:
        operator = Operator(before, http)
        operator.page = await operator.look()
        await operator.fire(served)
        ticks = served.status()
        killed_s = time.monotonic()
        os.kill(before.pid, signal.SIGKILL)
        wait_for(lambda: served.log.off_s(killed_s), "0 W", 2.0)

        def again() -> bool:
            try:
                return served.panel.pid != before.pid
            except (OSError, ValueError):
                return False

        wait_for(again, "another panel", 20.0)
        assert served.panel._replace(pid=0) == before._replace(pid=0)
        page = await operator.look("again")
        told = await page.told("snapshot")
        while told["status"] is None or not told["history"]["t_s"]:
            told = await page.told("snapshot")
        assert max(value for value in told["history"]["power_w"] if value is not None) > 10.0  # its past is in the file
        assert told["status"]["pids"] == ticks["pids"]
        await page.close()
    assert "the panel has died (exit code -9); the bench goes on" in served.words


def test_only_the_panel_listens_and_only_here(served: Served) -> None:
    panel, pids = served.panel, served.status()["pids"]
    assert PORT <= panel.port <= PORT + FURTHER
    assert on_the_network(panel.pid) == [f"tcp 0100007F:{panel.port:04X}"]
    assert [on_the_network(pids[name]) for name in ("daemon", "watchdog")] == [[], []]
    path = served.runtime / served.name / "panel.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.getpriority(os.PRIO_PROCESS, panel.pid) > os.getpriority(os.PRIO_PROCESS, pids["daemon"])


def told(served: Served, *argv: str) -> tuple[int, str, str]:
    process = served.ablate(*argv)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


def test_the_link_is_told(served: Served) -> None:
    assert told(served, "panel", "--no-open") == (0, f"{served.link}\n", "")
    assert told(served, "panel", "--viewer", "--bench", served.name)[1] == f"{served.viewer_link}\n"
    code, out, _ = told(served, "panel", "--json")
    assert (code, json.loads(out)["link"]) == (0, served.link)
    assert f"panel {served.panel.url} (link: ablate panel)" in told(served, "status")[1]
    code, _, err = told(served, "panel", "--bench", "another")
    assert (code, err.startswith("ablate: no bench is running")) == (7, True)


def test_the_client_of_the_page(served: Served, tmp_path: Path) -> None:
    """docs/panel-api.md, as it is printed."""
    (block,) = [b for b in blocks(ROOT / "docs" / "panel-api.md") if b.language == "python"]
    command = tmp_path / "ablate"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m controller "$@"\n')
    command.chmod(0o755)
    environment = {**served.environment, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", block.text], env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as client:
        assert client.stdout is not None
        lines = [client.stdout.readline() for _ in range(3)]
        client.kill()
        assert lines == ["SAFE 0.0\n"] * 3, client.communicate()


def test_a_port_in_use_is_a_sentence(served: Served) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        argv = ["-P", "-m", "controller.panel", "--bench-file", "cooled-rf-sim", "--runtime-dir", str(served.folder)]
        command = [sys.executable, *argv, "--port", str(port)]
        found = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert found.returncode == 4
    assert found.stderr == (
        f"panel: port {port} cannot be listened on (Address already in use); name another one, or leave --port away\n"
    )


def test_z_the_bench_takes_its_panel_along(served: Served) -> None:
    panel = served.panel
    assert served.end() in (130, 0)
    assert not alive(panel.pid)
    assert not (served.runtime / served.name / "panel.json").exists()
