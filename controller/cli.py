"""The command line: a table of names, and one place where every error becomes a message and an exit code.

A command's module is imported only when that command runs, so ``ablate stop`` and ``ablate --help`` stay fast. Plug-ins
add commands under the entry-point group ``openablate.commands``.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from controller import streams
from controller.exits import MEANING, Exit, code_for, of_the_disk, ours

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.metadata import EntryPoint

    from click.shell_completion import CompletionItem

COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("controller.commands.bench", "One application on a bench, from check to report."),
    "serve": ("controller.commands.bench", "Run the daemon of a bench until it is told to end."),
    "panel": ("controller.commands.panel", "The panel of a running bench, in a browser."),
    "status": ("controller.commands.bench", "What a running bench is doing, and why it may not fire."),
    "watch": ("controller.commands.watch", "A running bench in this terminal; STOP is one key."),
    "arm": ("controller.commands.bench", "First of the two operator acts; lasts 30 s."),
    "start": ("controller.commands.bench", "Second of the two operator acts; energy ends with this process."),
    "stop": ("controller.commands.acts", "Energy off, now. Never refused."),
    "confirm": ("controller.commands.acts", "Say that you did by hand what the bench asked for."),
    "bag": ("controller.commands.acts", "Say that a new saline bag hangs."),
    "mark": ("controller.commands.acts", "Keep in the record what you saw, and when."),
    "silence": ("controller.commands.acts", "Pause the sound of alarms; a new one of high priority is heard."),
    "ack": ("controller.commands.acts", "Acknowledge the alarms that you have seen."),
    "reset": ("controller.commands.acts", "Leave a trip or lockout behind, with your reason on record."),
    "init": ("controller.commands.init", "Write a bench file by asking."),
    "doctor": ("controller.commands.doctor", "Check machine, ports and devices; never energises."),
    "commission": ("controller.commands.commission", "Prove every trip before the first energy, on record."),
    "devices": ("controller.commands.devices", "Drivers that are installed, ports that are there."),
    "config": ("controller.commands.config", "Check and show bench files; print their schema."),
    "protocols": ("controller.commands.protocols", "Shipped and own treatment files."),
    "plans": ("controller.commands.plans", "What a lab does in one session: targets and their applications."),
    "sessions": ("controller.commands.sessions", "List, show, verify, export, replay and prune sessions."),
    "collect": ("controller.commands.collect", "Many benches' telemetry into Parquet files and PostgreSQL."),
    "safety-case": ("controller.commands.safety_case", "What can go wrong, and what has shown that it is met."),
    "completion": ("controller.commands.completion", "Completion of commands and names for bash, zsh and fish."),
    "bundle": ("controller.commands.bundle", "One archive for whoever helps you, without secrets."),
    "version": ("controller.commands.version", "Versions of everything that takes part."),
}
"""Core commands in the order of ``--help``: where each lives, and its one line there."""

PLUGIN_GROUP = "openablate.commands"
PLUGIN_LINES = {
    "campaign": "Faults in every phase, each run judged.",
    "demo": "A whole application on the emulated bench, with its report.",
    "emulate": "One device, or a whole bench, on the wire.",
    "rehearse": "The whole stack on virtual time.",
    "simulate": "Plant and law alone.",
}
"""Lines for the plug-ins that ship with us: ``--help`` imports no plug-in."""

REPORT_TO = "this is a defect of Openablate: please report it with the output of `ablate version --json`"


def plugins() -> dict[str, EntryPoint]:
    """Commands that plug-ins offer, by name. A core command's name cannot be taken."""
    from importlib.metadata import entry_points

    return {entry.name: entry for entry in entry_points(group=PLUGIN_GROUP) if entry.name not in COMMANDS}


class OutputClosed(Exception):
    """Whoever read what a command said has gone. click would make exit code 1 of the error itself."""


@contextlib.contextmanager
def reading() -> Iterator[None]:
    """A broken pipe as :class:`OutputClosed`, before click sees it."""
    try:
        yield
    except BrokenPipeError as error:
        raise OutputClosed from error


class LazyGroup(click.Group):
    """A group whose commands are imported when they are wanted."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        with reading():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with reading():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*sorted(plugins()), *COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS:
            loaded = getattr(importlib.import_module(COMMANDS[cmd_name][0]), cmd_name.replace("-", "_"))
        else:
            entry = plugins().get(cmd_name)
            if entry is None:
                return None
            loaded = entry.load()
        if not isinstance(loaded, click.Command):
            raise TypeError(f"`ablate {cmd_name}` is a {type(loaded).__name__}, not a click command")
        return loaded

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            near = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            hint = f" Did you mean '{near[0]}'?" if near else " `ablate --help` lists them."
            raise click.UsageError(f"No such command '{args[0]}'.{hint}", ctx) from error

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names and their lines, without importing one of them."""
        from click.shell_completion import CompletionItem

        lines = {**{name: PLUGIN_LINES.get(name, "") for name in plugins()}, **{n: t for n, (_, t) in COMMANDS.items()}}
        found = [CompletionItem(name, help=line) for name, line in lines.items() if name.startswith(incomplete)]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing one of them."""
        found = plugins()
        with formatter.section("Try it without a device"):
            formatter.write_dl([(name, line) for name, line in PLUGIN_LINES.items() if name in found])
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])
        others = [(name, f"From the plug-in {_origin(found[name])}.") for name in found if name not in PLUGIN_LINES]
        if others:
            with formatter.section("Plug-ins"):
                formatter.write_dl(sorted(others))
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(int(code)), meaning) for code, meaning in MEANING.items()])


def _origin(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else entry.value


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.option("--no-color", is_flag=True, help="No colour, as with NO_COLOR in the environment.")
@click.pass_context
def root(ctx: click.Context, no_color: bool) -> None:
    """Drive ablation generators and their cooling pumps on a laboratory bench, real or emulated.

    Bench and research use. Not a medical device; never on people or animals.
    """
    if no_color:
        os.environ["NO_COLOR"] = "1"  # for what draws by itself, and for processes of ours
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        ctx.color = False


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and leave with its exit code (:class:`controller.exits.Exit`).

    A command says its code by returning it, by ``ctx.exit(code)``, or by raising.
    """
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """As :func:`main`, but return the exit code."""
    streams.open_closed()
    try:
        result: Any = root.main(args=arguments, prog_name="ablate", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Abort:
        return Exit.INTERRUPTED
    except click.ClickException as error:
        with contextlib.suppress(OSError):  # nobody reads it
            error.show()
        # A sentence for a person is no defect: a file in the way, a package that is not installed.
        return error.exit_code if type(error) is not click.ClickException else Exit.CONFIGURATION
    except (BrokenPipeError, OutputClosed):  # `ablate sessions list | head`: the reader has seen enough
        return Exit.DONE
    except (Exception, KeyboardInterrupt) as error:
        with contextlib.suppress(BrokenPipeError):
            return explain(error)
        return code_for(error)
    finally:
        streams.let_go()
    return result if isinstance(result, int) else Exit.DONE


def explain(error: BaseException) -> Exit:
    """Print an error for a person and return its exit code. ``ABLATE_DEBUG=1`` adds the traceback."""
    from drivers.plain import plain

    code = code_for(error)
    import traceback

    if os.environ.get("ABLATE_DEBUG") == "1":
        traceback.print_exception(error)
    if code is Exit.INTERRUPTED:
        return code
    if code is Exit.UNEXPECTED:
        frame = traceback.extract_tb(error.__traceback__)[-1:]
        where = f" ({frame[0].filename}:{frame[0].lineno})" if frame else ""
        text = f"{type(error).__name__}: {error}{where}\n{REPORT_TO}; ABLATE_DEBUG=1 shows where it happened"
    else:
        text = of_the_disk(error) if isinstance(error, OSError) and not ours(error) else str(error)
    for line in text.splitlines() or [type(error).__name__]:
        print(f"ablate: {plain(line)}", file=sys.stderr)
    return code
