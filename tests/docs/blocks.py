"""Blocks of code in README.md and docs/, and what their pages say of them: ``python -m tests.docs.blocks`` lists them.

A block is fenced, or indented by four. A fenced ``text`` block is a picture or an output, not code. Everything else is
run by ``test_blocks.py``, unless a comment right above it says otherwise::

    <!-- not run: needs a real port -->                             the whole block
    <!-- not run (ablate run; ablate doctor): needs a real port --> lines that begin so
    <!-- run with (ablate campaign): --runs 2 -->                   such lines with these arguments added
    <!-- run by tests/plugin/test_plugin.py -->                     by another test, in a folder that names the page
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import yaml

ROOT = Path(__file__).resolve().parents[2]
MARK = re.compile(r"<!-- (not run|run with|run by) ?(?:\(([^)]*)\))?:? ?(.*?) -->")
FENCE = re.compile(r"^( *)```(\w*)$")
SHELL = re.compile(r"(ablate|make|pipx?|python3?|pytest|cd|git|sudo|openssl|ssh|uv|\.venv/bin/\S+|\./\S+) ")


class Mark(NamedTuple):
    """A comment above a block: ``verb`` is ``not run``, ``run with`` or ``run by``; no ``lines``: all of them."""

    verb: str
    lines: tuple[str, ...]
    text: str

    def holds(self, line: str) -> bool:
        """True where ``line`` is one of those that the comment speaks of."""
        return not self.lines or line.startswith(self.lines)


class Block(NamedTuple):
    """One block of a page; ``line`` is its first one."""

    page: str
    line: int
    language: str
    text: str
    marks: tuple[Mark, ...] = ()

    @property
    def where(self) -> str:
        return f"{self.page}:{self.line}"

    def whole(self, verb: str) -> str | None:
        """What a comment of this kind says of the whole block; None: there is none."""
        return next((mark.text for mark in self.marks if mark.verb == verb and not mark.lines), None)


class Line(NamedTuple):
    """A command of a block: what is typed, what stands behind it, why it is not run, and what is added to run it."""

    typed: str
    remark: str
    not_run: str | None
    added: str


def pages() -> list[Path]:
    """README.md and every page below docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(path: Path, root: Path = ROOT) -> Iterator[Block]:
    """The blocks of one page, from top to bottom.

    Raises:
        ValueError: a fence is not closed.
    """
    page, lines = str(path.relative_to(root)), path.read_text(encoding="utf-8").splitlines()
    at, blank, inside = 0, True, 0  # `inside`: how far the text of the list item is indented that we are in
    while at < len(lines):
        line = lines[at]
        fence = FENCE.match(line)
        indent = len(line) - len(line.lstrip())
        if fence is not None:
            end = next((i for i in range(at + 1, len(lines)) if lines[i].strip() == "```"), None)
            if end is None:
                raise ValueError(f"{page}:{at + 1}: a fence that is not closed")
            body = [text[len(fence[1]) :] for text in lines[at + 1 : end]]
            yield Block(page, at + 2, fence[2], "\n".join(body) + "\n", _marks(lines, at))
            at = end
        elif blank and line and indent >= inside + 4:
            end = at
            while end < len(lines) and (not lines[end].strip() or lines[end].startswith(" " * (inside + 4))):
                end += 1
            text = "\n".join(part[inside + 4 :] for part in lines[at:end]).rstrip() + "\n"
            yield Block(page, at + 1, guess(text), text, _marks(lines, at))
            at = end - 1
        elif item := re.match(r"^ *([-*]|\d+\.) +", line):
            inside = item.end()
        elif line and indent == 0:
            inside = 0
        blank = not lines[at].strip()
        at += 1


def _marks(lines: list[str], at: int) -> tuple[Mark, ...]:
    """The comments right above line ``at``, blank lines between them or not."""
    found: list[Mark] = []
    for line in reversed(lines[:at]):
        if (mark := MARK.fullmatch(line.strip())) is not None:
            which = tuple(part.strip() for part in (mark[2] or "").split(";") if part.strip())
            found.append(Mark(mark[1], which, mark[3]))
        elif line.strip():
            break
    return tuple(found)


def guess(text: str) -> str:
    """The language of an indented block: sh, json, yaml, or nothing."""
    first = text.lstrip()
    if SHELL.match(first):
        return "sh"
    if first.startswith("{"):
        return "json"
    try:
        return "yaml" if isinstance(yaml.safe_load(text), dict) else ""
    except yaml.YAMLError:
        return ""


def commands(block: Block) -> Iterator[Line]:
    """The commands of a block of shell lines. What stands two or more spaces behind a command is a remark, and so is a
    line that begins with spaces, unless the line before ends in a backslash.
    """
    for line in re.sub(r" *\\\n *", " ", block.text).splitlines():
        if not line.strip() or line.startswith((" ", "#")):
            continue
        typed, _, remark = re.match(r"(.*?)(  +(.*))?$", line).groups()  # type: ignore[union-attr]
        typed = typed.split(" #")[0].removeprefix(".venv/bin/").strip()
        not_run = next((mark.text for mark in block.marks if mark.verb == "not run" and mark.holds(typed)), None)
        added = " ".join(mark.text for mark in block.marks if mark.verb == "run with" and mark.holds(typed))
        yield Line(typed, remark or "", not_run, added)


def fate(block: Block) -> dict[str, int]:
    """How many pieces of a block (commands, or the block itself) are run, and how many are not, by the reason.

    Raises:
        ValueError: nobody would run it, and nothing says why.
    """
    if block.language == "text":
        return {"text": 1}
    if (other := block.whole("run by")) is not None:
        test, name = ROOT / other, Path(block.page).stem
        beside = test.parent.glob("*.py") if test.is_file() else ()
        if not any(name in file.read_text(encoding="utf-8") for file in beside):
            raise ValueError(f"{block.where}: nothing in the folder of {other} names {name}")
        return {"run by another test": 1}
    if block.language == "sh":
        told: dict[str, int] = {}
        for line in commands(block):
            if line.not_run is None and shlex.split(line.typed)[0] not in ("ablate", "cd"):
                raise ValueError(f"{block.where}: `{line.typed}` is not run, and no comment above it says why")
            what = "run" if line.not_run is None else f"not run: {line.not_run}"
            told[what] = told.get(what, 0) + 1
        return told
    if (reason := block.whole("not run")) is not None:
        return {f"not run: {reason}": 1}
    if block.language not in ("python", "yaml", "json"):
        raise ValueError(f"{block.where}: a block of {block.language or 'no'} language, and no comment says why")
    return {"run": 1}


def summary(found: dict[str, int]) -> str:
    """One line for each fate, the most frequent first."""
    return "\n".join(f"{count:5d}  {what}" for what, count in sorted(found.items(), key=lambda row: (-row[1], row[0])))


def count() -> dict[str, int]:
    """Every piece of every page, by its fate. Raises as :func:`fate`."""
    told: dict[str, int] = {}
    for path in pages():
        for block in blocks(path):
            for what, many in fate(block).items():
                told[what] = told.get(what, 0) + many
    return told


if __name__ == "__main__":
    for page in pages():
        for found in blocks(page):
            try:
                told = "; ".join(f"{many} {what}" for what, many in fate(found).items())
            except ValueError as error:
                told = f"?? {error}"
            print(f"{found.where:45} {found.language:7} {told}")
