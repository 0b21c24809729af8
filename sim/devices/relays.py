"""What relay boards have in common: coils that the host commands, contacts that follow them, and welds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from sim.devices.base import NEVER, Emulator, World


class RelayBoard(Emulator):
    """``contact(n)`` is where contact n really is; ``coil`` is what the board believes.

    Options: ``switch_s`` (coil to contact), ``native_timeout_s`` (None: a closed relay stays closed for ever; else it
    opens by itself when its "on" was not repeated for that long, as time-delay boards do).
    """

    ROLE = "relay"
    FIRST: ClassVar[int] = 1  # how the maker numbers the first relay
    SWITCH_S: ClassVar[float] = 0.004

    def __init__(self, world: World, options: Mapping[str, Any], name: str, count: int) -> None:
        super().__init__(world, options, name)
        timeout_s = options.get("native_timeout_s")
        self.native_timeout_s = NEVER if timeout_s is None else float(timeout_s)
        self.switch_s = float(options.get("switch_s", self.SWITCH_S))
        self.coil = [False] * count
        self.on_contact: Callable[[float], None] | None = None
        self._contact = [False] * count
        self._moves: list[tuple[float, int, bool]] = []  # (when the contact arrives, index, closed)
        self._expiry_s = [NEVER] * count

    def contact(self, relay: int) -> bool:
        """Is the contact of this relay, in the maker's numbers, closed? A weld keeps a contact that has closed."""
        return self._contact[relay - self.FIRST]

    @property
    def line_closed(self) -> bool:
        """The contact that the bench file names as the enable line (``relay``)."""
        return self.contact(int(self.options.get("relay", self.FIRST)))

    def poll_due(self, t_s: float) -> float | None:
        for index, expiry_s in enumerate(self._expiry_s):
            if t_s >= expiry_s:
                self.switch(index, False, t_s)
        moved = False
        while self._moves and self._moves[0][0] <= t_s:
            _, index, closed = self._moves.pop(0)
            moved |= self._move(index, closed)
        self.due_s = min(self._expiry_s)
        if self._moves:
            self.due_s = min(self.due_s, self._moves[0][0])
        if moved:
            self._tell(t_s)
        return None if self.due_s == NEVER else self.due_s

    def faults_changed(self, t_s: float) -> None:
        if "weld" not in self.faults and self._contact != self.coil:
            self._contact = list(self.coil)
            self._tell(t_s)

    def switch(self, index: int, on: bool, t_s: float) -> None:
        """The host commands a coil, counted from 0."""
        self._expiry_s[index] = t_s + self.native_timeout_s if on else NEVER
        if on != self.coil[index]:
            self.coil[index] = on
            self._moves.append((t_s + self.switch_s, index, on))
            self.wake(t_s + self.switch_s)
        self.wake(self._expiry_s[index])

    def _move(self, index: int, closed: bool) -> bool:
        if self._contact[index] == closed or ("weld" in self.faults and not closed):
            return False
        self._contact[index] = closed
        return True

    def _tell(self, t_s: float) -> None:
        if self.on_contact is not None:
            self.on_contact(t_s)
