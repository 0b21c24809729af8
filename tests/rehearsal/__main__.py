"""``make rehearse``: every shipped protocol, full length, on its bench; a line each, and what was published beside it.

Minutes. Exit code 1 unless every one is completed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import click

from controller.config import setup as setups
from sim import rehearsal
from sim.validation.cases import Case, load_cases
from sim.validation.run import COMPARED
from tests.rehearsal.table import BENCHES, PROTOCOLS, bench_of

CASES = BENCHES.parents[1] / "tests" / "validation"
HEAD = ("protocol", "bench", "result", "time, s", "energy, kJ", "roll-offs", "zone, mm and mL", "published", "wall, s")
ROW = "{:<27} {:<26} {:<10} {:>8} {:>10} {:>9}  {:<19} {:<36} {:>7}"


def one(protocol: str) -> dict[str, Any]:
    """The result of one rehearsal; what went wrong instead of a result under ``error``."""
    began_s = time.perf_counter()
    folder, clean = rehearsal.scratch()
    try:
        setup = setups.load(bench_of(protocol), protocol)
        told = rehearsal.rehearse(setup, out=folder)
        told["modality"] = setup.protocol.protocol.modality
    except Exception as error:
        told = {"result": "error", "error": f"{type(error).__name__}: {error}"}
    finally:
        clean()
    return {**told, "wall_s": time.perf_counter() - began_s}


def line(protocol: str, told: Mapping[str, Any], published: str) -> str:
    """One row of the table."""
    zone = told.get("zone") or {}
    prefix = "contracted_" if zone and COMPARED[told["modality"]] == "after" else ""
    names = ("long_axis_mm", "short_axis_mm", "volume_ml")
    shown = "{:.0f} x {:.0f}, {:.1f}".format(*(zone[prefix + name] for name in names)) if zone else "-"
    return ROW.format(
        protocol,
        Path(bench_of(protocol)).stem,
        told["result"],
        f"{told.get('duration_s', 0):.0f}",
        f"{told.get('energy_delivered_j', 0) / 1e3:.1f}",
        told.get("rolloffs", "-"),
        shown,
        published,
        f"{told['wall_s']:.0f}",
    )


def published(cases: Mapping[str, Case]) -> dict[str, str]:
    """What the cases of the validation say of the zone that a protocol makes, by protocol; the first case counts."""
    found: dict[str, str] = {}
    for case in cases.values():
        for name, burn in case.burns.items():
            if burn.in_the_loop is None:
                continue
            values = {key: m.value for key, m in burn.measured.items()}
            axes = [f"{values[key]:g}" for key in ("long_axis_mm", "short_axis_mm") if key in values]
            volume = [f"{values['volume_ml']:g}"] if "volume_ml" in values else []
            words = ", ".join([*([" x ".join(axes)] if axes else []), *volume])
            if words:
                found.setdefault(burn.in_the_loop.protocol, f"{words} ({case.scene(name).tissue})")
    return found


@click.command()
@click.argument("protocols", nargs=-1)
@click.option("--jobs", type=click.IntRange(1, 64), default=2, show_default=True, help="Processes.")
def main(protocols: tuple[str, ...], jobs: int) -> None:
    """Rehearse PROTOCOLS, or all that are shipped."""
    chosen = protocols or PROTOCOLS
    said = published(load_cases(CASES))
    click.echo(ROW.format(*HEAD))
    bad: list[str] = []
    with ProcessPoolExecutor(jobs) as pool:
        for protocol, told in zip(chosen, pool.map(one, chosen), strict=True):
            click.echo(line(protocol, told, said.get(protocol, "-")))
            if told["result"] != "completed":
                why = told.get("error") or (told.get("trip") or {}).get("text") or told.get("reason") or told["result"]
                bad.append(f"{protocol}: {why}")
    click.echo(f"{len(chosen) - len(bad)} of {len(chosen)} completed")
    for text in bad:
        click.echo(text, err=True)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
