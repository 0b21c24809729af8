"""What is wrong with a file, in the form ``file:line: path: message``."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import NamedTuple


class Problem(NamedTuple):
    """One finding. ``line`` counts from 1, 0 means the file as a whole; ``hint`` says what to do."""

    file: str
    line: int
    path: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        what = f"{self.path}: {self.message}" if self.path else self.message
        return f"{where}: {what}; {self.hint}" if self.hint else f"{where}: {what}"


class ConfigError(Exception):
    """A file cannot be used (exit code 3). Its text is one line per problem, ready to print."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems), key=lambda p: (p.file, p.line, p.path, p.message)))
        super().__init__("\n".join(map(str, self.problems)))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The known word nearest to ``word``, or an empty string when none is near."""
    by_folded = {name.casefold().replace("-", "_"): name for name in known}
    near = difflib.get_close_matches(word.casefold().replace("-", "_"), by_folded, n=1, cutoff=0.6)
    return by_folded[near[0]] if near else ""
