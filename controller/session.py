"""`ablate run` and `ablate serve`: the foreground of a live bench; virtual time is handed to the runner plug-in."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Callable, Coroutine
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from controller.beside_panel import open_page
from controller.client import Unreachable
from controller.commands.bench import exit_code
from controller.commands.plans import tell
from controller.commands.sessions import find
from controller.config.loading import load_bench
from controller.config.problems import ConfigError, Problem
from controller.exits import Exit
from controller.launch import LiveBench, PanelWish
from controller.live_view import LiveView
from controller.perform import LOCKOUT_REMEDY
from controller.streams import let_go
from controller.terminal import answerer
from controller.treatment.loading import PlanSetup, load_work
from controller.treatment.runner import act_of, earlier, with_plan
from controller.treatment.words import in_words

RUNNERS = "openablate.runners"
OFF_PROVEN_S = 8.0
"""How long `serve` waits for the kernel's own word on a bench that has just begun; it gives itself 5 s."""

Interruptible = Callable[[Coroutine[Any, Any, int], Callable[[int], None]], int]


def parse_speed(text: str) -> float:
    """``max`` is infinity; anything else a positive number.

    Raises:
        ConfigError: it is neither.
    """
    try:
        speed = float("inf") if text == "max" else float(text)
    except ValueError:
        speed = 0.0
    if not speed > 0.0:
        raise ConfigError([Problem("--speed", 0, "", f"{text!r} is no speed", "give a positive number, or max")])
    return speed


def run_application(
    bench: str,
    work_file: str,
    *,
    speed: str,
    out: Path | None,
    reset_reason: str | None,
    report: bool,
    as_json: bool,
    loop: Interruptible,
    state_dir: Path | None = None,
    hint: str = "",
    yes: bool = False,
    resume: str | None = None,
    however_old: bool = False,
    anew: bool = False,
    panel: bool = False,
    open_panel: bool = False,
) -> int:
    """Run a protocol or a plan and return the exit code; see ``ablate run --help``. ``hint`` is printed at the end.
    ``panel``: with one beside it; ``open_panel``: in a browser.
    """
    setup = load_work(bench, work_file)
    before, duration_s = None, None
    if isinstance(setup, PlanSetup):
        tell(setup.plan.warnings)
        if resume is not None:
            before = earlier(setup, find(resume, out or Path(setup.bench.bench.records.folder)))
        needed = True  # the probe must be put in place
    else:
        duration_s, needed = setup.protocol.protocol.law.end[1], setup.protocol.protocol.law.hands
    factor = parse_speed(speed)
    signals: list[int] = []
    with LiveView(quiet=as_json, duration_s=duration_s) as view:
        view.say(f"mounted, as the bench file says: {setup.bench.bench.applicator.name}")
        if factor != 1.0:
            runner = next(iter(entry_points(group=RUNNERS, name="virtual"))).load()
            result = runner(
                setup,
                speed=factor,
                out=out,
                watch=view,
                interrupted=lambda: bool(signals or view.closed),
                loop=loop,
                signals=signals,
                before=before,
                resume=resume is not None,
            )
        else:
            bench_path = setup.bench.reference
            box: dict[str, Any] = {}
            say = partial(print, file=sys.stderr, flush=True) if as_json else view.say
            answer = answerer(say, yes=yes, simulation=setup.bench.bench.simulation, needed=needed)
            act = act_of(
                setup,
                before=before,
                reset_reason=reset_reason,
                resume=resume is not None,
                however_old=however_old,
                anew=anew,
            )

            def stopping() -> bool | str:
                return bool(signals) or view.closed

            async def work() -> int:
                wish = PanelWish(None, say) if panel else None
                async with LiveBench(setup.bench.bench, bench_path, out, state_dir=state_dir, panel=wish) as live:
                    await show_panel(live, say, open_it=open_panel)
                    try:
                        status = await act(live.client, watch=view, answer=answer, interrupted=stopping)
                    except Unreachable as error:
                        why = await live.why_ended()
                        raise Unreachable(f"the daemon has ended. {why or error}; all it said: {live.log}") from error
                    if told := await live.orphaned():
                        say(told)
                    box.update(status.get("result") or _unfinished(status, view.closed))
                box["session_file"] = box.get("session_file") or live.session_file
                return 0

            loop(work(), signals.append)
            result = with_plan(box) if isinstance(setup, PlanSetup) else box
    code = 128 + signals[0] if signals else int(exit_code(result))
    page = write_report(result) if report and result.get("session_file") else None
    try:
        report_result(result, page, as_json, hint)
    except BrokenPipeError:  # how it ended is not what its reader did
        let_go()
    return code


def _unfinished(status: dict[str, Any], why: str = "") -> dict[str, Any]:
    """A result for an application that never fired; ``why``: where that is known here."""
    trip = status.get("trip")
    return {
        "result": "tripped" if trip else "aborted",
        "reason": why or None,
        "trip": trip,
        "duration_s": 0.0,
        "energy_j": 0.0,
        "session_file": status.get("session_file"),
        "ticks": status.get("ticks"),
        "late_ticks": status.get("late_ticks"),
        "simulated": status.get("simulated"),
    }


def write_report(result: dict[str, Any]) -> Path | None:
    """Write the HTML page beside the session file; say why when it cannot be."""
    session = Path(str(result["session_file"]))
    try:
        from controller.report.page import write
    except ImportError as error:
        print(
            f"no report: {error}; pip install 'openablate[report]', then: ablate sessions report {session}",
            file=sys.stderr,
        )
        return None
    return write(session, session.with_suffix(".html"))


def report_result(result: dict[str, Any], page: Path | None, as_json: bool, hint: str) -> None:
    """Say how it ended: one JSON object, or a few lines for a person."""
    if as_json:
        print(json.dumps(result))
        return
    zone = result.get("zone")
    told = f"{result['result']}: {result['duration_s']:.1f} s, {result['energy_j'] / 1000:.2f} kJ"
    told += f", {result.get('rolloffs', 0)} roll-offs"
    if zone:
        told += f", zone {zone['long_axis_mm']:.1f} x {zone['short_axis_mm']:.1f} mm"
    print(told)
    if (reason := result.get("reason")) and not result.get("trip"):
        print(f"reason:  {reason}")
    for line in in_words(result):
        print(line)
    if trip := result.get("trip"):
        print(f"TRIP {trip['hazard']} {trip['monitor']} on {trip['channel'] or trip['device']}: {trip['text']}")
        print(f"     check: {trip['check']}")
    print(f"session: {result.get('session_file') or 'not kept; --out FOLDER keeps it'}")
    if page is not None:
        print(f"report:  {page}")
    if hint:
        print(hint)


async def show_panel(live: LiveBench, say: Callable[[str], object], *, open_it: bool) -> None:
    """Say where the panel of a bench is, and open it where that is wanted. The token is said to a terminal only: a log
    may be read by others.
    """
    told = live.panel.where if live.panel is not None else None
    if told is None:
        return
    say(f"panel: {told.link()}" if sys.stderr.isatty() else f"panel: {told.url} (its link: ablate panel)")
    if open_it and not await asyncio.to_thread(open_page, told.link()):
        say("no browser was found; open that link in one on this computer")


async def _settled(live: LiveBench, over: Callable[[], bool]) -> dict[str, Any]:
    """The first status that says something: a daemon that has just begun proves off before it has a state. Empty when
    it has ended meanwhile."""
    loop = asyncio.get_running_loop()
    give_up_s = loop.time() + OFF_PROVEN_S
    status: dict[str, Any] = {}
    try:
        while not over() and loop.time() < give_up_s:
            status = await live.client.status()
            if status["state"] != "BOOT":
                break
            await asyncio.sleep(0.05)
    except Unreachable:
        return {}
    return status


def begun(bench: str, status: dict[str, Any]) -> list[str]:
    """What `serve` says of a bench that has begun: its state, what stands in the way of an application and how that is
    left behind, the record, and what can be typed elsewhere."""
    if not status or status["state"] == "BOOT":
        return []
    lines = [f"{bench}: {status['state']}"]
    if status["state"] in ("TRIPPED", "LOCKOUT"):
        trip = status.get("trip") or {}
        lines.append(f"  since an earlier run: {trip.get('text', 'no cause recorded')}")
        lockout = f"end this (Ctrl-C), then {LOCKOUT_REMEDY.replace('--bench NAME', f'--bench {bench}')}"
        ways = lockout if status["state"] == "LOCKOUT" else 'ablate ack, then ablate reset "what was found"'
        lines.append(f"  when you have looked: {ways}")
    if (session := status.get("session_file")) is not None:
        lines.append(f"session {session}")
    return [*lines, "in another terminal: ablate status, ablate watch, ablate arm PROTOCOL; Ctrl-C here ends the bench"]


def left_with(code: int) -> int:
    """The exit code of `serve` for that of a watchdog: after a cut it has one of its own, and the bench is latched."""
    return code if code in set(Exit) else Exit.TRIPPED


def serve_bench(
    bench: str,
    out: Path | None,
    loop: Interruptible,
    *,
    panel: bool = True,
    port: int | None = None,
    open_panel: bool = False,
) -> int:
    """Run the daemon until a signal; return the exit code."""
    loaded = load_bench(bench)
    signals: list[int] = []
    code = 0

    async def work() -> int:
        nonlocal code
        say = partial(print, file=sys.stderr, flush=True)
        wish = PanelWish(port, say) if panel else None
        say(f"{loaded.bench.bench}: starting")
        async with LiveBench(loaded.bench, loaded.reference, out, panel=wish) as live:
            ended = asyncio.create_task(live.wait())
            for line in begun(loaded.bench.bench, await _settled(live, lambda: bool(signals) or ended.done())):
                say(line)
            await show_panel(live, say, open_it=open_panel)
            while not signals and not ended.done():
                await asyncio.wait({ended}, timeout=0.1)
            if ended.done():
                code = left_with(ended.result())
                if told := await live.orphaned():
                    say(f"{loaded.bench.bench}: {told}")
                    gone = asyncio.create_task(live.gone())
                    while not signals and not gone.done():
                        await asyncio.wait({gone}, timeout=0.1)
                    gone.cancel()
                if not live.lives():  # else Ctrl-C came first
                    why = await live.why_ended() or ("its watchdog before it" if told else "nobody said why")
                    say(f"{loaded.bench.bench}: the daemon has ended. {why}; all it said: {live.log}")
            else:
                ended.cancel()
        return 0

    loop(work(), signals.append)
    if signals:
        return Exit.INTERRUPTED if signals[0] == signal.SIGINT else 128 + signals[0]
    return code
