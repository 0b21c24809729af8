"""The control socket: who may hold, and what happens when they go."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from controller.client import Client, Unreachable
from controller.daemon.control import ControlSocket


class Recorder:
    """An operator that only writes down what was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.released = asyncio.Event()

    async def _note(self, what: str) -> dict[str, Any]:
        self.asked.append(what)
        return {"ok": True}

    async def status(self) -> dict[str, Any]:
        return {"ok": True, "state": "SAFE"}

    async def prepare(
        self,
        protocol: str,
        who: str,
        *,
        resume: bool = False,
        however_old: bool = False,
        site: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        return await self._note(f"prepare {protocol} {resume} {however_old} {site}")

    async def ask(
        self, kind: str, text: str, value: float | None = None, unit: str = "mm", who: str = ""
    ) -> dict[str, Any]:
        return await self._note(f"ask {kind} {text} {value} {unit}")

    async def confirm(self, prompt_id: int | None, who: str, value: float | None = None) -> dict[str, Any]:
        return await self._note(f"confirm {prompt_id} {value}")

    async def note(self, kind: str, data: dict[str, Any], who: str = "") -> dict[str, Any]:
        return await self._note(f"note {kind} {data}")

    async def bag(self, who: str, bag_ml: float | None = None) -> dict[str, Any]:
        return await self._note(f"bag {bag_ml}")

    async def arm(self, who: str) -> dict[str, Any]:
        return await self._note("arm")

    async def fire(self, who: str) -> dict[str, Any]:
        return await self._note("fire")

    async def renew(self) -> dict[str, Any]:
        return await self._note("renew")

    async def release(self) -> dict[str, Any]:
        self.released.set()
        return await self._note("release")

    async def stop(self, who: str, reason: str) -> dict[str, Any]:
        return await self._note(f"stop {reason}")

    async def ack(self, who: str) -> dict[str, Any]:
        return await self._note("ack")

    async def reset(self, who: str, reason: str) -> dict[str, Any]:
        return await self._note(f"reset {reason}")

    async def shutdown(self, who: str) -> dict[str, Any]:
        return await self._note("shutdown")


@pytest.fixture
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("s") / "c.sock"


async def test_only_the_connection_that_fired_can_renew_and_its_end_releases(path: Path) -> None:
    operator = Recorder()
    server = ControlSocket(operator, path)
    await server.start()
    assert os.stat(path).st_mode & 0o777 == 0o600
    holder, other = await Client.connect(path), await Client.connect(path)
    assert (await holder.fire())["ok"]
    assert not (await other.renew())["ok"]
    assert (await holder.renew())["ok"]
    await other.close()
    assert (await holder.renew())["ok"]
    assert not operator.released.is_set()
    await holder.close()
    await asyncio.wait_for(operator.released.wait(), 2.0)
    assert operator.asked == ["fire", "renew", "renew", "release"]
    await server.close()


async def test_every_act_arrives_as_it_was_meant(path: Path) -> None:
    operator = Recorder()
    server = ControlSocket(operator, path)
    await server.start()
    client = await Client.connect(path)
    await client.prepare("p", resume=True, site={"target": "t1"})
    await client.ask("reposition", "there")
    await client.confirm()
    await client.confirm(3, value=22.5)
    await client.note("plan", {"plan": "p"})
    await client.bag()
    await client.bag(bag_ml=3000.0)
    assert operator.asked == [
        "prepare p True False {'target': 't1'}",
        "ask reposition there None mm",
        "confirm None None",
        "confirm 3 22.5",
        "note plan {'plan': 'p'}",
        "bag None",
        "bag 3000.0",
    ]
    for wrong in ("3", True, [1]):
        assert "is no number" in (await client.send("confirm", prompt=wrong))["error"]
        assert "is no number" in (await client.send("bag", bag_ml=wrong))["error"]
    await client.close()
    await server.close()


async def test_babble_is_answered_and_unknown_verbs_do_nothing(path: Path) -> None:
    operator = Recorder()
    server = ControlSocket(operator, path)
    await server.start()
    reader, writer = await asyncio.open_unix_connection(path)
    for line in (b"\xff\x00\n", b"[1]\n", b'{"verb": "set_power", "power_w": 200}\n', b'{"verb": ["arm"]}\n'):
        writer.write(line)
        answer = json.loads(await reader.readline())
        assert answer["ok"] is False
    writer.close()
    await writer.wait_closed()
    assert operator.asked == []
    await server.close()


async def test_nobody_there_is_said_plainly(path: Path) -> None:
    with pytest.raises(Unreachable, match="no daemon answers at"):
        await Client.connect(path)
