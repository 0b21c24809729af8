"""The control socket: who may hold, and what happens when they go."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from controller.client import Client, Unreachable, runtime_root
from controller.daemon import control
from controller.daemon.control import Allowance, ControlSocket


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

    async def silence(self, who: str) -> dict[str, Any]:
        return await self._note("silence")

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
    await client.silence()
    await client.ack()
    assert operator.asked == [
        "prepare p True False {'target': 't1'}",
        "ask reposition there None mm",
        "confirm None None",
        "confirm 3 22.5",
        "note plan {'plan': 'p'}",
        "bag None",
        "bag 3000.0",
        "silence",
        "ack",
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


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"[" * 100_000, "not a JSON object on one line"),
        (b'{"verb": ' + b"[" * 100_000, "not a JSON object on one line"),
        (b'{"verb": "confirm", "prompt": 1, "value": ' + b"9" * 400 + b"}", "of that many digits"),
        (b'{"verb": "confirm", "prompt": ' + b"9" * 400 + b"}", "of that many digits"),
        (b'{"verb": "bag", "bag_ml": 1e999}', "is no number"),
    ],
)
async def test_what_breaks_a_parser_is_answered_and_the_connection_stays(path: Path, line: bytes, said: str) -> None:
    operator = Recorder()
    server = ControlSocket(operator, path)
    await server.start()
    reader, writer = await asyncio.open_unix_connection(path)
    for _ in range(2):
        writer.write(line + b"\n")
        told = json.loads(await reader.readline())
        assert (told["ok"], said in told["error"]) == (False, True), told
    writer.write(b'{"verb": "stop"}\n')
    assert json.loads(await reader.readline()) == {"ok": True}
    writer.close()
    await server.close()


async def test_a_file_name_that_no_disk_takes_is_answered(path: Path) -> None:
    class Disk(Recorder):
        async def prepare(self, protocol: str, who: str, **_: Any) -> dict[str, Any]:
            Path(protocol).stat()
            return {"ok": True}

    server = ControlSocket(Disk(), path)
    await server.start()
    client = await Client.connect(path)
    assert "prepare: " in (await client.prepare("x" * 5000))["error"]
    assert (await client.stop())["ok"]
    await client.close()
    await server.close()


async def test_what_is_refused_here_is_told_to_the_record(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "BURST", 6)
    monkeypatch.setattr(control, "RATE_HZ", 0.001)
    kept: list[tuple[str, str, tuple[str, ...]]] = []
    server = ControlSocket(Recorder(), path, lambda verb, who, by: kept.append((verb, who, tuple(by))))
    await server.start()
    reader, writer = await asyncio.open_unix_connection(path)
    for line in (b'{"verb": "inject", "who": "eve"}', b'{"verb": [[]]}', b"x", b'{"verb": "renew"}'):
        writer.write(line + b"\n")
    writer.write(b'{"verb": "confirm", "prompt": true}\n{"verb": "status"}\n{"verb": "arm"}\n')
    assert len([line async for line in reader]) == 7
    writer.close()
    monkeypatch.setattr(control, "peer", lambda _: (4711, os.getuid() + 1))
    reader, writer = await asyncio.open_unix_connection(path)
    await reader.read()
    writer.close()
    who = f"uid {os.getuid()} pid {os.getpid()}"
    assert kept == [
        ("inject", f"eve ({who})", ("unknown verb 'inject'",)),
        ("none", who, ("unknown verb 'none'",)),
        ("unreadable", who, ("not a JSON object on one line: Expecting value: line 1 column 1 (char 0)",)),
        ("renew", who, ("this connection did not fire",)),
        ("confirm", who, ("confirm: True is no number",)),
        ("arm", who, ("more than 0.001 requests in a second: hung up",)),
        ("connect", f"uid {os.getuid() + 1} pid 4711", (f"user {os.getuid() + 1} may not control this bench",)),
    ]
    await server.close()


async def test_nobody_there_is_said_plainly(path: Path) -> None:
    with pytest.raises(Unreachable, match="no daemon answers at"):
        await Client.connect(path)


# ---- floods, strangers, hostile names


def test_an_allowance_is_a_burst_and_then_a_rate() -> None:
    allowance = Allowance(10.0)
    assert [allowance.take(10.0) for _ in range(1001)].count(True) == 1000
    assert not allowance.take(10.0)
    assert [allowance.take(10.1) for _ in range(60)].count(True) in (48, 49)  # 0.1 s later: 50, less what was overdrawn
    assert [allowance.take(1000.0) for _ in range(1001)].count(True) == 1000


async def test_a_flood_is_hung_up_on_and_stop_is_heard_even_then(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "BURST", 3)
    monkeypatch.setattr(control, "RATE_HZ", 0.001)
    operator = Recorder()
    server = ControlSocket(operator, path)
    await server.start()
    for last, told in (("arm", "more than 0.001 requests in a second: hung up"), ("stop", None)):
        reader, writer = await asyncio.open_unix_connection(path)
        for verb in ("status", "ack", "status", last, "arm"):
            writer.write(json.dumps({"verb": verb}).encode() + b"\n")
        answers = [json.loads(line) async for line in reader]
        assert [answer["ok"] for answer in answers] == [True, True, True, told is None]
        assert answers[-1].get("error") == told
        writer.close()
    assert operator.asked == ["ack", "ack", "stop "]
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(b"x\n" * 10)
    assert len([line async for line in reader]) == 4  # three that were borne, and one more
    writer.close()
    await server.close()


async def test_a_flood_ends_the_hold_of_the_connection_that_makes_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "BURST", 5)
    operator = Recorder()
    server = ControlSocket(operator, path)
    await server.start()
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(b'{"verb": "fire"}\n' + b'{"verb": "status"}\n' * 50)
    await asyncio.wait_for(operator.released.wait(), 2.0)
    assert operator.asked == ["fire", "release"]
    assert b"hung up" in await reader.read()
    writer.close()
    await server.close()


async def test_of_too_many_connections_only_stop_is_heard(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "MAX_CONNECTIONS", 2)
    operator = Recorder()
    server = ControlSocket(operator, path)
    await server.start()
    first, second = await Client.connect(path), await Client.connect(path)
    assert (await first.status())["ok"] and (await second.status())["ok"]
    third, fourth = await Client.connect(path), await Client.connect(path)
    assert (await third.arm())["error"] == "more than 2 connections: hung up"
    assert (await fourth.stop(reason="now"))["ok"]
    with pytest.raises(Unreachable):
        await fourth.status()
    assert (await first.arm())["ok"]
    assert operator.asked == ["stop now", "arm"]
    for client in (first, second, third, fourth):
        await client.close()
    await server.close()


async def test_another_user_is_told_to_go(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "peer", lambda _: (4711, os.getuid() + 1))
    operator = Recorder()
    server = ControlSocket(operator, path)
    await server.start()
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(b'{"verb": "stop"}\n{"verb": "arm"}\n')
    assert json.loads(await reader.readline())["error"] == f"user {os.getuid() + 1} may not control this bench"
    assert operator.asked == []
    writer.close()
    await server.close()


AS_SOMEBODY_ELSE = """
import socket, sys
link = socket.socket(socket.AF_UNIX)
link.settimeout(5)
link.connect(sys.argv[1])
print(link.makefile().readline())
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can start another user's process")
@pytest.mark.parametrize(("mode", "told"), [(0o600, "Permission denied"), (0o666, "user 65534 may not control")])
async def test_a_process_of_another_user(short_dir: Path, mode: int, told: str) -> None:
    """The mode of the socket keeps it out; and if somebody had changed that, whom the operating system names."""
    operator = Recorder()
    short_dir.chmod(0o755)
    server = ControlSocket(operator, short_dir / "c.sock")
    await server.start()
    (short_dir / "c.sock").chmod(mode)
    try:
        process = await asyncio.create_subprocess_exec(
            "/usr/bin/python3",
            *("-c", AS_SOMEBODY_ELSE, str(short_dir / "c.sock")),
            user=65534,
            group=65534,
            extra_groups=[],
            cwd="/",
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
    except FileNotFoundError:
        pytest.skip("there is no interpreter that every user may run")
    else:
        out, _ = await process.communicate()
        assert told in out.decode()
        assert operator.asked == []
    finally:
        await server.close()


async def test_the_peer_is_whom_the_operating_system_names(path: Path) -> None:
    seen: list[tuple[int, int]] = []

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(control.peer(writer))
        writer.close()

    server = await asyncio.start_unix_server(serve, path)
    reader, writer = await asyncio.open_unix_connection(path)
    await reader.read()
    writer.close()
    server.close()
    await server.wait_closed()
    assert seen == [(os.getpid(), os.getuid())]


def test_a_folder_that_somebody_else_made_in_tmp_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ABLATE_RUNTIME_DIR", raising=False)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr("os.getuid", lambda: 4711)
    assert str(runtime_root()) == "/tmp/ablate-4711"
    monkeypatch.setattr(Path, "lstat", lambda _: os.stat_result((0o40755, 1, 1, 1, 4712, 0, 0, 0, 0, 0)))
    with pytest.raises(Unreachable, match="belongs to another user; name a folder of yours in ABLATE_RUNTIME_DIR"):
        runtime_root()
