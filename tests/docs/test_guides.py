"""The programs of the guides do what their pages (write-a-driver.md, write-a-law.md) say of them."""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import sim.rehearsal
import sim.world.bench  # noqa: F401 - numpy cannot be loaded twice, so it must be there before pytester looks what is
from controller import scaffold
from tests.docs.blocks import ROOT, blocks

pytest_plugins = ["pytester"]

INSTALLED = any(entry.value == "sim.pytest_plugin" for entry in entry_points(group="pytest11"))
LOAD = () if INSTALLED else ("-p", "sim.pytest_plugin")


def programs(page: str) -> dict[str, str]:
    """The Python blocks of a page by the name in their first line."""
    found = (b.text for b in blocks(ROOT / "docs" / page) if b.language == "python")
    return {text.splitlines()[0].removeprefix("# "): text for text in found}


@pytest.fixture
def outcome(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    """Runs files in a project of their own."""
    pytester.makeini("[pytest]\naddopts = --strict-markers\n")

    def run(files: dict[str, str]) -> pytest.RunResult:
        for name, text in files.items():
            (pytester.path / name).write_text(text)
            monkeypatch.delitem(__import__("sys").modules, Path(name).stem, raising=False)
        monkeypatch.syspath_prepend(pytester.path)
        return pytester.runpytest_inprocess(*LOAD, "-p", "no:asyncio", "-p", "no:cacheprovider", "-p", "no:xdist")

    return run


def test_the_first_driver_fails_one_test_and_the_page_says_which(outcome) -> None:
    page = (ROOT / "docs" / "write-a-driver.md").read_text(encoding="utf-8")
    found = programs("write-a-driver.md")
    result = outcome({name: found[name] for name in ("thermo.py", "test_thermo.py")})
    passed, all_of_them = 30, 31
    assert f"runs {all_of_them} tests" in page
    assert f"{passed} pass" in page
    result.assert_outcomes(passed=passed, failed=all_of_them - passed)
    ((test, error),) = re.findall(r"^FAILED (\S+) - (.*)$", page, re.MULTILINE)
    result.stdout.fnmatch_lines([f"*{error}*", f"FAILED {test}*"])


def test_mended_as_the_page_says_it_passes(outcome) -> None:
    found = programs("write-a-driver.md")
    mended = found["thermo.py"].replace("class Thermometer", found["mended"] + "\n\nclass Thermometer")
    mended = mended.replace('lambda buffer: line(buffer, b"T ")', "number")
    mended = mended.replace("text = await", "t_c = await").replace("float(text), self", "t_c, self")
    outcome({"thermo.py": mended, "test_thermo.py": found["test_thermo.py"]}).assert_outcomes(passed=31)


WATCHFUL = """
import asyncio
import contextlib

import pytest

from acme_rf200.conformance import TestConformance as Kit
from acme_rf200.driver import AcmeRf200
from acme_rf200.emulator import Emulator
from drivers.contract import BadReply, NoReply, Refused
from kept_alive import KeptAlive
from sim.devices.resistor import Resistor
from sim.links import Wire


class Watchful(Emulator):
    alive_s = 0.0

    def _answer(self, line, t_s):
        self.poll_due(t_s)
        if line in ("KA", "RF 1"):
            self.alive_s = t_s
            self.wake(t_s + 1.0)
        return "OK" if line == "KA" else super()._answer(line, t_s)

    def poll_due(self, t_s):
        if self.output.on and t_s >= self.alive_s + 1.0:
            self.output.on = False
            self.update(t_s)
        settled_s = super().poll_due(t_s)
        if self.output.on:
            self.due_s = min(self.due_s, self.alive_s + 1.0)
            return self.due_s
        return settled_s


class TestKeptAlive(Kit):
    driver = KeptAlive

    def link_factory(self):
        loop = asyncio.get_running_loop()
        self.wire = Wire(Watchful(Resistor(), {}, "dut"), loop, t0_s=loop.time())
        return self.link_again()


def judged(driver, test):
    getattr(type("Wrong", (TestKeptAlive,), {"driver": driver})(), f"test_{test}")()


def test_without_it_the_output_goes_off():
    with pytest.raises(Refused, match="went off by itself"):
        judged(AcmeRf200, "set_readback_within_tolerance")


class Polled(KeptAlive):
    async def poll(self):
        with contextlib.suppress(NoReply, BadReply, Refused):
            if self._on:
                await self._order(b"KA\\r\\n", lambda: True)
        return await super().poll()


def test_with_each_poll_it_holds_the_output_for_nobody():
    judged(Polled, "native_deadman_is_true")  # nobody polls there
    with pytest.raises(AssertionError, match="without a valid set-point.*KA"):
        judged(Polled, "nothing_but_a_setpoint_keeps_it_on")


del Kit
"""


def test_the_keep_alive_holds_the_output_and_only_for_set_points(outcome, pytester) -> None:
    """The page's driver passes the whole kit; one that forgets the keep-alive, or sends it with each poll, does not."""
    for place, text in scaffold.files("acme-rf200").items():
        path = pytester.path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    found = programs("write-a-driver.md")
    (pytester.path / "tests" / "test_acme_rf200.py").unlink()
    counts = outcome({"kept_alive.py": found["kept_alive.py"], "test_kept_alive.py": WATCHFUL}).parseoutcomes()
    assert set(counts) == {"passed"}
    assert counts["passed"] > 50


def test_the_law_passes_its_kit_and_runs(outcome) -> None:
    result = outcome(programs("write-a-law.md"))
    counts = result.parseoutcomes()
    assert set(counts) == {"passed"}, result.stdout.str()[-3000:]
    assert counts["passed"] >= 14
