"""What must not leave the lab: found by where it is kept, and by how it is written wherever it has got to.

Two ways, because each alone forgets something: words that are known (the content of password files, tokens of running
panels, the account's name, the host's) are taken out wherever they stand; and whatever stands behind a word such as
``password`` is taken out though nobody knew it.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import platform
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

SHORTEST = 4
"""A known word of fewer characters would be found in half of all others; it goes only where its place tells."""
COMMON = frozenset({"root", "user", "admin", "test", "bench", "ablate", "openablate", "operator", "localhost", "none"})
"""Names that say nothing of anybody."""
TELLING = re.compile(r"passw(or)?d|passphrase|token|secret|api_?key|private_?key|authorization", re.IGNORECASE)
NAMING = frozenset({"username", "user", "client_id", "host", "hostname", "node", "orcid"})
"""Keys whose text values name a person, an account or a computer."""

_VALUE = r"""("[^"]*"|'[^']*'|[^\s,;}&#]+)"""
PATTERNS = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL), r"<private key>"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]+"), r"\1 <secret>"),
    (re.compile(r"(?i)([a-z][a-z0-9+.-]*://)[^\s/@:]+(:[^\s/@]*)?@"), r"\1<secret>@"),
    (
        re.compile(
            r"""(?ix)(["']?[\w-]*(?:password|passwd|passphrase|secret|token|api_?key)(?!_?file)[\w-]*["']?\s*[=:]\s*)"""
            + _VALUE
        ),
        r"\1<secret>",
    ),
)
"""(what gives a secret away, what takes its place)."""


class Secrets:
    """Takes secrets out of texts and counts them. ``words``: each known one, and what is written in its place."""

    def __init__(self, words: Mapping[str, str]) -> None:
        self._words = {word: label for word, label in words.items() if len(word) >= SHORTEST}
        longest_first = sorted(self._words, key=len, reverse=True)
        self._known = re.compile("|".join(re.escape(word) for word in longest_first)) if longest_first else None
        self.removed: Counter[str] = Counter()

    def text(self, text: str) -> str:
        """``text`` without them."""
        if self._known is not None:
            text = self._known.sub(self._label, text)
        for pattern, place in PATTERNS:
            text, times = pattern.subn(place, text)
            self.removed["<secret>"] += times
        return text

    def _label(self, found: re.Match[str]) -> str:
        label = self._words[found[0]]
        self.removed[label] += 1
        return label

    def value(self, value: Any, key: str = "") -> Any:
        """A JSON value without them: also whatever stands under a key that tells."""
        if isinstance(value, Mapping):
            return {self.text(str(name)): self.value(child, str(name)) for name, child in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(child, key) for child in value]
        if not isinstance(value, str):
            return value
        if value and TELLING.search(key) and not key.endswith("_file"):
            self.removed["<secret>"] += 1
            return "<secret>"
        if value and key in NAMING:
            self.removed["<name>"] += 1
            return "<name>"
        return self.text(value)

    def json(self, text: str) -> str:
        """JSON text without them; what is no JSON is taken as text."""
        try:
            return json.dumps(self.value(json.loads(text)), sort_keys=True, separators=(",", ":"))
        except ValueError:
            return self.text(text)

    def left_in(self, data: bytes) -> list[str]:
        """Labels of known words that still stand in ``data``."""
        return sorted({label for word, label in self._words.items() if word.encode() in data})


def known(benches: Iterable[str], runtime: Path) -> dict[str, str]:
    """Words that are secret or name somebody, by what to write instead.

    Args:
        benches: texts of bench files; what cannot be read of them is passed over.
        runtime: where running benches keep the tokens of their panels.
    """
    words = dict.fromkeys(_accounts(), "<user>") | dict.fromkeys((platform.node(),), "<host>")
    for name, setting in os.environ.items():
        if TELLING.search(name) and len(setting) >= 2 * SHORTEST and "/" not in setting:
            words[setting] = "<secret>"
    for text in benches:
        words |= _of_bench(text)
    for panel in runtime.glob("*/panel.json"):
        told = _read(panel)
        words |= dict.fromkeys(re.findall(r'"\w*token"\s*:\s*"([^"]+)"', told), "<secret>")
    return {word: label for word, label in words.items() if word.lower() not in COMMON}


def _accounts() -> set[str]:
    found = {os.environ.get(name, "") for name in ("USER", "LOGNAME", "SUDO_USER")}
    with contextlib.suppress(OSError, KeyError):  # an account without a name
        found.add(getpass.getuser())
    return found - {""}


def _of_bench(text: str) -> dict[str, str]:
    """Who the bench is to its broker, its password, and who made the data."""
    try:
        bench = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError):
        return {}
    mqtt = bench.get("mqtt") if isinstance(bench, dict) else None
    records = bench.get("records") if isinstance(bench, dict) else None
    words: dict[str, str] = {}
    if isinstance(mqtt, dict):
        words |= {str(mqtt[key]): "<user>" for key in ("username", "client_id") if mqtt.get(key)}
        if mqtt.get("password_file"):
            words |= {line.strip(): "<secret>" for line in _read(Path(str(mqtt["password_file"]))).splitlines()}
    metadata = records.get("metadata") if isinstance(records, dict) else None
    for creator in (metadata or {}).get("creators") or () if isinstance(metadata, dict) else ():
        words |= {str(value): "<name>" for value in creator.values()} if isinstance(creator, dict) else {}
    return {word: label for word, label in words.items() if word}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")[:100_000]
    except OSError:
        return ""
