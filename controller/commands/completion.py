"""``ablate completion``: the Tab key."""

from __future__ import annotations

import click

INSTALL = {
    "bash": ("~/.bashrc", 'eval "$(ablate completion bash)"', "bash 4.4 or newer"),
    "zsh": ("~/.zshrc, after compinit", 'eval "$(ablate completion zsh)"', "zsh"),
    "fish": ("~/.config/fish/completions/ablate.fish", "ablate completion fish | source", "fish"),
}
"""By shell: where the line goes, the line, what it needs."""


@click.command()
@click.argument("shell", type=click.Choice([*INSTALL]))
def completion(shell: str) -> None:
    """Print the script that completes commands, benches, protocols and sessions in SHELL; its end says how to install.

    \b
    Examples:
      eval "$(ablate completion bash)"
      ablate completion zsh
      ablate completion fish > ~/.config/fish/completions/ablate.fish
    """
    from click.shell_completion import get_completion_class

    from controller.cli import root

    kind = get_completion_class(shell)
    assert kind is not None  # the choices above are those that click has
    maker = kind(root, {}, "ablate", "_ABLATE_COMPLETE")
    where, line, needs = INSTALL[shell]
    click.echo((maker.source_template % maker.source_vars()).strip())  # zsh wants its own first line first
    click.echo(f"\n# Completion of `ablate` for {needs}. To install, put this line into {where}:\n#   {line}")
