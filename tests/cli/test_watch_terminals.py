"""``ablate watch`` on terminals that are small, and on those that want no colour."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import socket
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from controller.interlocks import unmet
from controller.watch import screen
from controller.watch.app import LEAST, Watch
from controller.watch.link import Link
from tests.cli.support import STATUS, TRIP, Operator, serving

SGR = re.compile(rb"\x1b\[([0-9;:]*)m")
PLAIN = {"", "0", "1", "2", "3", "4", "7", "22", "23", "24", "27", "39", "49"}
"""Bold, dim, reverse and their ends, and the terminal's own two colours: everything else is a colour."""
ABLATE = [sys.executable, "-P", "-c", "import openablate; openablate.main()"]


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ABLATE_RUNTIME_DIR", str(tmp_path))
    return tmp_path


def shown(app: Watch) -> str:
    """What stands on the screen, row by row."""
    return "\n".join("".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips())


UNMET = ["flow", "ack", "clear", "off", "cool"]
LAST = unmet(UNMET, [])[-1]


def many_troubles() -> Operator:
    """More than fits on 80 x 24."""
    operator = Operator()
    alarm = {"key": "k", "priority": "medium", "text": "the bag is low", "do": "hang a new one", "acknowledged": False}
    operator.told = {
        **STATUS,
        "state": "TRIPPED",
        "trip": TRIP,
        "blocked_by": UNMET,
        "values": {**STATUS["values"], "tine_c": [60.0 + n for n in range(8)]},
        "alarms": {"list": [alarm], "sound": None, "paused_s": 0.0, "activation": ""},
    }
    return operator


async def seen(runtime: Path, operator: Operator, size: tuple[int, int], keys: tuple[str, ...] = ()) -> str:
    """The screen once the bench is heard, after ``keys``."""
    async with serving(runtime, operator):
        app = Watch(Link(None, lambda: 100.0), lambda: 100.0)
        async with app.run_test(size=size) as pilot:
            for _ in range(200):
                await pilot.pause(0.05)
                if app.link.status and operator.told["state"] in shown(app):
                    break
            for key in keys:
                await pilot.press(key)
            await pilot.pause(0.3)
            return shown(app)


@pytest.mark.parametrize("size", [(80, 24), (60, 16), LEAST], ids=str)
async def test_what_does_not_fit_is_said_and_reached(runtime: Path, size: tuple[int, int]) -> None:
    first = await seen(runtime, many_troubles(), size)
    assert "TRIPPED" in first
    assert "lines more below (down)" in first
    assert "s STOP" in first.splitlines()[-1]
    assert f"{LAST.name} NOT MET" not in first
    last = await seen(runtime, many_troubles(), size, ("pagedown",) * 6)
    assert "above (up)" in last
    assert "more below" not in last
    assert f"{LAST.name} NOT MET" in last
    assert "TRIPPED" in last.splitlines()[0]


@pytest.mark.parametrize("size", [(40, 24), (80, 9), (30, 8), (24, 5)], ids=str)
async def test_a_tiny_terminal_says_so_and_stops(runtime: Path, size: tuple[int, int]) -> None:
    operator = Operator()
    told = await seen(runtime, operator, size, ("s",))
    assert operator.acts == ["stop: ablate watch"]
    assert "FIRING" in told
    assert "STOP" in told.splitlines()[-1]
    if size[1] > 5:
        assert f"This terminal has {size[0]} x {size[1]}" in " ".join(told.split())
    assert "194.6" not in told  # no value that is torn apart


async def test_nothing_is_said_of_room_where_there_is_enough(runtime: Path) -> None:
    told = await seen(runtime, Operator(), (80, 24))
    assert "more below" not in told
    assert "This terminal has" not in told
    assert "interlocks: all met" in told


async def test_help_is_scrolled_too(runtime: Path) -> None:
    first = await seen(runtime, Operator(), (60, 12), ("question_mark",))
    assert "Esc, s  STOP: energy off, now." in first
    assert "more below" in first
    last = await seen(runtime, Operator(), (60, 12), ("question_mark", *("pagedown",) * 4))
    assert "NOT LIVE at" in last


@pytest.mark.parametrize("width", [200, 66, 65, 34, 33, 14, 5])
def test_stop_is_first_among_the_keys_whatever_the_room(width: int) -> None:
    words = screen.keys(width)
    assert len(words) <= max(width, len(screen.KEYS[-1]))
    assert "STOP" in words[:12]


def test_the_help_names_every_key() -> None:
    told = screen.HELP + " ".join(screen.KEYS)
    for binding in Watch.BINDINGS:
        for key in binding.key.split(","):  # type: ignore[union-attr]
            word = {"escape": "Esc", "question_mark": "?", "pageup": "page up", "pagedown": "page down"}.get(key, key)
            assert word == "ctrl+c" or re.search(rf"(?m)(^|[ ,]){re.escape(word)}([ ,]|$)", told), key


def drawn(runtime: Path, *options: str, **environment: str) -> bytes:
    """What a terminal of 80 x 24 gets from the command within two seconds, and from its end."""
    near, far = pty.openpty()
    fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    given = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "COLORTERM")}
    given |= {"TERM": "xterm-256color", "ABLATE_RUNTIME_DIR": str(runtime), **environment}
    told, asked = b"", False
    with subprocess.Popen(
        [*ABLATE, *options, "watch"], stdin=far, stdout=far, stderr=far, env=given, start_new_session=True
    ) as process:
        os.close(far)
        end_s = time.monotonic() + 60.0
        with contextlib.suppress(OSError):  # the other end is closed
            while time.monotonic() < end_s:
                if select.select([near], [], [], 0.2)[0]:
                    told += os.read(near, 65536)
                if b"NOT LIVE" in told and not asked:
                    asked = True
                    os.write(near, b"q")
        process.wait(30)
    os.close(near)
    assert process.returncode == 0, told[-2000:]
    return told


@pytest.mark.process
def test_no_colour_for_who_wants_none(short_dir: Path) -> None:
    """By the variable and by the option; with neither there are colours."""

    def codes(told: bytes) -> set[str]:
        return {code for found in SGR.findall(told) for code in found.decode().split(";")}

    (short_dir / "a").mkdir()
    with socket.socket(socket.AF_UNIX) as deaf:  # somebody listens there, and never answers: NOT LIVE
        deaf.bind(str(short_dir / "a" / "control.sock"))
        deaf.listen(64)
        for options, environment in (((), {"NO_COLOR": "1"}), (("--no-color",), {})):
            found = codes(drawn(short_dir, *options, **environment))
            assert found <= PLAIN, found - PLAIN
            assert "7" in found  # the line of keys
        assert codes(drawn(short_dir)) - PLAIN
