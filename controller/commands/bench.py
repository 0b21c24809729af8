"""The commands that touch a bench: run, serve, and the operator's acts on a running daemon."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import stat
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import click

from controller.client import Client, Unreachable, find_socket
from controller.commands.completing import benches, protocols, running
from controller.exits import Exit
from controller.interlocks import in_words
from controller.streams import let_go

BENCH_OPTION = click.option(
    "--bench", metavar="NAME", shell_complete=running, help="Name of the bench, when more than one is running."
)
RESUME_OPTION = click.option("--resume", is_flag=True, help="Continue the newest application of it, broken off before.")
GO_ON_OPTION = click.option(
    "--resume",
    is_flag=False,
    flag_value="last",
    metavar="[SESSION]",
    help="Go on with a plan where that session left it (the newest), or with the newest application of a protocol.",
)
OLD_OPTION = click.option("--however-old", is_flag=True, help="With --resume: also after more than an hour.")
JSON_OPTION = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")


def _interruptible(work: Coroutine[Any, Any, int], on_signal: Callable[[int], None]) -> int:
    """Run ``work``; SIGINT, SIGTERM and SIGHUP (a closed terminal) go to ``on_signal`` and end nothing."""

    def hang_up() -> None:
        _leave_the_terminal()
        on_signal(signal.SIGHUP)

    async def main() -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, on_signal, number)
        loop.add_signal_handler(signal.SIGHUP, hang_up)
        return await work

    return asyncio.run(main())


def _leave_the_terminal() -> None:
    """Every later word to a terminal that has gone would be an error; files and pipes keep what they get."""
    with open(os.devnull, "w") as nowhere:
        for fd in (1, 2):
            with contextlib.suppress(OSError):
                if stat.S_ISCHR(os.fstat(fd).st_mode):
                    os.dup2(nowhere.fileno(), fd)


def exit_code(result: dict[str, Any]) -> Exit:
    """The exit code of the result of an application or a plan."""
    if result.get("not_ready"):
        return Exit.DEVICE
    return {"completed": Exit.DONE, "tripped": Exit.TRIPPED}.get(str(result.get("result")), Exit.ABORTED)


@click.command()
@click.argument("bench", shell_complete=benches)
@click.argument("work", metavar="PROTOCOL|PLAN", shell_complete=protocols)
@click.option(
    "--speed", default="1", metavar="X|max", help="1: real time on the ports. Else virtual time, at most X times real."
)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for the session file and its report."
)
@click.option(
    "--reset-latch", metavar="REASON", help="Acknowledge and reset an earlier trip first, with this reason on record."
)
@click.option("--no-report", is_flag=True, help="Leave the HTML report to `ablate sessions report`.")
@click.option("--panel", is_flag=True, help="Show it in a browser too; the link is printed.")
@click.option("--yes", is_flag=True, help="Answer every prompt by itself: for benches where no hand is needed.")
@GO_ON_OPTION
@OLD_OPTION
@click.option("--anew", is_flag=True, help="With --resume of a plan: do what was broken off from its beginning.")
@JSON_OPTION
def run(
    bench: str,
    work: str,
    speed: str,
    out: Path | None,
    reset_latch: str | None,
    no_report: bool,
    panel: bool,
    yes: bool,
    resume: str | None,
    however_old: bool,
    anew: bool,
    as_json: bool,
) -> int:
    """One application on a bench: check, prepare, arm, fire and hold; energy ends with this process.

    A PLAN is several applications in one session, each armed and fired on its own; before each the operator is asked
    to put the probe in place.

    \b
    Examples:
      ablate run cooled-rf-sim cooled-needle-3cm-12min
      ablate run bench.yaml protocol.yaml --out today --json
      ablate run cooled-rf-sim cooled-needle-3cm-12min --speed max
      ablate run bench.yaml plan.yaml --out today
      ablate run bench.yaml plan.yaml --out today --resume
    """
    from controller.session import run_application

    return run_application(
        bench,
        work,
        speed=speed,
        out=out,
        reset_reason=reset_latch,
        report=not no_report,
        as_json=as_json,
        loop=_interruptible,
        yes=yes,
        resume=resume,
        however_old=however_old,
        anew=anew,
        panel=panel,
    )


@click.command()
@click.argument("bench", shell_complete=benches)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for session files.")
@click.option("--port", type=click.IntRange(1, 65535), metavar="N", help="Of the panel; default: first free from 8480.")
@click.option("--no-panel", is_flag=True, help="No panel: nothing listens on a port.")
@click.option("--open", "open_panel", is_flag=True, help="Open the panel in a browser.")
def serve(bench: str, out: Path | None, port: int | None, no_panel: bool, open_panel: bool) -> int:
    """Run the daemon of a bench in the foreground until Ctrl-C or SIGTERM; control it with arm, start, stop, status, or
    in a browser with its panel, whose link is printed.

    The panel listens on 127.0.0.1 only. From another computer: ssh -L 8480:127.0.0.1:8480 THIS-COMPUTER

    \b
    Examples:
      ablate serve bench.yaml
      ablate serve cooled-rf-sim --open
      ablate serve bench.yaml --no-panel
    """
    from controller.session import serve_bench

    return serve_bench(bench, out, _interruptible, panel=not no_panel, port=port, open_panel=open_panel)


Request = Callable[[Client], Coroutine[Any, Any, dict[str, Any]]]


def act(bench: str | None, what: Request) -> dict[str, Any]:
    """One request to a running bench, and its answer."""
    return asyncio.run(_ask(bench, what))


def act_each(benches: Sequence[str], what: Request) -> dict[str, dict[str, Any]]:
    """The same request to several at once: none waits for another, nor for one that is frozen. An answer that did not
    come says so."""

    async def one(bench: str) -> dict[str, Any]:
        try:
            return await _ask(bench, what)
        except (OSError, Unreachable, ValueError) as error:
            return {"ok": False, "error": f"{bench}: {error}"}

    async def go() -> list[dict[str, Any]]:
        return await asyncio.gather(*map(one, benches))

    return dict(zip(benches, asyncio.run(go()), strict=True))


async def _ask(bench: str | None, what: Request) -> dict[str, Any]:
    client = await Client.connect(find_socket(bench))
    try:
        return await what(client)
    finally:
        await client.close()


def say(answer: dict[str, Any], done: str, as_json: bool) -> int:
    """Say how it was answered; return the exit code."""
    if as_json:
        click.echo(json.dumps(answer))
    elif answer.get("ok"):
        click.echo(done)
    else:
        click.echo(f"refused: {answer.get('error')}", err=True)
        for reason in answer.get("blocked_by") or []:
            if str(reason) in str(answer.get("error")).splitlines():  # said already
                continue
            click.echo(f"  - {in_words(reason)}", err=True)
        if "lockout" in (answer.get("blocked_by") or []):
            from controller.perform import LOCKOUT_REMEDY

            click.echo(f"end this bench, then {LOCKOUT_REMEDY}", err=True)
    if answer.get("ok"):
        return Exit.DONE
    return Exit.CONFIGURATION if answer.get("configuration") else Exit.DEVICE


@click.command()
@BENCH_OPTION
@JSON_OPTION
def status(bench: str | None, as_json: bool) -> int:
    """What a running bench is doing, and why it may not fire.

    \b
    Example:
      ablate status --json
    """
    answer = act(bench, lambda client: client.status())
    if as_json:
        click.echo(json.dumps(answer))
        return Exit.DONE
    from controller.live_view import alarm, broker_line, line

    click.echo(f"{answer.get('banner', '')}  {answer['bench']}  {line(answer)}".lstrip())
    if trip := answer.get("trip"):
        click.echo(f"TRIP {trip['hazard']} {trip['monitor']}: {trip['text']}. Check: {trip['check']}.")
    for told in (answer.get("alarms") or {}).get("list", []):
        click.echo(alarm(told))
    for reason in answer.get("blocked_by") or []:
        click.echo(f"  blocked by: {in_words(reason)}")
    if prompt := answer.get("prompt"):
        answered = "answer with" if prompt["kind"] == "attend" else "when it is done"
        click.echo(f"PROMPT {prompt['id']}: {prompt['text']}; {answered}: ablate confirm {prompt['id']}")
    if waits := answer.get("waits"):
        click.echo(f"waits for {waits}")
    if bag := (answer.get("coolant") or {}).get("bag"):
        click.echo(f"saline bag: {bag['left_ml']:.0f} of {bag['bag_ml']:.0f} mL{', LOW' if bag['low'] else ''}")
    if mqtt := answer.get("mqtt"):
        click.echo(broker_line(mqtt))
        for note in mqtt["notes"]:
            click.echo(f"  {note}")
    record = answer.get("record", {})
    click.echo(
        f"session {answer.get('session_file')}  record {'healthy' if record.get('healthy') else record.get('text')}"
    )
    click.echo(_panel_line(str(answer["bench"])))
    pids = answer.get("pids", {})
    click.echo(
        f"ticks {answer.get('ticks')}, late {answer.get('late_ticks')}; "
        f"daemon {pids.get('daemon')}, watchdog {pids.get('watchdog')}"
    )
    return Exit.DONE


def _panel_line(bench: str) -> str:
    """Where the panel is, or that there is none."""
    from controller.beside_panel import LOG, where
    from controller.client import runtime_root

    folder = runtime_root() / bench
    told = where(folder)
    if told is None:
        return "no panel"
    return f"panel {told.url} (link: ablate panel)" if told.alive else f"the panel has died; see {folder / LOG}"


@click.command()
@click.argument("protocol", shell_complete=protocols)
@RESUME_OPTION
@OLD_OPTION
@BENCH_OPTION
@JSON_OPTION
def arm(protocol: str, resume: bool, however_old: bool, bench: str | None, as_json: bool) -> int:
    """First of the two operator acts: load PROTOCOL, check everything, arm for 30 s. Then `ablate start` or the
    footswitch.

    \b
    Example:
      ablate arm cooled-needle-3cm-12min
    """

    path = str(Path(protocol).resolve()) if Path(protocol).is_file() else protocol

    async def prepared(client: Client) -> dict[str, Any]:
        for _ in range(50):  # a daemon that has just begun first proves off
            if (await client.status())["state"] != "BOOT":
                break
            await asyncio.sleep(0.1)
        answer = await client.prepare(path, resume=resume, however_old=however_old)
        if not answer.get("ok"):
            return answer
        asked = 0
        while True:
            state = await client.status()
            prompt = state.get("prompt")
            if prompt is not None and prompt["id"] != asked:
                asked = prompt["id"]
                click.echo(f"PROMPT {asked}: {prompt['text']}; when it is done: ablate confirm {asked}", err=True)
            if state["state"] != "PRECHECK" and (state["state"] != "READY" or prompt is None):
                break
            await asyncio.sleep(0.1)
        if state["state"] != "READY":
            return {"ok": False, "error": f"not ready: {state['state']}", "blocked_by": state.get("blocked_by")}
        return await client.arm()

    return say(act(bench, prepared), "ARMED for 30 s: press the footswitch, or run `ablate start`", as_json)


@click.command()
@BENCH_OPTION
@JSON_OPTION
def start(bench: str | None, as_json: bool) -> int:
    """Second of the two operator acts, after `ablate arm`: fire, and hold. Energy ends when this process ends.

    \b
    Example:
      ablate start
    """
    from controller.live_view import LiveView
    from controller.perform import hold
    from controller.terminal import answerer as at_hand

    stopping: list[int] = []

    async def go() -> int:
        client = await Client.connect(find_socket(bench))
        try:
            answer = await client.fire()
            if not answer.get("ok"):
                return say(answer, "", as_json)
            with LiveView(quiet=as_json) as view:
                answerer = at_hand(view.say, yes=False, simulation=None, needed=False)
                last = await hold(client, view, lambda: bool(stopping) or view.closed, answerer)
            result = last.get("result") or {}
            reason = f", {result['reason']}" if result.get("reason") and not result.get("trip") else ""
            ended = f"{result.get('result')}{reason}: session {last.get('session_file')}"
            try:
                click.echo(json.dumps(result) if as_json else ended)
            except BrokenPipeError:  # how it ended is not what its reader did
                let_go()
            return 128 + stopping[0] if stopping else exit_code(result)
        finally:
            await client.close()

    return _interruptible(go(), stopping.append)
