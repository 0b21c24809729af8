"""SCPI as instruments understand it: headers in short or long form and any case, compound messages, the error queue.

Sources: SCPI-1999 volume 1 (command trees, compound headers, error texts); IEEE 488.2 (common commands). After a
semicolon a header continues in the branch of the one before, unless it begins with a colon; common commands (``*``)
leave the branch as it is. An error queue holds 20 errors, first in first out; when it is full its last entry becomes
``-350``.
"""

from __future__ import annotations

import abc
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from sim.devices.base import Emulator, Replies, World

NO_ERROR = '+0,"No error"'
SYNTAX = '-102,"Syntax error"'
BAD_PARAMETER = '-104,"Data type error"'
MISSING_PARAMETER = '-109,"Missing parameter"'
UNDEFINED = '-113,"Undefined header"'
TRIGGER_IGNORED = '-211,"Trigger ignored"'
CONFLICT = '-221,"Settings conflict"'
OUT_OF_RANGE = '-222,"Data out of range"'
ILLEGAL = '-224,"Illegal parameter value"'
STALE = '-230,"Data stale"'
OVERFLOW = '-350,"Queue overflow"'

QUEUE = 20
MAX_LINE = 4096
REMEMBERED = 512


class ScpiError(Exception):
    """Carries the text that goes to the error queue."""


class Words:
    """The keywords of one dialect, written as manuals do: ``VOLTage`` may be sent as VOLT or VOLTAGE, nothing else."""

    def __init__(self, keywords: str) -> None:
        self._short: dict[str, str] = {}
        for keyword in keywords.split():
            short = "".join(c for c in keyword if not c.islower())
            self._short[keyword.upper()] = short
        self._known: dict[str, tuple[tuple[str, ...], bool, str]] = {}

    def header(self, command: str) -> tuple[tuple[str, ...], bool, str]:
        """(keywords, short and upper-case; is it a query; its argument). No keywords: nothing was written.

        Raises ScpiError for a header that cannot be one.
        """
        known = self._known.get(command)
        if known is None:
            known = self._header(command)
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[command] = known
        return known

    def _header(self, command: str) -> tuple[tuple[str, ...], bool, str]:
        head, _, argument = command.strip().partition(" ")
        head, question, tail = head.partition("?")
        if tail and not argument:
            argument = tail
        words = head.upper().lstrip(":").split(":")
        if not all(word.removeprefix("*").isalnum() for word in words):
            if command.strip():
                raise ScpiError(SYNTAX)
            return (), False, ""
        return tuple(self._short.get(word, word) for word in words), bool(question), argument.strip()


def commands(line: str) -> Iterator[str]:
    """The commands of one message, cut at the semicolons that are not within quotes."""
    if '"' not in line:
        yield from line.split(";")
        return
    quoted, begin = False, 0
    for at, character in enumerate(line):
        if character == '"':
            quoted = not quoted
        elif character == ";" and not quoted:
            yield line[begin:at]
            begin = at + 1
    yield line[begin:]


def number_in(text: str, low: float, high: float) -> float:
    """A number within limits, or MIN or MAX. Raises ScpiError."""
    word = text.strip().upper()
    if word in ("MIN", "MINIMUM", "MAX", "MAXIMUM"):
        return low if word.startswith("MIN") else high
    if not word:
        raise ScpiError(MISSING_PARAMETER)
    try:
        value = float(word)
    except ValueError:
        raise ScpiError(BAD_PARAMETER) from None
    if not low <= value <= high:
        raise ScpiError(OUT_OF_RANGE)
    return value


def flag_in(text: str) -> bool:
    """ON, OFF, 1 or 0. Raises ScpiError."""
    word = text.strip().upper()
    if word not in ("ON", "OFF", "1", "0"):
        raise ScpiError(MISSING_PARAMETER if not word else ILLEGAL)
    return word in ("ON", "1")


class ScpiInstrument(Emulator):
    """An instrument with an error queue and the common commands; a model adds ``query``, ``command`` and ``reset``."""

    WORDS: Words
    IDENTITY: str

    def __init__(self, world: World, options: Mapping[str, Any], name: str) -> None:
        super().__init__(world, options, name)
        self.identity = str(options.get("identity", self.IDENTITY))
        self.errors: deque[str] = deque()
        self._line = bytearray()
        self._busy_s = 0.0

    @abc.abstractmethod
    def query(self, words: str, argument: str, t_s: float) -> str:
        """The answer to ``words``, joined by colons. Raises ScpiError."""

    @abc.abstractmethod
    def command(self, words: str, argument: str, t_s: float) -> None:
        """Obey. Raises ScpiError."""

    @abc.abstractmethod
    def reset(self, t_s: float) -> None:
        """``*RST``."""

    def receive(self, data: bytes, t_s: float) -> Replies:
        line = self._line
        line += data
        replies: Replies = []
        busy_s = max(0.0, self._busy_s - t_s)
        while (end := line.find(0x0A)) >= 0:
            text = bytes(line[:end]).decode("ascii", "replace").strip()
            del line[: end + 1]
            answers = self._execute(text, t_s)
            busy_s += self.latency_s + self.line_s(end + 1)
            if answers:
                reply = ";".join(answers).encode("ascii", "replace") + b"\n"
                busy_s += self.line_s(len(reply))
                replies.append((busy_s, reply))
        self._busy_s = t_s + busy_s
        if len(line) > MAX_LINE:
            line.clear()
        return replies

    def _execute(self, text: str, t_s: float) -> list[str]:
        answers: list[str] = []
        branch: tuple[str, ...] = ()
        for command in commands(text) if text else ():
            try:
                words, query, argument = self.WORDS.header(command)
                if not words:
                    continue
                if not words[0].startswith("*"):
                    words = words if command.lstrip().startswith(":") else branch + words
                    branch = words[:-1]
                if query:
                    answers.append(self._answer(":".join(words), argument, t_s))
                else:
                    self._obey(":".join(words), argument, t_s)
            except ScpiError as error:
                self._note(str(error))
        return answers

    def _note(self, text: str) -> None:
        if len(self.errors) < QUEUE:
            self.errors.append(text)
        else:
            self.errors[-1] = OVERFLOW

    def _answer(self, words: str, argument: str, t_s: float) -> str:
        match words:
            case "*IDN":
                return self.identity
            case "*OPC":
                return "1"
            case "*STB" | "*ESR":
                return f"{32 if self.errors else 0:+d}"
            case "*TST":
                return "+0"
            case "SYST:ERR" | "SYST:ERR:NEXT":
                return self.errors.popleft() if self.errors else NO_ERROR
            case "SYST:VERS":
                return "1999.0"
        return self.query(words, argument, t_s)

    def _obey(self, words: str, argument: str, t_s: float) -> None:
        match words:
            case "*RST":
                self.reset(t_s)
            case "*CLS":
                self.errors.clear()
            case "*OPC" | "*WAI" | "*ESE" | "*SRE" | "SYST:REM" | "SYST:LOC" | "SYST:RWL":
                pass
            case _:
                self.command(words, argument, t_s)
