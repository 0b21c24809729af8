"""Numato USB relay module: ``relay on n`` closes, ``relay off n`` opens, ``relay read n`` answers ``on`` or ``off``.

Sources: Numato Lab's USB relay command reference; the exchanges that numato-gpio 0.10 and numato-control 1.0 expect.
``relay read 0\\r`` is answered ``relay read 0\\n\\ron\\n\\r>``. The read-back is the output that was commanded, so a
welded contact does not show.

Options: ``relays`` (4), ``eol`` ("\\n\\r"; "\\r\\n" on some modules), ``version`` ("00000008"), ``id`` ("00000000"),
``native_timeout_s`` (None: a closed relay stays closed for ever; else as with a timer relay behind it), ``switch_s``
(0.01 [assumed], coil to contact). Assumed: a relay that is not there gets no answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim.devices.base import Replies, World
from sim.devices.relays import RelayBoard
from sim.devices.terminal import Terminal

NAMES = "0123456789ABCDEFGHIJKLMNOPQRSTUV"


class NumatoRelay(RelayBoard):
    """Relays, numbered from 0, and the terminal."""

    MODEL = "numato-relay"
    BAUD = 115200  # USB: the rate is set by the host and ignored
    LATENCY_S = 0.001
    FIRST = 0
    SWITCH_S = 0.01
    OPTIONS = frozenset({"relays", "eol", "version", "id", "native_timeout_s", "switch_s", "latency_s"})

    def __init__(self, world: World, options: Mapping[str, Any], name: str) -> None:
        super().__init__(world, options, name, int(options.get("relays") or max(4, 1 + int(options.get("relay", 0)))))
        self.version = str(options.get("version", "00000008"))
        self.identity = str(options.get("id", "00000000"))
        self._digits = (len(self.coil) + 3) // 4
        self._now_s = 0.0
        self._terminal = Terminal(str(options.get("eol", "\n\r")), self._respond)

    def receive(self, data: bytes, t_s: float) -> Replies:
        self._now_s = t_s
        replies: Replies = []
        busy_s = 0.0
        for reply in self._terminal.take(data):
            busy_s += self.latency_s + self.line_s(len(reply))
            replies.append((busy_s, reply))
        return replies

    def _respond(self, command: str) -> str | None:
        match command.split(" "):
            case ["ver"]:
                return self.version
            case ["id", "get"]:
                return self.identity
            case ["id", "set", text] if len(text) == 8:
                self.identity = text
            case ["relay", "readall"]:
                return f"{sum(1 << n for n, on in enumerate(self.coil) if on):0{self._digits}x}"
            case ["relay", "writeall", text]:
                self._write_all(text)
            case ["reset"]:
                self._set(dict.fromkeys(range(len(self.coil)), False))
            case ["relay", ("on" | "off" | "read") as verb, relay]:
                return self._one(verb, relay)
        return None

    def _one(self, verb: str, relay: str) -> str | None:
        index = NAMES.find(relay) if len(relay) == 1 else -1
        if not 0 <= index < len(self.coil):
            return None
        if verb == "read":
            return "on" if self.coil[index] else "off"
        self._set({index: verb == "on"})
        return None

    def _write_all(self, text: str) -> None:
        if len(text) == self._digits and all(c in "0123456789abcdefABCDEF" for c in text):
            bits = int(text, 16)
            self._set({n: bool(bits >> n & 1) for n in range(len(self.coil))})

    def _set(self, states: Mapping[int, bool]) -> None:
        for index, on in states.items():
            self.switch(index, on, self._now_s)
