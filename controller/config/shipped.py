"""The benches and protocols that come with the package, and how an argument of the command line names one."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from controller.config.problems import ConfigError, Problem, did_you_mean

Kind = Literal["bench", "protocol"]

_DATA = Path(__file__).resolve().parents[1] / "data"
_FOLDER: dict[Kind, Path] = {"bench": _DATA / "benches", "protocol": _DATA / "protocols"}


def shipped(kind: Kind) -> dict[str, Path]:
    """The shipped files of one kind, by name."""
    return {path.stem: path for path in sorted(_FOLDER[kind].glob("*.yaml"))}


def locate(argument: str, kind: Kind) -> Path:
    """The file that ``argument`` names: a path if there is such a file, else a shipped name.

    Raises:
        ConfigError: neither; with the shipped names and the nearest one.
    """
    path = Path(argument)
    if path.is_file():
        return path
    if path.is_dir():
        raise ConfigError([Problem(argument, 0, "", f"is a folder, not a {kind} file")])
    known = shipped(kind)
    if argument in known:
        return known[argument]
    if path.suffix in (".yaml", ".yml") or len(path.parts) > 1:
        every = ", ".join(known) if len(known) < 10 else f"`ablate {kind}s list`"
        raise ConfigError([Problem(argument, 0, "", "no such file", f"or name a shipped {kind}: {every}")])
    near = did_you_mean(argument, known)
    every = f"shipped: {', '.join(known)}" if len(known) < 10 else f"`ablate {kind}s list` has them all"
    hint = f"did you mean {near}? {every}" if near else every
    raise ConfigError([Problem(argument, 0, "", f"no file and no shipped {kind} of this name", hint)])
