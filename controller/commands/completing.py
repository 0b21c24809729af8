"""What the Tab key completes besides commands and options. Reads names of files only: nothing slow is imported, and a
folder that cannot be read completes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

MOST = 200
"""Sessions; more of them nobody picks from by eye."""


def _items(names: Iterable[str], incomplete: str, *, files: bool) -> list[CompletionItem]:
    found = [CompletionItem(name) for name in names if name.startswith(incomplete)]
    return [*found, CompletionItem(incomplete, type="file")] if files else found


def benches(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Benches that come with Openablate, and files."""
    from controller.config.shipped import shipped

    return _items(shipped("bench"), incomplete, files=True)


def protocols(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Protocols that come with Openablate, and files."""
    from controller.config.shipped import shipped

    return _items(shipped("protocol"), incomplete, files=True)


def running(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Benches whose daemon runs."""
    from controller import client

    try:
        return _items(client.running(), incomplete, files=False)
    except (client.Unreachable, OSError):
        return []


def sessions(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """``last``, and the ids of the sessions in the folder that ``--folder`` names, the newest first; and files."""
    folder: Any = ctx.params.get("folder") or "sessions"
    try:
        paths = sorted(Path(folder).rglob("*.ablate"), reverse=True)
    except OSError:
        paths = []
    ids = (path.stem.rpartition("_")[2] for path in paths)
    return _items(["last", *islice(ids, MOST)], incomplete, files=True)
