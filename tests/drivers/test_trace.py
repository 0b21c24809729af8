"""``ablate devices trace``: what was said, as a table for a test; a device that answers wrongly is recorded too."""

from __future__ import annotations

import ast
import asyncio
import subprocess
import sys
from pathlib import Path

from controller.checkup.trace import Trace, trace
from drivers.kmtronic_relay.driver import KmtronicOptions, KmtronicRelay
from drivers.omega_fob.driver import FobOptions, OmegaFob
from drivers.testing.links import ScriptedLink
from drivers.transport.port import LinkPort
from sim.servers import TcpServer
from tests.drivers.emulated import alone

CHANNELS = {"channels": {1: "tissue_10mm_c"}}


async def recorded(model: str, kind, options, emulator: dict | None = None, polls: int = 2) -> Trace:
    bench = alone(model, options.model_dump(), emulator)
    server = TcpServer(bench.wires["dut"], 0)
    try:
        return await trace(kind, options, f"tcp://127.0.0.1:{server.port}", None, polls, 0.01)
    finally:
        server.close()
        bench.stop()


async def test_a_recording_is_python_that_a_scripted_link_plays_again() -> None:
    found = await recorded("omega-fob", OmegaFob, FobOptions.model_validate(CHANNELS))
    assert found.problem == ""
    text = found.as_python()
    assert text.startswith('"""Recorded from tcp://127.0.0.1:')
    table = next(node for node in ast.parse(text).body if isinstance(node, ast.Assign))
    pairs = ast.literal_eval(table.value)
    assert (b"e 1 -2 -3 -4\r", b"*") in pairs
    assert (b"t\r", b"+22.0\r*") in pairs
    assert [request for request, _ in pairs[:5]] == [b"ta-\r", b"p-\r", b"u c\r", b"q+\r", b"i\r"]
    driver = OmegaFob("again", LinkPort(ScriptedLink(pairs), "script"), FobOptions.model_validate(CHANNELS))
    assert (await driver.connect()).model == "FOB104"
    assert [s.value for s in await driver.poll()] == [22.0]
    await driver.close()


async def test_orders_without_an_answer_stay_without_one() -> None:
    found = await recorded("kmtronic-relay", KmtronicRelay, KmtronicOptions())
    assert (bytes.fromhex("ff0100ff0100"), b"") in found.ports[""]
    assert (bytes.fromhex("ff0900"), bytes(4)) in found.ports[""]


async def test_a_device_that_is_another_is_recorded_with_what_was_wrong() -> None:
    found = await recorded("kmtronic-relay", OmegaFob, FobOptions.model_validate(CHANNELS))
    assert "no Omega FOB thermometer answers" in found.problem
    assert found.ports[""][0][0] == b"ta-\r"
    assert found.problem in found.as_python()


async def test_the_command_writes_the_file_and_says_how_much(tmp_path: Path) -> None:
    bench = alone("omega-fob", CHANNELS)
    server = TcpServer(bench.wires["dut"], 0)
    out = tmp_path / "recorded.py"
    code = "import sys; from controller import cli; sys.exit(cli.run(sys.argv[1:]))"
    argv = ["devices", "trace", f"tcp://127.0.0.1:{server.port}", "--driver", "omega-fob", "--polls", "1"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code, *argv, "--option", "channels={1: tissue_10mm_c}", "--out", str(out)),
        stderr=subprocess.PIPE,
    )
    _, errors = await process.communicate()
    server.close()
    bench.stop()
    assert process.returncode == 0, errors
    assert b"exchanges in" in errors
    compile(out.read_text(), str(out), "exec")
