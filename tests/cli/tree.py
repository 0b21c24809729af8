"""The whole tree of commands."""

from __future__ import annotations

from collections.abc import Iterator

import click

from controller import cli


def leaves(
    command: click.Command = cli.root, path: tuple[str, ...] = ("ablate",)
) -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by its words."""
    if not isinstance(command, click.Group):
        yield " ".join(path), command
        return
    with click.Context(command, info_name=path[-1]) as context:
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None, name
            yield from leaves(found, (*path, name))


COMMANDS = dict(leaves())
