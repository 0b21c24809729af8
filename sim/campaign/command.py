"""``ablate campaign``: faults in every phase of an application, judged by what the simulated tissue received."""

from __future__ import annotations

import itertools
import json
import os
import signal
import tempfile
from pathlib import Path
from typing import Any

import click

from controller.exits import Exit


@click.command()
@click.option("--runs", type=click.IntRange(1), default=2400, show_default=True, help="Injected runs.")
@click.option("--full", is_flag=True, help="Every fault in every phase at every offset: tens of thousands of runs.")
@click.option("--nominal", type=click.IntRange(0), help="Runs without a fault; default: a tenth of the injected ones.")
@click.option("--gain", type=click.Choice(["0.8", "1.2"]), help="Another world: its gains 20 % off.")
@click.option("--delay", type=click.Choice(["2"]), help="Another world: its delays twice as long.")
@click.option("--dry-run", is_flag=True, help="Say which runs there would be, and run none.")
@click.option("--jobs", type=click.IntRange(1), help="Processes; default: the cores of this machine.")
@click.option("--seed", type=int, default=1, show_default=True, help="Which of the runs are chosen.")
@click.option("--cluster", metavar="ADDRESS", help="A Dask scheduler to run on instead of this machine.")
@click.option("--only", metavar="RUN", help="One run, as a report names it; its session file is kept in --out.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path),
    help="Folder of runs.jsonl, summary.json and evidence.json. What is there already is not run again.",
)  # fmt: skip
@click.option("--anew", is_flag=True, help="Throw away the runs in --out, as those of another program must be.")
@click.option("--json", "as_json", is_flag=True, help="The summary as one JSON object.")
def campaign(
    runs: int,
    full: bool,
    nominal: int | None,
    gain: str | None,
    delay: str | None,
    dry_run: bool,
    jobs: int | None,
    seed: int,
    cluster: str | None,
    only: str | None,
    out: Path | None,
    anew: bool,
    as_json: bool,
) -> int:
    """Inject faults and judge every run. Exit code 8 unless all are OK.

    Ctrl-C ends it behind the runs under way; with --out they are kept, and the same command goes on.

    \b
    Verdicts: OK; LATE (right cause, too late or too much energy); MISSED (energy flowed on); WRONG_CAUSE;
    MASKED (it had ended before); FALSE (nothing was wrong); NOT_REACHED (the phase never came).

    \b
    Examples:
      ablate campaign --runs 200
      ablate campaign --full --nominal 10000 --dry-run
      ablate campaign --full --nominal 10000 --out evidence
      ablate campaign --only rf/pump.stall/steady/0us/1 --out look
    """
    from controller.console import progress
    from controller.evidence.revision import origin
    from sim.campaign import ending, evidence, plan, pool, summary
    from sim.campaign.benches import BENCHES
    from sim.campaign.warp import Warp

    if only is not None:
        return _once(only, out, as_json)
    modalities = tuple(BENCHES)
    cases = [*plan.singles(modalities), *plan.pairs(modalities)]
    if not full:
        cases = plan.covering(cases, runs, seed)
    cases += plan.nominal(modalities, nominal if nominal is not None else max(1, len(cases) // 10))
    warp = Warp(float(gain or 1), float(delay or 1))
    cases = [case._replace(warp=warp) for case in cases]
    if dry_run:
        told = plan.counts(cases)
        for line in [json.dumps(told)] if as_json else plan.text(told):
            click.echo(line)
        return Exit.DONE
    made_from = origin()
    with tempfile.TemporaryDirectory(prefix="ablate-campaign-") as scratch:
        folder = out or Path(scratch)
        if anew:
            (folder / pool.RUNS).unlink(missing_ok=True)
        try:
            before = pool.done_before(folder, made_from)
            left, done = sum(case.key not in before.rows for case in cases), itertools.count(1)
            with ending.asked() as ends, progress("runs", left, quiet=as_json) as tell:
                rows = pool.run_all(
                    cases, folder, jobs=jobs or os.cpu_count() or 1, cluster=cluster, made_from=made_from,
                    progress=lambda row: tell(next(done)), stop=ends,
                )  # fmt: skip
        except (pool.NoCluster, pool.OtherProgram) as error:
            raise click.ClickException(str(error)) from error
        told = summary.summarise(rows)
        if len(rows) < len(cases):
            if rows or as_json:
                _say(told | {"planned": len(cases)} if as_json else told, as_json)
            kept = f"they are kept in {out}: the same command goes on" if out else "without --out none is kept"
            without = ", without --anew" if out and anew else ""
            click.echo(f"ended after {len(rows)} of {len(cases)} runs; {kept}{without}", err=True)
            return Exit.TERMINATED if ends.number == signal.SIGTERM else Exit.INTERRUPTED
        (folder / "summary.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        asked = ("--full" if full else f"--runs {runs}") + (f" --gain {gain}" if gain else "")
        asked += f" --delay {delay}" if delay else ""
        command = f"ablate campaign {asked} --nominal {told['nominal']} --seed {seed}"
        evidence.write(folder, rows, command, before.made_from)
    _say(told, as_json)
    return Exit.DONE if told["verdicts"]["OK"] == told["runs"] else Exit.VERIFICATION


def _say(told: dict[str, Any], as_json: bool) -> None:
    from sim.campaign import summary

    for line in [json.dumps(told)] if as_json else summary.text(told):
        click.echo(line)


def _once(only: str, out: Path | None, as_json: bool) -> int:
    from sim.campaign import plan, trial
    from sim.campaign.verdict import Verdict

    try:
        case = plan.parse(only)
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
        verdict, why, seen = trial.run(case, out)
    except (KeyError, ValueError) as error:
        raise click.UsageError(f"--only: {error}") from error
    if as_json:
        told = {name: None if value != value else value for name, value in seen._asdict().items()}
        click.echo(json.dumps({"case": case.key, "verdict": verdict, "why": why, **told}))
    else:
        click.echo(f"{verdict}{': ' if why else ''}{why}")
        for name, value in seen._asdict().items():
            click.echo(f"  {name}: {value:.3f}" if isinstance(value, float) else f"  {name}: {value}")
    return Exit.DONE if verdict is Verdict.OK else Exit.VERIFICATION
