"""How commands draw: consoles and progress bars that know when not to."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TextIO, TypeVar

if TYPE_CHECKING:
    from rich.console import Console

T = TypeVar("T")

Tell = Callable[[float], None]
"""Called with how much is done, of the total."""


def plain() -> bool:
    """No colours and no other styles: NO_COLOR, `--no-color`, or a terminal that has none."""
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"


def console(stream: TextIO | None = None) -> Console:
    """A console on ``stream`` (default: standard error)."""
    from rich.console import Console

    class Plain(Console):
        def on_broken_pipe(self) -> None:
            raise

    # What NO_COLOR leaves (bold, reverse) goes too: it is asked for where escape codes are not wanted.
    return Plain(file=stream or sys.stderr, color_system=None if plain() else "auto")


def typed() -> str:
    """How this command is typed here: `ablate`, or its path where the shell would find none, or another one."""
    this, found = sys.argv[0], shutil.which("ablate")
    if os.path.basename(this) != "ablate" or (found is not None and os.path.samefile(found, this)):
        return "ablate"
    return min(os.path.relpath(this), this, key=len)


@contextlib.contextmanager
def progress(what: str, total: float, *, unit: str = "", quiet: bool = False) -> Iterator[Tell]:
    """A bar on standard error, gone when it is done; nothing unless that is a terminal that can draw.

    Args:
        what: what is being done.
        total: of whatever ``unit`` counts.
        quiet: nothing is shown.
    """
    if quiet or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield lambda done: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    count = TextColumn(f"{{task.completed:.0f}} of {{task.total:.0f}} {unit}".rstrip())
    columns = (TextColumn("{task.description}"), BarColumn(), count, TimeRemainingColumn())
    with Progress(*columns, console=console(), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)


def each(what: str, items: Iterable[T], *, unit: str = "", quiet: bool = False) -> Iterator[T]:
    """``items`` one after the other, with a :func:`progress` of them."""
    listed = list(items)
    with progress(what, len(listed), unit=unit, quiet=quiet) as tell:
        for done, item in enumerate(listed):
            tell(done)
            yield item
