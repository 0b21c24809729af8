"""``ablate doctor``."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from controller.checkup import Finding, Verdict
from controller.exits import Exit

if TYPE_CHECKING:
    from controller.config.bench import Loop

COLOURS = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.FAIL: "red"}


@click.command()
@click.argument("bench", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def doctor(bench: str | None, as_json: bool) -> int:
    """Check this machine and, where BENCH is given, its broker and devices.

    Devices are opened, identified and released; nothing is ever energised. Exit code 4 when a line says FAIL.

    \b
    Examples:
      ablate doctor
      ablate doctor bench.yaml --json
    """
    findings = examine(bench)
    worst = next((v for v in (Verdict.FAIL, Verdict.WARN) if any(f.verdict is v for f in findings)), Verdict.OK)
    if as_json:
        click.echo(json.dumps({"verdict": worst.value, "findings": [finding.as_dict() for finding in findings]}))
    else:
        for finding in findings:
            verdict = click.style(f"{finding.verdict.value:<5}", fg=COLOURS[finding.verdict])
            click.echo(f"{verdict}{finding.subject}: {finding.text}")
            if finding.remedy:
                click.echo(f"     -> {finding.remedy}")
            if finding.command:
                click.echo(f"        {finding.command}")
    return Exit.DEVICE if worst is Verdict.FAIL else Exit.DONE


def examine(bench: str | None) -> list[Finding]:
    """Every finding, in the order of the report.

    Raises:
        ConfigError: the bench file cannot be used.
    """
    from controller.checkup import bench_state, host, ports, processes
    from controller.config.bench import Loop

    if bench is None:
        return [
            *host.versions(),
            *processes.packages(),
            *bench_state.extras(),
            *_machine("BENCH", 20.0, Loop()),
            *processes.folders(),
            *processes.watchdog(),
            *host.records_folder(Path("sessions")),
            *bench_state.latches(),
            *bench_state.running(),
            *ports.permissions(),
        ]
    from controller.checkup.broker import broker
    from controller.checkup.certificates import certificates
    from controller.checkup.commissioned import commissioned
    from controller.checkup.devices import bench_devices
    from controller.config.loading import load_bench

    loaded = load_bench(bench)
    settings = loaded.bench
    devices = asyncio.run(bench_devices(loaded))
    return [
        *host.versions(),
        *processes.packages(),
        *bench_state.extras(loaded),
        *_machine(bench, settings.tick_hz, settings.loop),
        *processes.folders(settings.bench),
        *processes.watchdog(),
        *host.records_folder(Path(settings.records.folder)),
        *bench_state.latches(settings.bench, bench),
        *bench_state.earlier_records(loaded),
        *bench_state.running(),
        *((*certificates(settings.mqtt), *broker(settings.mqtt)) if settings.mqtt is not None else ()),
        *ports.permissions(),
        *devices,
        *bench_state.swapped(devices, loaded),
        *commissioned(loaded),
    ]


def _machine(bench: str, tick_hz: float, wish: Loop) -> list[Finding]:
    from controller.checkup import claims, host, machine

    return [
        *host.clock(),
        *machine.wall_clock(),
        *([] if wish.realtime else host.real_time(tick_hz)),
        *claims.claims(wish),
        *machine.memory(),
        *machine.sleeps(bench, tick_hz),
        *machine.account(),
        *machine.panel_port(),
        *host.database(),
    ]
