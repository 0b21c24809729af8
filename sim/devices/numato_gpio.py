"""Numato USB GPIO module: a text terminal that echoes each command, answers, and prompts with ``>``.

Sources: Numato Lab's USB GPIO command reference; the exchanges that numato-gpio 0.10-0.14 expects. ``gpio read 0\\r``
is answered ``gpio read 0\\n\\r1\\n\\r>``. The end of line is ``\\n\\r`` on most modules and ``\\r\\n`` on some.

A contact is wired between its pin and the module's supply, with a pull-down: closed reads 1; an open contact, or a cut
wire, reads 0. ``pins`` maps contact names (``estop_a_closed``) to pins, as in the bench file.

Options: ``pins``, ``ports`` (8; 16, 32, 64, 128), ``eol`` ("\\n\\r"), ``version`` ("00000008"), ``id`` ("00000000").
Assumed: as in ``sim.devices.terminal``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sim.devices.base import InputModule, Replies, World
from sim.devices.terminal import Terminal

PORT_NAMES = "0123456789ABCDEFGHIJKLMNOPQRSTUV"

Handler = Callable[["NumatoGpio", str], str | None]


class NumatoGpio(InputModule):
    """Pins, their direction, and the terminal."""

    MODEL = "numato-gpio"
    BAUD = 115200  # USB: the rate is set by the host and ignored
    LATENCY_S = 0.001
    OPTIONS = frozenset({"pins", "ports", "eol", "version", "id", "latency_s"})

    def __init__(self, world: World, options: Mapping[str, Any], name: str) -> None:
        super().__init__(world, options, name)
        self.ports = int(options.get("ports", 8))
        self.eol = str(options.get("eol", "\n\r"))
        self.version = str(options.get("version", "00000008"))
        self.identity = str(options.get("id", "00000000"))
        pins = options.get("pins") or {}
        self.contacts = {int(pin): contact.removesuffix("_closed") for contact, pin in pins.items()}
        self.mask = self.direction = (1 << self.ports) - 1  # direction: 1 is an input
        self.output = 0
        self.notify = False
        self._seen = self.levels()
        self._terminal = Terminal(self.eol, self._respond)
        self._digits = self.ports // 4

    # behaviour ------------------------------------------------------------------------------------------------------

    def levels(self) -> int:
        """All pins as one number, pin 0 in bit 0: 1 is a closed contact, pins without one are pulled down."""
        inputs, contacts = 0, self.world.inputs
        for pin, contact in self.contacts.items():
            if contacts.get(contact):
                inputs |= 1 << pin
        return (inputs & self.direction) | (self.output & ~self.direction)

    def inputs_changed(self, t_s: float) -> None:
        """A contact moved: modules with 16 ports or more may say so unasked."""
        now = self.levels()
        if self.notify and now != self._seen and self.send is not None:
            line = f"{self.eol}# {self._hex(now)} {self._hex(self._seen)} {self._hex(self.direction)}{self.eol}"
            self.send(t_s, line.encode())
        self._seen = now

    # commands: the answer, "" for none, None for an unknown command -------------------------------------------------

    def _hex(self, value: int) -> str:
        return f"{value & ((1 << self.ports) - 1):0{self._digits}x}"

    def _pin(self, text: str) -> int | None:
        """One digit or letter on modules up to 32 ports; three decimal digits on larger ones."""
        if self.ports > 32:
            pin = int(text) if text.isascii() and text.isdigit() else -1
        else:
            pin = PORT_NAMES.find(text) if len(text) == 1 else -1
        return pin if 0 <= pin < self.ports else None

    def _read(self, text: str) -> str | None:
        pin = self._pin(text)
        if pin is None:
            return None
        self.direction |= 1 << pin  # reading makes the pin an input
        return str(self.levels() >> pin & 1)

    def _write(self, text: str, high: bool) -> str | None:
        pin = self._pin(text)
        if pin is None:
            return None
        self.direction &= ~(1 << pin)
        self.output = self.output | 1 << pin if high else self.output & ~(1 << pin)
        return ""

    def _word(self, text: str, target: str) -> str | None:
        try:
            value = int(text, 16)
        except ValueError:
            return None
        if len(text) != self._digits or value < 0:
            return None
        if target == "output":
            self.output = value
        elif target == "direction":
            self.direction = (self.direction & ~self.mask) | (value & self.mask)
        else:
            self.mask = value
        return ""

    def _notify(self, text: str) -> str | None:
        if self.ports < 16 or text not in ("on", "off", "get"):
            return None
        if text == "get":
            return "enabled" if self.notify else "disabled"
        self.notify = text == "on"
        return ""

    def _adc(self, text: str) -> str | None:
        pin = self._pin(text)
        return None if pin is None else str(1023 * (self.levels() >> pin & 1))

    def _set_id(self, text: str) -> str | None:
        if len(text) != 8:
            return None
        self.identity = text
        return ""

    COMMANDS: Mapping[str, Handler] = {  # prefixes; what follows is the argument
        "gpio readall": lambda self, a: None if a else self._hex(self.levels()),
        "gpio read ": _read,
        "gpio set ": lambda self, a: self._write(a, True),
        "gpio clear ": lambda self, a: self._write(a, False),
        "gpio writeall ": lambda self, a: self._word(a, "output"),
        "gpio iodir ": lambda self, a: self._word(a, "direction"),
        "gpio iomask ": lambda self, a: self._word(a, "mask"),
        "gpio notify ": _notify,
        "adc read ": _adc,
        "id get": lambda self, a: None if a else self.identity,
        "id set ": _set_id,
        "ver": lambda self, a: None if a else self.version,
    }

    # wire format ----------------------------------------------------------------------------------------------------

    def receive(self, data: bytes, t_s: float) -> Replies:
        replies: Replies = []
        busy_s = 0.0
        for reply in self._terminal.take(data):
            busy_s += self.latency_s + self.line_s(len(reply))
            replies.append((busy_s, reply))
        return replies

    def _respond(self, command: str) -> str | None:
        for prefix, handler in self.COMMANDS.items():
            if command.startswith(prefix):
                return handler(self, command[len(prefix) :])
        return None
