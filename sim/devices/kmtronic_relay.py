"""KMTronic USB relay board: ``FF n 01|00`` switches relay n without a reply, ``FF 09 00`` reads all relays; 9600 8N1.

Sources: KMTronic's command table and the behaviour that kmtronic-usb-relay 26.0 expects. The status is the board's
output register, one byte 01/00 per relay: it says what was commanded, not where the contact is, so a welded contact
does not show.

Options: ``relays`` (4, or 8 when the bench uses a higher relay), ``status_prefix`` (False; some boards put ``FF 08``
before the status), ``native_timeout_s`` (None: the board keeps a closed relay for ever; else a relay opens by itself
when its "on" was not repeated for that long, as time-delay boards do), ``switch_s`` (0.004 [assumed], coil to contact),
``frame_gap_s`` (0.2 [assumed], an unfinished command older than this is forgotten).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sim.devices.base import NEVER, Emulator, Replies, World


class KmtronicRelay(Emulator):
    """``contact(n)`` is where contact n really is; ``coil`` is what the board believes."""

    MODEL = "kmtronic-relay"
    ROLE = "relay"
    BAUD = 9600
    LATENCY_S = 0.001
    OPTIONS = frozenset({"relays", "status_prefix", "native_timeout_s", "switch_s", "frame_gap_s", "latency_s"})

    def __init__(self, world: World, options: Mapping[str, Any], name: str) -> None:
        super().__init__(world, options, name)
        count = int(options.get("relays") or (4 if int(options.get("relay", 1)) <= 4 else 8))
        timeout_s = options.get("native_timeout_s")
        self.native_timeout_s = NEVER if timeout_s is None else float(timeout_s)
        self.switch_s = float(options.get("switch_s", 0.004))
        self.frame_gap_s = float(options.get("frame_gap_s", 0.2))
        self.prefix = b"\xff\x08" if options.get("status_prefix") else b""
        self.coil = [False] * count
        self.on_contact: Callable[[float], None] | None = None
        self._contact = [False] * count
        self._moves: list[tuple[float, int, bool]] = []  # (when the contact arrives, relay, closed)
        self._expiry_s = [NEVER] * count
        self._buffer = bytearray()
        self._byte_s = 0.0

    # behaviour ------------------------------------------------------------------------------------------------------

    def contact(self, relay: int) -> bool:
        """Is the contact of relay ``relay`` (1..n) closed? A weld keeps a contact that has closed."""
        return self._contact[relay - 1]

    def poll_due(self, t_s: float) -> float | None:
        for index, expiry_s in enumerate(self._expiry_s):
            if t_s >= expiry_s:
                self._switch(index, False, t_s)
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

    def _switch(self, index: int, on: bool, t_s: float) -> None:
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

    # wire format ----------------------------------------------------------------------------------------------------

    def receive(self, data: bytes, t_s: float) -> Replies:
        buffer = self._buffer
        if buffer and t_s - self._byte_s > self.frame_gap_s:
            buffer.clear()
        self._byte_s = t_s
        buffer += data
        replies: Replies = []
        busy_s = 0.0
        while (start := buffer.find(0xFF)) >= 0:
            del buffer[:start]
            if len(buffer) < 3:
                return replies
            relay, state = buffer[1], buffer[2]
            if relay == 0xFF:  # FF FF n: the first FF began nothing
                del buffer[:1]
                continue
            del buffer[:3]
            if relay == 9 and state == 0:
                reply = self.prefix + bytes(self.coil)
                busy_s += self.latency_s + self.line_s(3 + len(reply))
                replies.append((busy_s, reply))
            elif 1 <= relay <= len(self.coil) and state <= 1:
                self._switch(relay - 1, state == 1, t_s)
        buffer.clear()
        return replies
