"""What devices, USB descriptors and brokers say of themselves reaches no terminal, log or page as it came."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller import cli
from controller.checkup import ports, resources
from controller.daemon.logs import PlainFormatter
from controller.report import page
from drivers.contract import BadReply, DeviceError, Identity, LinkLost, NoReply, Refused
from drivers.opening import open_driver
from drivers.plain import plain
from drivers.registry import load_driver
from drivers.transport.base import Link, SerialSettings
from tests.drivers.emulated import alone
from tests.records.recording import write

TITLE = "\x1b]0;owned\x07\x1b[2J\x9b31m"
"""Sets a terminal's title, clears its screen, and begins a colour the eight-bit way."""
SCRIPT = "<script>alert(1)</script>"
HOSTILE = f"{TITLE}{SCRIPT}\u202e\r\nforged line"


def clean(text: str) -> bool:
    return all(c.isprintable() for c in text)


@given(st.text(), st.integers(2, 60))
def test_plain_text_is_printable_short_and_one_line(text: str, length: int) -> None:
    shown = plain(text, length)
    assert clean(shown)
    assert len(shown) <= length
    assert plain(shown, length) == shown
    if clean(text) and len(text) <= length:
        assert shown == text


def test_what_cannot_be_shown_is_told() -> None:
    assert plain("a\x1b[2Jb\n\udc80\u202ec") == r"a\x1b[2Jb\n\udc80\u202ec"
    assert plain("x" * 10_000_000, 80) == "x" * 79 + "…"


@pytest.mark.parametrize(
    "error",
    [DeviceError("gen", HOSTILE, HOSTILE), LinkLost(HOSTILE), NoReply(HOSTILE), Refused(HOSTILE), BadReply(HOSTILE)],
    ids=lambda error: type(error).__name__,
)
def test_errors_of_devices_are_one_clean_line(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    assert clean(str(error))
    if isinstance(error, DeviceError):
        assert clean(error.problem) and clean(error.remedy)
    cli.explain(error)
    assert all(clean(line) and line.startswith("ablate: ") for line in capsys.readouterr().err.splitlines())


def test_an_identity_is_short_and_clean() -> None:
    told = Identity(HOSTILE, "9" * 5000, TITLE, {TITLE: HOSTILE})
    assert all(map(clean, (told.model, told.serial, told.firmware, *told.extra, *told.extra.values())))
    assert len(told.serial) == 80


async def connected(identity: str) -> Identity:
    bench = alone("keysight-34970a", {"channels": {101: "tip_c"}}, {"identity": identity})

    async def opened(url: str, baud: int, settings: SerialSettings) -> tuple[Link, str]:
        return bench.open_link("sim://dut", baud), url

    kind = load_driver("keysight-34970a")
    options = kind.OPTIONS.model_validate({"channels": {101: "tip_c"}})
    driver = await open_driver(kind, "dut", options, "sim://dut", None, opened)
    try:
        return await driver.connect()
    finally:
        await driver.close()


@pytest.mark.virtual
@pytest.mark.parametrize(
    "identity",
    [
        f"HEWLETT-PACKARD,34970A,{TITLE}{SCRIPT},13-2-2",
        f"{TITLE},{TITLE},{TITLE},{TITLE}",
        f"HEWLETT-PACKARD,34970A,{'7' * 900},13-2-2",
        f"HEWLETT-PACKARD,34970A,{'7' * 90_000},13-2-2",
        "".join(map(chr, range(1, 256))).replace("\n", ""),
        "",
    ],
    ids=["escapes", "all escapes", "long", "without end", "binary", "empty"],
)
async def test_a_device_that_lies_about_its_name(
    identity: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Through the driver that asks, into error or record, and from there to terminal and page."""
    async with asyncio.timeout(120.0):
        try:
            told = await connected(identity)
        except DeviceError as error:
            told, why = Identity(""), str(error)
        else:
            why = f"{told.model} {told.serial}"
    assert clean(why) and len(why) < 2500
    assert clean(told.serial) and len(told.serial) <= 80
    devices = {"tc": {"model": told.model, "serial": told.serial, "firmware": told.firmware}}
    path = write(tmp_path, devices=devices, refused=why).path
    for words in (["show", str(path)], ["list", "--folder", str(tmp_path)], ["verify", str(path)]):
        assert cli.run(["sessions", *words]) == 0
    assert all(map(clean, capsys.readouterr().out.splitlines()))
    html = page.render(_open(path))
    assert "<script" not in html
    assert "\x1b" not in html and "\x9b" not in html


def _open(path: Path) -> Any:
    from controller.records.reader import open_session

    return open_session(path)


def test_a_record_from_elsewhere_is_shown_clean(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, bench=HOSTILE, protocol=HOSTILE).path
    assert cli.run(["sessions", "show", str(path)]) == 0
    assert cli.run(["sessions", "list", "--folder", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert all(map(clean, out.splitlines()))
    assert not any(line.startswith("forged") for line in out.splitlines())


def test_usb_descriptors_are_short_and_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = SimpleNamespace(device="/dev/ttyUSB7", description=HOSTILE, vid=1, pid=2, serial_number="9" * 5000)
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: [hostile])
    (found,) = ports.serial_ports()
    assert clean(found.description) and clean(found.serial_number)
    assert len(found.serial_number) == 80


def test_instruments_on_the_network_are_short_and_clean() -> None:
    class Manager:
        def list_resources(self, _: str) -> tuple[str, ...]:
            return ("TCPIP::1.2.3.4::INSTR",)

        def open_resource(self, *_: object, **__: object) -> Any:
            return SimpleNamespace(query=lambda _: HOSTILE * 1000, close=lambda: None)

    (found,) = resources.visa_resources(Manager())
    assert clean(found.identity) and len(found.identity) == 160


def test_a_message_cannot_forge_a_line_of_the_log() -> None:
    try:
        raise ValueError(HOSTILE)
    except ValueError as error:
        info = (ValueError, error, error.__traceback__)
    record = logging.LogRecord("x", logging.ERROR, "x.py", 1, "bad: %s", (HOSTILE,), info)
    lines = PlainFormatter("%(levelname)s %(message)s").format(record).split("\n")
    assert lines[0].startswith(r"ERROR bad: \x1b]0;owned\x07") and lines[0].endswith(r"\r\nforged line")
    assert lines[1] == "Traceback (most recent call last):"
    assert all(map(clean, lines))
