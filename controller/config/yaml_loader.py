"""YAML as people mean it, with the line of every key and value.

Differences from PyYAML's own loading, each because of a way in which a bench file could silently say something else:

* a key written twice is refused (PyYAML keeps the last one);
* words and numbers follow YAML 1.2: ``NO``, ``on`` and ``12:30`` are text, ``1e3`` is a number, ``010`` is refused as
  ambiguous;
* ``.nan``, ``.inf`` and numbers too large for a double are refused, quoted text excepted;
* anchors, aliases, tags and several documents in one file are refused: a value stands where it is used.
"""

from __future__ import annotations

import functools
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from controller.config.problems import ConfigError, Problem

MAX_BYTES = 1_000_000

Loc = tuple[str | int, ...]

_STR, _INT, _FLOAT, _BOOL, _NULL = (f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null"))
_MAP, _SEQ = "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"


class _Loader(yaml.SafeLoader):
    """The YAML 1.2 core schema's scalars only."""

    yaml_implicit_resolvers: dict[str | None, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own attribute


for _tag, _pattern, _first in (
    (_BOOL, r"true|True|TRUE|false|False|FALSE", "tTfF"),
    (_NULL, r"~|null|Null|NULL|", "~nN\0"),
    (_INT, r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    (_FLOAT, r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+0123456789."),
    (_FLOAT, r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", "-+."),
):
    _Loader.add_implicit_resolver(_tag, re.compile(rf"^(?:{_pattern})$"), ["" if c == "\0" else c for c in _first])


@dataclass(frozen=True)
class Document:
    """One YAML file: plain data, and the line of each path (a key's line for a mapping's entry; keys as text)."""

    file: str
    data: dict[str, Any]
    lines: dict[Loc, int] = field(repr=False)
    text: str = field(repr=False, default="")

    def line(self, loc: Loc) -> int:
        """The line of ``loc``, or of its nearest ancestor that is written down."""
        while loc and loc not in self.lines:
            loc = loc[:-1]
        return self.lines.get(loc, 1)

    def problem(self, loc: Loc, message: str, hint: str = "") -> Problem:
        """A finding about ``loc``."""
        return Problem(self.file, self.line(loc), dotted(loc), message, hint)


def dotted(loc: Loc) -> str:
    """``("roles", "tissue", 1)`` -> ``roles.tissue[1]``."""
    out = ""
    for part in loc:
        out += f"[{part}]" if isinstance(part, int) else f".{part}" if out else part
    return out


def load(path: str | Path, shown_as: str | None = None) -> Document:
    """Read one file.

    Args:
        shown_as: the name that messages use; default: ``path`` as given.

    Raises:
        ConfigError: with every problem found.
    """
    shown = shown_as or str(path)
    try:
        with open(path, "rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError([Problem(shown, 0, "", f"cannot be read: {error.strerror or error}")]) from error
    if len(raw) > MAX_BYTES:
        raise ConfigError([Problem(shown, 0, "", f"larger than {MAX_BYTES} bytes; this is no bench or protocol file")])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ConfigError([Problem(shown, line, "", "not UTF-8 text", "save the file as UTF-8")]) from error
    return parse(text, shown)


@functools.lru_cache(maxsize=64)  # a daemon reads its protocol anew at each prepare: 5 ms, were it parsed each time
def parse(text: str, shown_as: str) -> Document:
    """Read YAML text; see :func:`load`. The same text gives the same document, which nobody may change."""
    try:
        nodes = list(yaml.compose_all(text, Loader=_Loader))
    except yaml.YAMLError as error:
        raise ConfigError([_syntax(shown_as, text, error)]) from error
    except RecursionError as error:
        raise ConfigError([Problem(shown_as, 0, "", "nested too deeply")]) from error
    if not nodes:
        raise ConfigError([Problem(shown_as, 0, "", "the file is empty")])
    if len(nodes) > 1:
        line = nodes[1].start_mark.line + 1
        raise ConfigError([Problem(shown_as, line, "", "a second document starts here", "one file, one document")])
    walk = _Walk(shown_as)
    data = walk.value(nodes[0], ())
    if not walk.problems and not isinstance(data, dict):
        walk.problems.append(Problem(shown_as, 1, "", "not a mapping", "write keys and values, e.g. 'bench: my-bench'"))
    if walk.problems:
        raise ConfigError(walk.problems)
    return Document(shown_as, data, walk.lines, text)


def _syntax(shown_as: str, text: str, error: yaml.YAMLError) -> Problem:
    """PyYAML's complaint as one line."""
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark is not None else 0
    what = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error).splitlines()[0]
    rows = text.splitlines()
    if line and line <= len(rows) and "\t" in rows[line - 1][: len(rows[line - 1]) - len(rows[line - 1].lstrip())]:
        return Problem(shown_as, line, "", "a tab is used for indentation", "use spaces")
    if "undefined alias" in what:
        what = f"{what}; anchors and aliases are not supported"
    return Problem(shown_as, line, "", f"not valid YAML: {what}")


class _Walk:
    """Turns nodes into values, noting lines and problems."""

    def __init__(self, shown_as: str) -> None:
        self.shown_as = shown_as
        self.lines: dict[Loc, int] = {}
        self.problems: list[Problem] = []
        self._seen: set[int] = set()

    def _bad(self, node: yaml.Node, loc: Loc, message: str, hint: str = "") -> None:
        self.problems.append(Problem(self.shown_as, node.start_mark.line + 1, dotted(loc), message, hint))

    def value(self, node: yaml.Node, loc: Loc) -> Any:
        """The node's value; None where it has a problem."""
        self.lines.setdefault(loc, node.start_mark.line + 1)
        if id(node) in self._seen:
            self._bad(node, loc, "anchors and aliases are not supported", "write the value where it is used")
            return None
        self._seen.add(id(node))
        if isinstance(node, yaml.MappingNode) and node.tag == _MAP:
            return self._mapping(node, loc)
        if isinstance(node, yaml.SequenceNode) and node.tag == _SEQ:
            return [self.value(item, (*loc, i)) for i, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, loc)
        self._bad(node, loc, f"tag {node.tag} is not supported", "remove it")
        return None

    def _mapping(self, node: yaml.MappingNode, loc: Loc) -> dict[str | int, Any]:
        out: dict[str | int, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._bad(key_node, loc, "a key must be a word or a whole number")
                continue
            key = self._scalar(key_node, loc)
            if isinstance(key, bool) or not isinstance(key, (str, int)):
                self._bad(key_node, loc, f"key {key_node.value!r} must be a word or a whole number", "quote it")
                continue
            here = (*loc, str(key))
            if here in self.lines:
                self._bad(key_node, here, f"written twice, first at line {self.lines[here]}", "keep one")
                continue
            self.lines[here] = key_node.start_mark.line + 1
            out[key] = self.value(value_node, here)
        return out

    def _scalar(self, node: yaml.ScalarNode, loc: Loc) -> Any:
        text = node.value
        if node.tag == _STR:
            return text
        if node.tag == _NULL:
            return None
        if node.tag == _BOOL:
            return text.lower() == "true"
        if node.tag == _INT:
            return self._whole(node, loc, text)
        if node.tag == _FLOAT:
            lowered = text.lower()
            number = float(lowered.replace(".inf", "inf").replace(".nan", "nan"))
            if not math.isfinite(number):
                self._bad(node, loc, f"must be a finite number, not {text}")
                return None
            return number
        self._bad(node, loc, f"tag {node.tag} is not supported", "remove it")
        return None

    def _whole(self, node: yaml.ScalarNode, loc: Loc, text: str) -> int | None:
        if text[:2] in ("0o", "0x"):
            return int(text, 0)
        digits = text.lstrip("+-")
        if len(digits) > 1 and digits.startswith("0"):
            self._bad(node, loc, f"{text} could mean octal or decimal", "write it without leading zeros, or quote it")
            return None
        if len(digits) > 300:
            self._bad(node, loc, "must be a finite number")
            return None
        return int(text)
