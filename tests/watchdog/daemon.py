"""A daemon of thirty lines for the process tests: standard library only, so that what is timed is the watchdog.

``python -m tests.watchdog.daemon MODE GEN RELAY``. It fires at once, and ends as MODE says.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time

from safety.watchdog.frames import ENVIRONMENT, Hello, pack_heartbeat, pack_hello
from tests.watchdog.beats import GEN, GET_STATUS, RELAY, RF_ON, SET_50_W, beat, firing

PERIOD_S = 0.02


def main(mode: str, gen_path: str, relay_path: str) -> int:
    """Say hello, beat, and misbehave."""
    link = socket.socket(fileno=int(os.environ[ENVIRONMENT]))
    if mode == "early":
        return 4
    gen = os.open(gen_path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    relay = os.open(relay_path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    plan = GEN if mode != "reopen" else type(GEN)(GEN.device, GEN.resync, GEN.off, GEN.readbacks, reopen=gen_path)
    hello = Hello(
        ((plan, gen if mode != "reopen" else None),), (RELAY, relay), PERIOD_S, (("gen", 1.0), ("tc", 1.0)), 1.0
    )
    data, fds = pack_hello(hello)
    socket.send_fds(link, [data], fds)
    assert json.loads(link.recv(4096))["message"] == "ready"
    link.setblocking(False)
    os.close(relay)
    signal.signal(signal.SIGCONT, lambda number, frame: os.write(gen, SET_50_W + RF_ON))
    begin_s = time.monotonic()
    for seq in range(1, 500):
        idle = mode in {"bye", "linger", "lie"}
        frame = beat(seq, time.monotonic()) if idle else firing(seq, time.monotonic())
        if mode == "lie" and seq == 10:
            frame = frame._replace(grant_mw=1000)
        link.send(pack_heartbeat(frame))
        if not idle and seq == 3:
            os.write(gen, SET_50_W + RF_ON)
        if not idle and seq > 3:
            os.write(gen, GET_STATUS)
        drain(link, gen)
        if seq == 15 and mode in {"bye", "linger"}:
            link.setblocking(True)
            link.settimeout(2.0)
            link.send(b'{"message": "bye"}')
            while b"bye" not in link.recv(4096):
                pass
            time.sleep(0.5 if mode == "linger" else 0.0)
            return 7
        if seq == 15 and mode == "half":
            os.write(gen, RF_ON[:5])
            os.kill(os.getpid(), signal.SIGKILL)
        if seq == 15 and mode == "flood":
            sys.stdout.write("FLOODING\n")
            sys.stdout.flush()
            time.sleep(0.05)
            try:
                while True:
                    os.write(gen, SET_50_W)
            except BlockingIOError:
                os.kill(os.getpid(), signal.SIGSTOP)
        time.sleep(max(0.0, begin_s + seq * PERIOD_S - time.monotonic()))
    return 0


def drain(link: socket.socket, gen: int) -> None:
    """Read and forget what came."""
    for read in (lambda: link.recv(4096), lambda: os.read(gen, 4096)):
        try:
            while read():
                pass
        except BlockingIOError:
            pass


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
