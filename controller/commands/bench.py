"""The commands that touch a bench: run, serve, and the operator's acts on a running daemon."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import stat
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import click

from controller.client import Client, find_socket
from controller.exits import Exit

BENCH_OPTION = click.option("--bench", metavar="NAME", help="Name of the bench, when more than one is running.")
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
    """The exit code of an application's result."""
    return {"completed": Exit.DONE, "tripped": Exit.TRIPPED}.get(str(result.get("result")), Exit.ABORTED)


@click.command()
@click.argument("bench")
@click.argument("protocol")
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
@JSON_OPTION
def run(
    bench: str, protocol: str, speed: str, out: Path | None, reset_latch: str | None, no_report: bool, as_json: bool
) -> int:
    """One application on a bench: check, prepare, arm, fire and hold; energy ends with this process.

    \b
    Examples:
      ablate run cooled-rf-sim cooled-needle-3cm-12min
      ablate run bench.yaml protocol.yaml --out today --json
      ablate run cooled-rf-sim cooled-needle-3cm-12min --speed max
    """
    from controller.session import run_application

    return run_application(
        bench,
        protocol,
        speed=speed,
        out=out,
        reset_reason=reset_latch,
        report=not no_report,
        as_json=as_json,
        loop=_interruptible,
    )


@click.command()
@click.argument("bench")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for session files.")
def serve(bench: str, out: Path | None) -> int:
    """Run the daemon of a bench in the foreground until Ctrl-C or SIGTERM; control it with arm, start, stop, status.

    \b
    Example:
      ablate serve bench.yaml
    """
    from controller.session import serve_bench

    return serve_bench(bench, out, _interruptible)


def _act(bench: str | None, act: Callable[[Client], Coroutine[Any, Any, dict[str, Any]]]) -> dict[str, Any]:
    async def go() -> dict[str, Any]:
        client = await Client.connect(find_socket(bench))
        try:
            return await act(client)
        finally:
            await client.close()

    return asyncio.run(go())


def _say(answer: dict[str, Any], done: str, as_json: bool) -> int:
    if as_json:
        click.echo(json.dumps(answer))
    elif answer.get("ok"):
        click.echo(done)
    else:
        click.echo(f"refused: {answer.get('error')}", err=True)
        for reason in answer.get("blocked_by") or []:
            click.echo(f"  - {reason}", err=True)
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
    answer = _act(bench, lambda client: client.status())
    if as_json:
        click.echo(json.dumps(answer))
        return Exit.DONE
    from controller.live_view import line

    click.echo(f"{answer.get('banner', '')}  {answer['bench']}  {line(answer)}".lstrip())
    if trip := answer.get("trip"):
        click.echo(f"TRIP {trip['hazard']} {trip['monitor']}: {trip['text']}. Check: {trip['check']}.")
    for reason in answer.get("blocked_by") or []:
        click.echo(f"  blocked by: {reason}")
    record = answer.get("record", {})
    click.echo(
        f"session {answer.get('session_file')}  record {'healthy' if record.get('healthy') else record.get('text')}"
    )
    pids = answer.get("pids", {})
    click.echo(
        f"ticks {answer.get('ticks')}, late {answer.get('late_ticks')}; "
        f"daemon {pids.get('daemon')}, watchdog {pids.get('watchdog')}"
    )
    return Exit.DONE


@click.command()
@click.argument("protocol")
@BENCH_OPTION
@JSON_OPTION
def arm(protocol: str, bench: str | None, as_json: bool) -> int:
    """First of the two operator acts: load PROTOCOL, check everything, arm for 30 s. Then `ablate start` or the
    footswitch.

    \b
    Example:
      ablate arm cooled-needle-3cm-12min
    """

    path = str(Path(protocol).resolve()) if Path(protocol).is_file() else protocol

    async def act(client: Client) -> dict[str, Any]:
        for _ in range(50):  # a daemon that has just begun first proves off
            if (await client.status())["state"] != "BOOT":
                break
            await asyncio.sleep(0.1)
        answer = await client.prepare(path)
        if not answer.get("ok"):
            return answer
        for _ in range(200):
            state = await client.status()
            if state["state"] != "PRECHECK":
                break
            await asyncio.sleep(0.1)
        if state["state"] != "READY":
            return {"ok": False, "error": f"not ready: {state['state']}", "blocked_by": state.get("blocked_by")}
        return await client.arm()

    return _say(_act(bench, act), "ARMED for 30 s: press the footswitch, or run `ablate start`", as_json)


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

    stopping: list[int] = []

    async def go() -> int:
        client = await Client.connect(find_socket(bench))
        try:
            answer = await client.fire()
            if not answer.get("ok"):
                return _say(answer, "", as_json)
            with LiveView(quiet=as_json) as view:
                last = await hold(client, view, lambda: bool(stopping))
            result = last.get("result") or {}
            click.echo(json.dumps(result) if as_json else f"{result.get('result')}: session {last.get('session_file')}")
            return 128 + stopping[0] if stopping else exit_code(result)
        finally:
            await client.close()

    return _interruptible(go(), stopping.append)


@click.command()
@click.option("--reason", default="operator", help="Kept in the record.")
@BENCH_OPTION
@JSON_OPTION
def stop(reason: str, bench: str | None, as_json: bool) -> int:
    """Energy off, now. Never refused; safe to send any number of times.

    \b
    Example:
      ablate stop
    """
    return _say(_act(bench, lambda client: client.stop("", reason)), "stop sent", as_json)


@click.command()
@BENCH_OPTION
@JSON_OPTION
def ack(bench: str | None, as_json: bool) -> int:
    """Acknowledge a trip that you have seen. It stays latched until it is reset.

    \b
    Example:
      ablate ack
    """
    return _say(_act(bench, lambda client: client.ack()), "acknowledged; still latched", as_json)


@click.command()
@click.argument("reason")
@BENCH_OPTION
@JSON_OPTION
@click.option("--lockout", is_flag=True, help="End a LOCKOUT: only while no daemon runs; asks for the bench's name.")
@click.option("--confirm", metavar="NAME", help="With --lockout: the bench's name, typed by whoever has looked.")
def reset(reason: str, bench: str | None, as_json: bool, lockout: bool, confirm: str | None) -> int:
    """Leave an acknowledged trip behind, when its cause has been gone for 2 s. REASON is kept in the record.

    A LOCKOUT (off could not be proven, or the program failed) outlives the daemon. End it with --lockout when the
    generator has been found off and the cause is known; off is proven again at the next start.

    \b
    Examples:
      ablate reset "tube was kinked, straightened"
      ablate reset "generator fuse replaced, output measured at 0 W" --bench cooled-rf --lockout
    """
    if lockout:
        if bench is None:
            raise click.UsageError("--lockout needs --bench NAME")
        from controller.lockout import end_lockout

        typed = confirm if confirm is not None else click.prompt(f"Type the bench's name ({bench}) to end its lockout")
        done = "the lockout is ended; off is proven again at the next start"
        return _say(end_lockout(bench, reason, typed), done, as_json)
    return _say(_act(bench, lambda client: client.reset("", reason)), "reset: SAFE", as_json)
