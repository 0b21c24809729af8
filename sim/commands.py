"""The commands that need no device: demo, emulate, rehearse, simulate."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from controller.commands.completing import benches, protocols
from controller.console import typed
from sim.simulate_command import simulate

__all__ = ["demo", "emulate", "rehearse", "simulate"]

BENCH = "cooled-rf-sim"
DEMO_PROTOCOL = "demo-30s"
LONG_PROTOCOL = "cooled-needle-3cm-12min"
BUSY = (
    "nothing was injected: this computer was too busy for 20 ticks a second. Try again with less on it, or "
    "`ablate demo --speed max`, which needs no real time"
)


def _next(out: Path) -> str:
    """What a person may type after a demonstration."""
    ablate, folder = typed(), shlex.quote(str(out))
    return (
        f"next:    {ablate} sessions show last --folder {folder}     what is on record\n"
        f"         {ablate} demo --speed max     the whole 12-minute application"
    )


@click.command()
@click.option(
    "--speed",
    default="1",
    metavar="X|max",
    help="1: real processes and serial ports, half a minute. Else 12 minutes on virtual time.",
)
@click.option("--no-open", is_flag=True, help="Open neither panel nor report in a browser.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("demo-out"), show_default=True)
def demo(speed: str, no_open: bool, out: Path) -> int:
    """A cooled-needle application on simulated liver, from check to report; ends by itself.

    \b
    Examples:
      ablate demo               real daemon, watchdog and serial bytes, about half a minute
      ablate demo --speed max   the whole 12-minute application, in some seconds
    """
    from controller.beside_panel import can_open, open_page
    from controller.client import Unreachable
    from controller.commands.bench import _interruptible
    from controller.exits import Exit
    from controller.perform import NotReady
    from controller.session import parse_speed, run_application

    parse_speed(speed)  # refused before a word of what is shown
    real, shown = speed == "1", not no_open and can_open()
    click.echo(
        "SIMULATED bench: emulated devices answer on pseudo-terminals, simulated liver gets the power.", err=True
    )
    try:
        code = run_application(
            BENCH,
            DEMO_PROTOCOL if real else LONG_PROTOCOL,
            speed=speed,
            out=out,
            reset_reason="another demonstration",  # one that tripped must not keep the next from beginning
            report=True,
            as_json=False,
            loop=_interruptible,
            state_dir=out / "state",
            panel=real,
            open_panel=shown,
            hint=_next(out) if real else "",
        )
    except (NotReady, Unreachable):
        if real:
            click.echo(BUSY, err=True)
        raise
    pages = sorted(out.rglob("*.html"), key=lambda page: page.stat().st_mtime)
    if pages and shown:
        open_page(pages[-1].resolve().as_uri())
    if real and code == Exit.TRIPPED:
        click.echo(BUSY, err=True)
    return code


@click.command()
@click.argument("bench", shell_complete=benches)
@click.argument("work", metavar="PROTOCOL|PLAN", shell_complete=protocols)
@click.option(
    "--fault", "faults", multiple=True, metavar="SPEC", help="device.fault[=value][@onset_s][+duration_s]; repeatable."
)
@click.option("--seed", type=int, help="Of sensor noise; default: the bench file's.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Keep the session file in this folder.")
@click.option(
    "--operator-leaves", "leaves_s", type=click.FloatRange(min=0), metavar="S",
    help="From this time on nobody answers what the bench asks.",
)  # fmt: skip
@click.option("--resume", metavar="SESSION", help="Go on with a plan where this session (in --out, or a file) left it.")
@click.option(
    "--junit",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write JUnit XML for CI: a test case for each application.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def rehearse(
    bench: str,
    work: str,
    faults: tuple[str, ...],
    seed: int | None,
    out: Path | None,
    leaves_s: float | None,
    resume: str | None,
    junit: Path | None,
    as_json: bool,
) -> int:
    """The whole stack on virtual time: daemon, watchdog rules, devices' own bytes; one seed, one result.

    What the operator is asked is done by simulated hands, after 3 s. In a PLAN every placing of the probe is into fresh
    tissue.

    \b
    Examples:
      ablate rehearse cooled-rf-sim cooled-needle-3cm-12min --json
      ablate rehearse cooled-rf-sim demo-30s --fault pump.stall@15
      ablate rehearse cooled-rf-sim plan.yaml --out rehearsed
      ablate rehearse cooled-rf-sim ours.yaml --junit ours.xml
    """
    from controller.commands.bench import exit_code
    from controller.commands.plans import tell
    from controller.commands.sessions import find
    from controller.live_view import LiveView
    from controller.session import report_result
    from controller.treatment.loading import PlanSetup, load_work
    from controller.treatment.runner import earlier
    from sim import rehearsal

    setup = load_work(bench, work)
    before, duration_s = None, None
    if isinstance(setup, PlanSetup):
        tell(setup.plan.warnings)
        before = earlier(setup, find(resume, out or Path())) if resume is not None else None
    else:
        duration_s = setup.protocol.protocol.law.end[1]
    folder, clean = rehearsal.kept(out) if out is not None else rehearsal.scratch()
    try:
        with LiveView(quiet=as_json, duration_s=duration_s) as view:
            result = rehearsal.rehearse(
                setup, seed=seed, faults=faults, out=folder, watch=view, before=before, resume=resume is not None,
                drawn={"operator_leaves_s": leaves_s} if leaves_s is not None else None,
            )  # fmt: skip
        if junit is not None and result.get("session_file"):
            from controller.report import junit as xml

            xml.write([result["session_file"]], junit)
    finally:
        clean()
    if out is None:
        result["session_file"] = None
    report_result(result, None, as_json, "")
    return exit_code(result)


@click.command()
@click.argument("model", required=False)
@click.option("--pty", "pty_link", metavar="LINK", help="Serve on a pseudo-terminal and link it here.")
@click.option(
    "--tcp", "tcp_port", type=click.IntRange(0, 65535), metavar="PORT", help="Serve on this TCP port of 127.0.0.1."
)
@click.option("--load", "load_ohm", type=float, metavar="OHM", help="Resistive load of a generator, instead of tissue.")
@click.option(
    "--fault", "faults", multiple=True, metavar="SPEC", help="device.fault[=value][@onset_s][+duration_s]; repeatable."
)
@click.option(
    "--bench", "bench", metavar="BENCH", shell_complete=benches, help="A whole bench on the wire, by its sim:// ports."
)
@click.option(
    "--runtime-dir", type=click.Path(file_okay=False, path_type=Path), help="With --bench: where the ports appear."
)
@click.option(
    "--power-log",
    type=click.Path(dir_okay=False, path_type=Path),
    help="One JSON line for each change of what the tissue receives.",
)
def emulate(
    model: str | None,
    pty_link: str | None,
    tcp_port: int | None,
    load_ohm: float | None,
    faults: tuple[str, ...],
    bench: str | None,
    runtime_dir: Path | None,
    power_log: Path | None,
) -> int:
    """One device, or a whole bench, on the wire, until interrupted.

    \b
    Examples:
      ablate emulate tc-cxn --pty /tmp/gen --load 80
      ablate emulate --bench cooled-rf-sim --power-log power.jsonl
    """
    from sim import serve

    if (model is None) == (bench is None):
        raise click.UsageError("give a MODEL, or --bench BENCH")
    if bench is not None:
        from controller.client import runtime_root
        from controller.config.loading import load_bench

        loaded = load_bench(bench)
        return serve.serve_bench(
            loaded.reference, runtime_dir or runtime_root() / loaded.bench.bench, power_log=power_log, faults=faults
        )
    if (pty_link is None) == (tcp_port is None):
        raise click.UsageError("give --pty LINK or --tcp PORT")
    return serve.serve_device(
        model or "", pty_link=pty_link, tcp_port=tcp_port, load_ohm=load_ohm, faults=faults, power_log=power_log
    )
