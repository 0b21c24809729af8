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

from collections.abc import Mapping
from typing import Any

from sim.devices.base import Replies, World
from sim.devices.relays import RelayBoard


class KmtronicRelay(RelayBoard):
    """A board of four or eight relays, numbered from 1."""

    MODEL = "kmtronic-relay"
    BAUD = 9600
    LATENCY_S = 0.001
    OPTIONS = frozenset({"relays", "status_prefix", "native_timeout_s", "switch_s", "frame_gap_s", "latency_s"})

    def __init__(self, world: World, options: Mapping[str, Any], name: str) -> None:
        count = int(options.get("relays") or (4 if self.highest(options) <= 4 else 8))
        super().__init__(world, options, name, count)
        self.frame_gap_s = float(options.get("frame_gap_s", 0.2))
        self.prefix = b"\xff\x08" if options.get("status_prefix") else b""
        self._buffer = bytearray()
        self._byte_s = 0.0

    @staticmethod
    def highest(options: Mapping[str, Any]) -> int:
        """The highest relay that the bench file uses."""
        return int(options.get("relay", 1))

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
                self.switch(relay - 1, state == 1, t_s)
        buffer.clear()
        return replies
