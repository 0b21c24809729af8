"""Somebody at the terminal: words, skipped steps, a terminal that is closed; and the whole on real ports."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from controller.commissioning.hands import Person
from controller.commissioning.job import Skipped
from tests.process.bench import Emulated


class Lines:
    """A pipe in place of the keyboard, and what was said."""

    def __init__(self) -> None:
        self.fd, self._out = os.pipe()
        self.said: list[str] = []

    def types(self, text: str) -> None:
        os.write(self._out, text.encode())

    def ends(self) -> None:
        os.close(self._out)


@pytest.fixture
def lines() -> Iterator[Lines]:
    made = Lines()
    yield made
    os.close(made.fd)


@pytest.mark.parametrize("typed, word", [("yes\n", True), ("y\n", True), ("NO\n", False), ("perhaps\n\nno\n", False)])
async def test_a_word_is_asked_for_until_it_is_one(typed: str, word: bool, lines: Lines) -> None:
    with Person(lines.said.append, lines.fd) as person:
        asked = asyncio.create_task(person.word("Is it?"))
        await asyncio.sleep(0.01)
        lines.types(typed)
        assert await asked is word
    assert lines.said.count("  ?  Is it? [yes/no/skip REASON]") == typed.count("\n")
    lines.ends()


async def test_a_step_is_skipped_with_its_reason_and_the_next_begins_anew(lines: Lines) -> None:
    with Person(lines.said.append, lines.fd) as person:
        await person.do("Open the door.", [])
        assert person.skipped() is None
        lines.types("hello\nskip there is\xa0no door\n")
        await asyncio.sleep(0.02)
        assert person.skipped() == "there is\xa0no door"
        assert "  nothing to answer now; `skip REASON` leaves this step out" in lines.said
        person.begin()
        assert person.skipped() is None
        asked = asyncio.create_task(person.word("Is it?"))
        await asyncio.sleep(0.01)
        lines.types("skip\n")
        with pytest.raises(Skipped, match="no reason given"):
            await asked
    lines.ends()


async def test_a_closed_terminal_skips_everything(lines: Lines) -> None:
    with Person(lines.said.append, lines.fd) as person:
        asked = asyncio.create_task(person.word("Is it?"))
        await asyncio.sleep(0.01)
        lines.ends()
        with pytest.raises(Skipped, match="the terminal was closed"):
            await asked
        person.begin()
        assert person.skipped() == "the terminal was closed"
        with pytest.raises(Skipped):
            await person.word("And now?")


# ---- on ports that no provider owns: PTYs of an emulated bench; the back door is the hands


@pytest.fixture(scope="module")
def emulated() -> Iterator[Emulated]:
    with Emulated() as bench:
        yield bench


class Terminal:
    """`ablate commission` on a pseudo-terminal."""

    def __init__(self, bench: Emulated, *argv: str) -> None:
        self._fd, theirs = pty.openpty()
        command = [sys.executable, "-m", "controller", "commission", str(bench.wired), *argv]
        self.process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=bench.folder, env=bench.environment
        )
        os.close(theirs)
        self.told = ""

    def reads(self, text: str, timeout_s: float = 40.0) -> None:
        until_s, begin = time.monotonic() + timeout_s, len(self.told)
        while text not in self.told[begin:]:
            assert time.monotonic() < until_s, self.told
            if select.select([self._fd], [], [], 0.1)[0]:
                try:
                    self.told += os.read(self._fd, 4096).decode(errors="replace")
                except OSError:
                    assert text in self.told[begin:], self.told

    def types(self, text: str) -> None:
        os.write(self._fd, f"{text}\n".encode())

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._fd)


@pytest.fixture
def terminal(emulated: Emulated) -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for one in opened:
        one.close()
    emulated.backdoor(input={"estop_a": True, "estop_b": True, "door": True})


def record(bench: Emulated) -> dict[str, dict[str, str]]:
    file = max((bench.folder / "commissioning").glob("*.json"))
    return {row["step"]: row for row in json.loads(file.read_text())["steps"]}


@pytest.mark.process
@pytest.mark.timeout(120)
def test_a_person_goes_through_steps_on_real_ports(emulated: Emulated, terminal: list[Terminal]) -> None:
    chosen = [word for name in ("identity", "estop", "door", "obeys-off") for word in ("--only", name)]
    terminal.append(person := Terminal(emulated, *chosen, "--who", "A. Meyer"))
    person.reads("Is each of these the instrument on this bench?")
    person.types("yes")
    person.reads("-> Press the E-stop and leave it pressed.")
    emulated.backdoor(input={"estop_a": False, "estop_b": False})
    person.reads("-> Release the E-stop.")
    emulated.backdoor(input={"estop_a": True, "estop_b": True})
    person.reads("-> Open the door.")
    person.types("skip this bench has a curtain")
    person.reads("is a dummy load for 10 W connected, and may power flow now?")
    person.types("no")
    person.reads("INCOMPLETE: commissioning/")
    assert person.process.wait(20) == 6
    rows = record(emulated)
    assert [rows[name]["result"] for name in ("identity", "estop", "door")] == ["passed", "passed", "skipped"]
    assert rows["door"]["seen"] == ["this bench has a curtain"]
    assert rows["obeys-off"]["result"] == "skipped"
    assert emulated.log.most_w(0.0, time.monotonic()) == 0.0


@pytest.mark.process
@pytest.mark.timeout(120)
def test_ctrl_c_under_power_is_off_and_what_was_seen_is_kept(emulated: Emulated, terminal: list[Terminal]) -> None:
    names = [word for name in ("door", "estop-under-power") for word in ("--only", name)]
    terminal.append(person := Terminal(emulated, *names))
    person.reads("-> Open the door.")
    emulated.backdoor(input={"door": False})
    person.reads("-> Close the door.")
    emulated.backdoor(input={"door": True})
    person.reads("may power flow now?")
    person.types("yes")
    person.reads("Press the E-stop NOW.")
    assert emulated.log.now_w > 5.0
    begin_s = time.monotonic()
    person.process.send_signal(signal.SIGINT)
    assert person.process.wait(30) == 130
    off_s = emulated.log.off_s(begin_s)
    assert off_s is not None
    assert off_s - begin_s < 1.0
    rows = record(emulated)
    assert (rows["door"]["result"], rows["estop-under-power"]["result"]) == ("passed", "skipped")
