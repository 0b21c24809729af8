"""The commands that need no device: demo, emulate, rehearse, simulate."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import webbrowser
from collections.abc import Mapping
from pathlib import Path

import click

from controller.exits import Exit

BENCH = "cooled-rf-sim"
DEMO_PROTOCOL = "demo-30s"
LONG_PROTOCOL = "cooled-needle-3cm-12min"


@click.command()
@click.option(
    "--speed",
    default="1",
    metavar="X|max",
    help="1: real processes and serial ports, half a minute. Else 12 minutes on virtual time.",
)
@click.option("--no-open", is_flag=True, help="Do not open the report in a browser.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("demo-out"), show_default=True)
def demo(speed: str, no_open: bool, out: Path) -> int:
    """A cooled-needle application on simulated liver, from check to report; ends by itself.

    \b
    Examples:
      ablate demo               real daemon, watchdog and serial bytes, about half a minute
      ablate demo --speed max   the whole 12-minute application, in some seconds
    """
    from controller.commands.bench import _interruptible
    from controller.session import run_application

    real = speed == "1"
    click.echo(
        "SIMULATED bench: emulated devices answer on pseudo-terminals, simulated liver gets the power.", err=True
    )
    code = run_application(
        BENCH,
        DEMO_PROTOCOL if real else LONG_PROTOCOL,
        speed=speed,
        out=out,
        reset_reason=None,
        report=True,
        as_json=False,
        loop=_interruptible,
        state_dir=out / "state",
        hint="next:    ablate demo --speed max     the whole 12-minute application" if real else "",
    )
    pages = sorted(out.rglob("*.html"), key=lambda page: page.stat().st_mtime)
    if pages and not no_open and sys.stdout.isatty() and (os.environ.get("DISPLAY") or sys.platform == "darwin"):
        with contextlib.suppress(webbrowser.Error):
            webbrowser.open(pages[-1].resolve().as_uri())
    return code


@click.command()
@click.argument("bench")
@click.argument("protocol")
@click.option(
    "--fault", "faults", multiple=True, metavar="SPEC", help="device.fault[=value][@onset_s][+duration_s]; repeatable."
)
@click.option("--seed", type=int, help="Of sensor noise; default: the bench file's.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Keep the session file in this folder.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def rehearse(
    bench: str, protocol: str, faults: tuple[str, ...], seed: int | None, out: Path | None, as_json: bool
) -> int:
    """The whole stack on virtual time: daemon, watchdog rules, devices' own bytes; one seed, one result.

    \b
    Examples:
      ablate rehearse cooled-rf-sim cooled-needle-3cm-12min --json
      ablate rehearse cooled-rf-sim demo-30s --fault pump.stall@15
    """
    from controller.commands.bench import exit_code
    from controller.config import setup as setups
    from controller.live_view import LiveView
    from controller.session import report_result
    from sim import rehearsal

    setup = setups.load(bench, protocol)
    folder, clean = rehearsal.kept(out) if out is not None else rehearsal.scratch()
    try:
        with LiveView(quiet=as_json, duration_s=setup.protocol.protocol.law.end[1]) as view:
            result = rehearsal.rehearse(setup, seed=seed, faults=faults, out=folder, watch=view)
    finally:
        clean()
    if out is None:
        result["session_file"] = None
    report_result(result, None, as_json, "")
    return exit_code(result)


@click.command()
@click.argument("protocol")
@click.option("--tissue", help="Default: ex vivo bovine liver.", default="exvivo_bovine", show_default=True)
@click.option("--mesh", type=click.Choice(["fast", "fine", "reference"]), default="fast", show_default=True)
@click.option("--gauge", type=int, default=17, show_default=True, help="Of the needle.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def simulate(protocol: str, tissue: str, mesh: str, gauge: int, as_json: bool) -> int:
    """Plant and law alone: what PROTOCOL would do to the tissue with an ideal generator.

    \b
    Example:
      ablate simulate cooled-needle-3cm-12min --tissue exvivo_porcine --json
    """
    import math

    from controller.config.loading import load_protocol
    from controller.config.problems import ConfigError, Problem
    from controller.laws import registry
    from controller.laws.base import Observation
    from safety.types import Permit, State
    from sim.world.simulate import run_protocol

    loaded = load_protocol(protocol)
    treatment = loaded.protocol
    law = registry.create(treatment.law)
    needle = {**treatment.applicator.model_dump(), "name": "needle", "gauge": gauge}
    power_w = treatment.limits.power_w or treatment.law.peak[1]
    rolled: list[float] = []

    def step(t_s: float, impedance_ohm: float, temps: Mapping[str, float], now_w: float, dt_s: float) -> float | None:
        seen = Observation(t_s, impedance_ohm, 0.0, temps.get("tip"), (), now_w, now_w, 0.0)
        demand = law.step(seen, Permit(power_w, math.inf, 0, State.FIRING), dt_s)
        while law.rolloffs > len(rolled):
            rolled.append(t_s)
        return None if law.finished else min(demand.power_w, power_w)

    try:
        result = run_protocol(
            step,
            needle,
            tissue,
            treatment.law.end[1] + 1.0,
            mesh=mesh,
            flow_ml_min=treatment.cooling.flow_ml_min if treatment.cooling else 0.0,
            rolloffs=lambda: rolled,
        )
    except ValueError as error:
        raise ConfigError([Problem(str(loaded.path), 0, "", str(error))]) from error
    if as_json:
        click.echo(json.dumps(result))
        return Exit.DONE
    zone = result["zone"]
    click.echo(
        f"{treatment.protocol} on {tissue}, {mesh} mesh: "
        f"{result['duration_s']:.0f} s, {result['energy_j'] / 1000:.1f} kJ"
    )
    click.echo(f"zone       {zone['long_axis_mm']:.1f} x {zone['short_axis_mm']:.1f} mm, {zone['volume_ml']:.1f} mL")
    click.echo(
        f"impedance  {result['impedance_start_ohm']:.0f} -> {result['impedance_min_ohm']:.0f} ohm, "
        f"{result['rolloffs']} roll-offs"
    )
    for probe in result["probes"]:
        reached = probe["time_to_54c_s"]
        when = f", 54 °C after {reached:.0f} s" if reached is not None else ""
        click.echo(f"at {probe['radius_mm']:.0f} mm   at most {probe['max_c']:.1f} °C{when}")
    click.echo(f"computed in {result['wall_s']:.2f} s")
    return Exit.DONE


@click.command()
@click.argument("model", required=False)
@click.option("--pty", "pty_link", metavar="LINK", help="Serve on a pseudo-terminal and link it here.")
@click.option("--tcp", "tcp_port", type=int, metavar="PORT", help="Serve on this TCP port of 127.0.0.1.")
@click.option("--load", "load_ohm", type=float, metavar="OHM", help="Resistive load of a generator, instead of tissue.")
@click.option(
    "--fault", "faults", multiple=True, metavar="SPEC", help="device.fault[=value][@onset_s][+duration_s]; repeatable."
)
@click.option("--bench", "bench", metavar="BENCH", help="A whole bench on the wire, by its sim:// ports.")
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
            loaded.path, runtime_dir or runtime_root() / loaded.bench.bench, power_log=power_log, faults=faults
        )
    if (pty_link is None) == (tcp_port is None):
        raise click.UsageError("give --pty LINK or --tcp PORT")
    return serve.serve_device(
        model or "", pty_link=pty_link, tcp_port=tcp_port, load_ohm=load_ohm, faults=faults, power_log=power_log
    )
