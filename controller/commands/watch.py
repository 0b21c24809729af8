"""``ablate watch``: a bench in a terminal."""

from __future__ import annotations

import os
import sys

import click

from controller.commands.bench import BENCH_OPTION
from controller.exits import Exit


@click.command()
@BENCH_OPTION
def watch(bench: str | None) -> int:
    """A running bench in this terminal, over SSH too: values against limits, interlocks, alarms, prompts.

    Esc or s is STOP, at once. a acknowledges, m silences, ? helps, q leaves and the bench goes on. It never arms or
    fires. One page of 80 x 24; on a smaller one the arrow and page keys reach what does not fit. NO_COLOR is honoured.

    \b
    Examples:
      ablate watch
      ablate watch --bench cooled-rf
      ssh -t lab ablate watch
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM") in (None, "", "dumb"):
        raise click.UsageError("watch needs a terminal that can be drawn on; elsewhere: ablate status --json")
    from controller.client import find_socket

    find_socket(bench)  # no daemon, or several: said before the screen is taken
    try:
        from controller.watch.app import Watch
    except ImportError as error:
        raise click.ClickException(f"{error}: pip install 'openablate[watch]'") from error
    from controller.watch.link import Link

    code = Watch(Link(bench)).run()
    return Exit.UNEXPECTED if code is None else code
