"""``ablate watch``, driven by keys against a real control socket."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from controller import cli
from controller.interlocks import WORDS, unmet
from controller.watch import screen
from controller.watch.app import Watch
from controller.watch.link import Link
from safety.monitors import ITEMS
from safety.permits import TABLE
from tests.cli.support import STATUS, TRIP, Operator, serving

PARTS = ("head", "troubles", "values", "minute", "interlocks", "keys", "said")


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ABLATE_RUNTIME_DIR", str(tmp_path))
    return tmp_path


class Clock:
    """Stands still unless it is moved: what is live does not depend on how busy this machine is."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def made(bench: str | None = None) -> tuple[Watch, Clock]:
    clock = Clock()
    return Watch(Link(bench, clock), clock), clock


@asynccontextmanager
async def watching(
    runtime: Path, operator: Operator, clocks: list[Clock] | None = None
) -> AsyncIterator[tuple[Pilot[int], Watch]]:
    async with serving(runtime, operator):
        app, clock = made()
        if clocks is not None:
            clocks.append(clock)
        async with app.run_test(size=(80, 24)) as pilot:
            yield pilot, app


def text(app: Watch) -> str:
    return "\n".join(str(app.query_one(f"#{part}", Static).content) for part in PARTS)


async def until(pilot: Pilot[int], what: Callable[[], bool], within_s: float = 20.0) -> None:
    for _ in range(int(within_s / 0.05)):
        await pilot.pause(0.05)
        if what():
            return
    raise AssertionError(f"not within {within_s} s; the screen says:\n{text(pilot.app)}")  # type: ignore[arg-type]


async def test_one_page_says_how_the_bench_is(runtime: Path):
    async with watching(runtime, Operator()) as (pilot, app):
        await until(pilot, lambda: "FIRING" in text(app))
        told = text(app)
        assert " SIMULATED " in told
        assert "194.6 W      [███████████████████████·] at most 200" in told
        assert "impedance      71 ohm    [" in told
        assert "81.9" not in told  # whole mL/min
        assert "82 mL/min [" in told
        assert "at least 56" in told
        assert "tissue 2     21.5 °C" in told
        assert "recording, 50 ms ago" in told
        assert "○ interlocks: all met" in told
        assert "○ E-stop closed   ○ footswitch released\n○ watchdog heard 12 ms ago   ● enable line closed\n" in told
        assert "NOT LIVE" not in told
        shown = [line for line in told.splitlines() if line]
        assert len(shown) <= 24
        assert max(map(len, shown)) <= 80
        assert all(app.query_one(f"#{part}").region.bottom <= 24 for part in PARTS)
        assert app.query_one("#keys").region.y == 23


async def test_escape_and_s_stop_at_once_on_a_connection_of_their_own(runtime: Path):
    operator = Operator()
    async with watching(runtime, operator) as (pilot, app):
        await until(pilot, lambda: "FIRING" in text(app))
        operator.going.clear()  # nobody answers the status any more: STOP waits behind nothing
        await pilot.press("escape")
        await until(pilot, lambda: "STOP was taken" in text(app))
        await pilot.press("s", "s")
        await until(pilot, lambda: len(operator.acts) == 3)
        assert operator.acts == ["stop: ablate watch"] * 3


async def test_without_data_nothing_is_live_and_the_age_is_told(runtime: Path):
    operator, clocks = Operator(), list[Clock]()
    async with watching(runtime, operator, clocks) as (pilot, app):
        await until(pilot, lambda: "FIRING" in text(app))
        operator.going.clear()
        await pilot.pause(0.3)  # the question under way is answered
        clocks[0].now_s += 0.499
        await pilot.pause(0.15)
        assert "NOT LIVE" not in text(app)
        clocks[0].now_s += 0.101
        await until(pilot, lambda: "NOT LIVE" in text(app))
        assert "last heard of 0.6 s ago: FIRING" in text(app)
        spans = app.query_one("#values", Static).content.spans  # type: ignore[union-attr]
        assert {str(span.style) for span in spans} == {"dim"}
        operator.going.set()
        await until(pilot, lambda: "NOT LIVE" not in text(app))


async def test_a_daemon_that_comes_back_is_found_again(runtime: Path):
    app, clock = made("cooled-rf")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause(0.15)
        assert "nothing was heard yet" in text(app)
        await pilot.press("s")
        await until(pilot, lambda: "STOP WAS NOT TAKEN" in text(app))
        async with serving(runtime, Operator()):
            await until(pilot, lambda: "FIRING" in text(app))
        clock.now_s += 1.0
        await until(pilot, lambda: "no daemon answers at" in text(app))


async def test_a_page_that_is_taken_down_is_drawn_no_more(runtime: Path):
    app, _ = made("cooled-rf")
    async with app.run_test(size=(80, 24)):
        assert "nothing was heard yet" in text(app)
    assert not app.screen_stack
    app.redraw()
    app.say("too late")


async def test_acknowledge_silence_help_and_leave_and_never_more(runtime: Path):
    operator = Operator()
    async with watching(runtime, operator) as (pilot, app):
        await until(pilot, lambda: "FIRING" in text(app))
        await pilot.press("a")
        await until(pilot, lambda: "acknowledged; a trip stays latched" in text(app))
        await pilot.press("m")
        await until(pilot, lambda: "refused: there is no alarm to silence" in text(app))
        await pilot.press("question_mark")
        assert app.query_one("#help").display
        assert max(map(len, screen.HELP.splitlines())) <= 79
        await pilot.press("s")
        await until(pilot, lambda: "stop: ablate watch" in operator.acts)
        await pilot.press("question_mark")
        assert not app.query_one("#help").display
        await pilot.press("r", "f", "enter", "space", "up", "tab", "ctrl+p")
        await pilot.press("q")
        assert app.return_code == 0
    assert operator.acts == ["ack", "silence", "stop: ablate watch"]


async def test_a_trip_an_alarm_and_a_prompt_are_read_in_full(runtime: Path):
    operator = Operator()
    operator.told = {
        **STATUS,
        "state": "TRIPPED",
        "trip": TRIP,
        "blocked_by": ["flow", "ack"],
        "unready": [],
        "prompt": {"id": 4, "kind": "deploy", "text": "deploy the array to \x1b[31m25 mm", "value": 25.0, "unit": "mm"},
        "alarms": {
            "list": [{"key": "k", "priority": "medium", "text": "the bag is low", "do": "hang a new one",
                      "acknowledged": False}],
            "sound": None, "paused_s": 60.0, "activation": "",
        },
    }  # fmt: skip
    async with watching(runtime, operator) as (pilot, app):
        await until(pilot, lambda: "TRIPPED" in text(app))
        told = text(app)
        assert "TRIP H38 coolant_flow on flow.flow_ml_min" in told
        assert "check: pump, tubing, kinks, leaks and the fluid bag" in told
        assert "then: a acknowledges; ablate reset REASON" in told
        assert "ALARM medium: the bag is low. Do: hang a new one" in told
        assert "PROMPT 4: deploy the array to ?[31m25 mm; ablate confirm 4 when it is done" in told
        assert "✕ coolant flow NOT MET: below what is needed" in told
        assert "sound is silenced for 60 s more" in told


def test_a_lockout_is_not_left_by_an_ordinary_reset():
    told = screen.troubles({**STATUS, "state": "LOCKOUT", "trip": TRIP}, live=True, trouble="").plain
    assert "then: end this bench, then ablate reset REASON --bench NAME --lockout" in told


async def test_a_status_that_cannot_be_shown_leaves_stop_working(runtime: Path):
    operator = Operator()
    operator.told = {**STATUS, "limits": {"power_w": 200.0}}
    async with watching(runtime, operator) as (pilot, app):
        await until(pilot, lambda: "this status cannot be shown (TypeError" in text(app))
        await pilot.press("s")
        await until(pilot, lambda: operator.acts == ["stop: ablate watch"])


@pytest.mark.parametrize(
    "told, words",
    [
        ({"contacts": {"estop": [{"closed": False}, {"closed": False}]}}, ["✕ E-stop OPEN"]),
        ({"contacts": {"estop": [{"closed": True}, {"closed": False}]}}, ["✕ E-stop DISAGREES"]),
        ({"contacts": {"door": [{"closed": None}]}}, ["? door STALE"]),
        (
            {"contacts": {"footswitch": [{"closed": True}, {"closed": False}]}},
            ["● footswitch PRESSED"],
        ),
        ({"contacts": {"footswitch": [{"closed": True}] * 2}}, ["✕ footswitch DISAGREES"]),
        (
            {"contacts": {"footswitch": [{"closed": True}, {"closed": None}]}},
            ["? footswitch STALE"],
        ),
    ],
)
def test_contacts_have_a_shape_and_a_word(told: dict[str, Any], words: list[str]):
    assert screen.contacts(told) == words


async def test_a_daemon_that_has_just_begun(runtime: Path):
    operator = Operator()
    operator.told = {"ok": True, "state": "BOOT"}
    async with watching(runtime, operator) as (pilot, app):
        await until(pilot, lambda: "BOOT" in text(app))


# ---- parts of the screen


def quantity(value: float | None, low: float | None = None, high: float | None = None) -> screen.Quantity:
    return screen.Quantity("x", value, "W", 0, low, high)


@pytest.mark.parametrize(
    "value, low, high, drawn, beyond",
    [
        (0.0, None, 100.0, "[··········]", ""),
        (50.0, None, 100.0, "[█████·····]", ""),
        (130.0, None, 100.0, "[██████████]", "ABOVE"),
        (40.0, 50.0, None, "[████·|····]", "BELOW"),
        (80.0, 50.0, None, "[█████|██··]", ""),
        (70.0, 25.0, 500.0, "|", ""),
        (None, None, 100.0, "            ", ""),
        (20.0, None, None, "            ", ""),
        (0.0, None, 0.0, "            ", ""),
    ],
)
def test_bars(value: float | None, low: float | None, high: float | None, drawn: str, beyond: str):
    found = quantity(value, low, high)
    assert drawn in screen.bar(found, 10)
    assert len(screen.bar(found, 10)) == 12
    assert found.beyond == beyond


def test_sparks_show_gaps_and_the_newest_last():
    assert screen.spark([1.0, None, 3.0, 5.0], 6) == "  ▁ ▅█"
    assert screen.spark([2.0, 2.0], 2) == "▁▁"
    assert screen.spark([None], 3) == "   "
    assert screen.spark(range(8), 4) == "▁▃▆█"


def test_what_was_there_and_is_missing_now_is_shown_as_missing():
    gone: dict[str, Any] = {"values": {"power_w": None, "tip_c": None, "tissue_c": [None]}}
    assert [(q.name, q.value) for q in screen.quantities(gone)] == [("power", None), ("tissue", None)]
    assert [q.name for q in screen.quantities(gone, {"tip_c"})] == ["power", "tip", "tissue"]
    assert "tip            -- °C" in screen.values(gone, True, {"tip_c"}).plain


def test_a_value_beyond_its_limit_is_said_in_a_word():
    hot = {"values": {"power_w": 1.0, "tip_c": 61.0}, "limits": {"tip_c": {"value": 60.0, "layer": "bench"}}}
    assert "61.0 °C     [████████████████████████] at most 60 ABOVE" in screen.values(hot, True).plain


def test_every_permit_item_has_a_name_and_a_reason():
    assert set(WORDS) == {*ITEMS, *(item for item, _, _ in TABLE)}
    assert [one.name for one in unmet(["estop", "new-one"], ["flow.flow_ml_min is 3 ml/min"])] == [
        "E-stop", "new-one", "precheck",
    ]  # fmt: skip


# ---- the command


def test_without_a_terminal_it_says_what_to_use_instead(capsys: pytest.CaptureFixture[str]):
    assert cli.run(["watch"]) == 2
    assert "ablate status --json" in capsys.readouterr().err


def test_without_textual_it_says_what_to_install(tmp_path: Path):
    """On a terminal, and with a bench that runs."""
    (tmp_path / "a").mkdir()
    with socket.socket(socket.AF_UNIX) as daemon:
        daemon.bind(str(tmp_path / "a" / "control.sock"))
        daemon.listen()
        done = _watch_without_textual(tmp_path)
    assert done.returncode == 3
    assert "pip install 'openablate[watch]'" in done.stderr


def _watch_without_textual(runtime_dir: Path) -> subprocess.CompletedProcess[str]:
    program = (
        "import os, sys; sys.modules['textual'] = None; sys.modules['textual.app'] = None\n"
        "sys.stdin.isatty = sys.stdout.isatty = lambda: True\n"
        "from controller import cli; sys.exit(cli.run(['watch']))"
    )
    environment = {**os.environ, "ABLATE_RUNTIME_DIR": str(runtime_dir), "TERM": "xterm"}
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=False)


def test_textual_is_not_imported_by_others():
    program = "import sys; from controller import cli; cli.run(['watch', '--help']); sys.exit('textual' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=False).returncode == 0


async def test_many_presses_while_the_daemon_hangs_leave_nothing_behind(runtime: Path):
    operator = Operator()
    async with watching(runtime, operator) as (pilot, app):
        await until(pilot, lambda: "FIRING" in text(app))
        operator.going.clear()
        for _ in range(20):
            await pilot.press("s")
        await until(pilot, lambda: len(operator.acts) == 20)
        await pilot.press("q")
    await asyncio.sleep(0)
