"""``ablate commission``: the proof of trip before the first energy on a bench, on record."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import click

from controller.exits import Exit


@click.command()
@click.argument("bench")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("commissioning"), show_default=True,
    help="Folder for the record.",
)  # fmt: skip
@click.option("--who", help="Your name, for the record. Default: the account's.")
@click.option("--only", "only", multiple=True, metavar="STEP", help="This step alone; repeatable. The record says so.")
@click.option(
    "--reset-latch", metavar="REASON", help="Acknowledge and reset an earlier trip first, with this reason on record."
)
@click.option("--list", "as_list", is_flag=True, help="Print the steps of this bench, and end.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object: the record, or with --list the steps.")
def commission(
    bench: str,
    out: Path,
    who: str | None,
    only: tuple[str, ...],
    reset_latch: str | None,
    as_list: bool,
    as_json: bool,
) -> int:
    """Prove on a bench that everything trips that must, before its first energy; step by step, on record.

    Each step says what to do and what must be seen; the bench watches by itself. Energy comes last, into a dummy load,
    by the ordinary prepare, arm and fire; not at all while a step before it has failed. `skip REASON` leaves a step
    out. Exit code 8 when a step has failed, 6 when steps were left out.

    \b
    Examples:
      ablate commission bench.yaml --who "A. Meyer"
      ablate commission bench.yaml --list
      ablate commission bench.yaml --only estop --only door
      ablate commission cooled-rf-sim        a rehearsal: simulated hands, simulated liver
    """
    from controller.commissioning import live, note, record
    from controller.commissioning.run import result_of
    from controller.commissioning.table import steps
    from controller.config.loading import load_bench

    loaded = load_bench(bench)
    known = steps(loaded.bench)
    if unknown := [name for name in only if name not in [step.step for step in known]]:
        raise click.UsageError(f"no step {unknown[0]!r} on this bench; there are {', '.join(s.step for s in known)}")
    chosen = [step for step in known if not only or step.step in only]
    if as_list:
        if as_json:
            click.echo(json.dumps([{"step": s.step, "title": s.title, "do": s.do, "see": s.see} for s in chosen]))
        else:
            for step in chosen:
                click.echo(f"{step.step:<18} {step.title}\n{'':<18}   do:  {step.do}\n{'':<18}   see: {step.see}")
        return Exit.DONE

    def say(text: str) -> None:
        click.echo(text, err=as_json)

    found = live.Found()
    try:
        asyncio.run(live.commission(loaded, chosen, found, say, reset_latch))
    finally:
        if found.done:  # broken off half-way is on record too
            reached = [row["step"] for row in found.done]
            left = [step for step in known if step.step not in reached]
            told = record.summary(loaded, found, left, who or record.typed_name())
            file, page = record.write(told, out)
            if not only:
                note.note(told, file)
            if as_json:
                click.echo(json.dumps(told))
            else:
                click.secho(f"\n{str(told['result']).upper()}: {page} (and {file.name})", bold=True)
    result = result_of(found.done)
    return {"passed": Exit.DONE, "failed": Exit.VERIFICATION}.get(result, Exit.ABORTED)
