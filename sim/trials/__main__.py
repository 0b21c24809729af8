"""``python -m sim.trials``: the draws that have no result yet, then the page."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import click

from sim.trials import page
from sim.trials.arms import ARMS, Arm, draws_of
from sim.trials.race import TISSUES, race, race_key
from sim.trials.trial import key_of, try_one
from sim.validation.page import write

Job = tuple[str, Callable[..., Any], tuple[Any, ...]]
"""(key of the kept results, what to call, its arguments; the last one is the number of the draw)."""


class Kept:
    """Results in a folder, one JSON line each, a file for each arm: what was computed is not computed again.

    A file's name holds a hash of what the results stand on (protocol, bench, seed); a change of the laws' code does
    not show in it: ``--fresh`` then.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def read(self, key: str) -> dict[int, dict[str, Any]]:
        """By number of the draw."""
        path = self.folder / f"{key}.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return {row["index"]: row for row in map(json.loads, lines)}

    def add(self, key: str, row: dict[str, Any]) -> None:
        """Keep one more."""
        with (self.folder / f"{key}.jsonl").open("a") as file:
            file.write(json.dumps(row) + "\n")


def _jobs(arms: list[Arm], tissues: list[str], seed: int, draws: int, kept: Kept) -> Iterator[Job]:
    """What is missing, draw by draw, so that an interrupted run has as many of each arm."""
    groups: list[tuple[str, int, Callable[..., Any], tuple[Any, ...]]] = [
        *((_name(arm.name, key_of(arm, seed)), draws_of(arm, draws), try_one, (arm, seed)) for arm in arms),
        *((_name(tissue, race_key(seed)), draws, race, (tissue, seed)) for tissue in tissues),
    ]
    there = {key: kept.read(key) for key, _, _, _ in groups}
    for index in range(draws):
        for key, most, call, arguments in groups:
            if index < most and index not in there[key]:
                yield key, call, (*arguments, index)


def _name(what: str, key: str) -> str:
    return f"{what.replace(', ', '-').replace(' ', '-')}-{key}"


@click.command()
@click.option(
    "--draws",
    type=click.IntRange(1, 10000),
    default=200,
    show_default=True,
    help="Of each law, divided among its arms.",
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option("--jobs", type=click.IntRange(1, 64), default=2, show_default=True, help="Processes.")
@click.option("--only", multiple=True, metavar="ARM", help="Only these arms (or: race); repeatable.")
@click.option("--minutes", type=float, default=0.0, help="Stop after about so long; the next run goes on.")
@click.option("--fresh", is_flag=True, help="Forget what earlier runs have kept.")
@click.option("--kept", "folder", type=click.Path(file_okay=False, path_type=Path), default=Path("build/laws"))
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=Path("docs/laws.md"), show_default=True)
def main(
    draws: int, seed: int, jobs: int, only: tuple[str, ...], minutes: float, fresh: bool, folder: Path, out: Path
) -> None:
    """Try every law on seeded draws with the whole stack, and write the page. Exits 0 when every draw ran."""
    names = [arm.name for arm in ARMS]
    for name in only:
        if name not in (*names, "race"):
            raise click.UsageError(f"--only {name}: no such arm; there are {', '.join(names)}, race")
    arms = [arm for arm in ARMS if not only or arm.name in only]
    tissues = list(TISSUES) if not only or "race" in only else []
    kept = Kept(folder)
    if fresh:
        for path in folder.glob("*.jsonl"):
            path.unlink()
    began_s = time.monotonic()
    failed: list[str] = []
    todo = list(_jobs(arms, tissues, seed, draws, kept))
    until_s = began_s + 60.0 * minutes if minutes > 0.0 else float("inf")
    with ProcessPoolExecutor(jobs) as pool:
        done = 0
        while todo and time.monotonic() < until_s:
            batch, todo = todo[: 8 * jobs], todo[8 * jobs :]
            futures: dict[Future[Any], tuple[str, int]] = {
                pool.submit(call, *arguments): (key, arguments[-1]) for key, call, arguments in batch
            }
            for future in as_completed(futures):
                key, index = futures[future]
                done += 1
                try:
                    kept.add(key, future.result().as_dict())
                except Exception as error:
                    failed.append(f"{key} draw {index}: {type(error).__name__}: {error}")
                if sys.stderr.isatty():
                    click.echo(f"\r{done} of {done + len(todo)} {key:<50}", nl=False, err=True)
    trials = {arm.name: kept.read(_name(arm.name, key_of(arm, seed))) for arm in ARMS}
    pairs = {tissue: kept.read(_name(tissue, race_key(seed))) for tissue in TISSUES}
    text = page.markdown(trials, pairs, seed, draws)
    click.echo(page.summary(trials, pairs))
    write(out, text)
    click.echo(f"written: {out}; {done} draws in {time.monotonic() - began_s:.0f} s, {len(todo)} still missing")
    for line in failed:
        click.echo(f"failed: {line}", err=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
