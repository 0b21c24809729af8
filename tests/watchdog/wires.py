"""A generator and a relay at the far ends of PTYs, written from their manuals, with a log of what they did and when."""

from __future__ import annotations

import os
import select
import threading
import time
import tty
from collections.abc import Callable

ACK = b"*"


class Wires:
    """Both devices, served by one thread. Times are of CLOCK_MONOTONIC, the moment a whole frame was read."""

    def __init__(self) -> None:
        self.gen_master, gen = os.openpty()
        self.relay_master, relay = os.openpty()
        self.slaves = (gen, relay)  # held open: the devices stay though nobody has them open
        for fd in self.slaves:
            tty.setraw(fd)
        self.gen_path, self.relay_path = os.ttyname(gen), os.ttyname(relay)
        self.rf_on = False
        self.ignore_off = False
        self.rf: list[tuple[float, bool]] = []  # (when, RF on?) at each RF frame
        self.bad_frames = 0
        self.closed = False
        self.relay: list[tuple[float, bytes]] = []
        self.on_rf: Callable[[bool], None] = lambda on: None
        self.deaf = threading.Event()  # the generator stops reading
        self._buffers = {self.gen_master: b"", self.relay_master: b""}
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="wires")
        self._thread.start()

    def close(self) -> None:
        self._end.set()
        self._thread.join()
        for fd in (self.gen_master, self.relay_master, *self.slaves):
            os.close(fd)

    def off_s(self) -> float:
        """When RF went off for good."""
        assert not self.rf_on
        last_on = max(i for i, (_, on) in enumerate(self.rf) if on)
        return self.rf[last_on + 1][0]

    def _serve(self) -> None:
        while not self._end.is_set():
            listen = [self.relay_master] if self.deaf.is_set() else [self.gen_master, self.relay_master]
            for fd in select.select(listen, [], [], 0.02)[0]:
                self._buffers[fd] += os.read(fd, 4096)
                (self._generator if fd == self.gen_master else self._relay)(time.monotonic())

    def _generator(self, now_s: float) -> None:
        """Ten bytes from a "C"; a wrong sum spoils all ten of them."""
        data = self._buffers[self.gen_master]
        while (start := data.find(b"C")) >= 0 and len(data) >= start + 10:
            frame, data = data[start : start + 10], data[start + 10 :]
            if sum(frame[:8]) != int.from_bytes(frame[8:], "big"):
                self.bad_frames += 1
                os.write(self.gen_master, b"?")
                continue
            os.write(self.gen_master, ACK)
            if frame[2:4] == b"BR":
                on = frame[4:6] == b"\x55\x55"
                self.rf_on = on or (self.ignore_off and self.rf_on)
                self.rf.append((now_s, on))
                self.on_rf(on)
            elif frame[2:4] == b"GS":
                reply = bytes.fromhex("52 00 00 08") + bytes((0, self.rf_on)) + bytes.fromhex("00 DD 00 01 00 01")
                os.write(self.gen_master, reply + sum(reply).to_bytes(2, "big"))
        self._buffers[self.gen_master] = data if b"C" in data else b""

    def _relay(self, now_s: float) -> None:
        data = self._buffers[self.relay_master]
        while len(data) >= 3:
            frame, data = data[:3], data[3:]
            self.relay.append((now_s, frame))
            if frame[1] == 9:
                os.write(self.relay_master, bytes((self.closed, 0, 0, 0)))
            else:
                self.closed = frame[2] == 1
        self._buffers[self.relay_master] = data
