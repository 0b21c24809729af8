"""Daemon and watchdog can be reached from this machine alone, by their owner alone: neither listens on a network."""

from __future__ import annotations

import contextlib
import os
import re
import socket
from pathlib import Path

import pytest

from tests.process.bench import Emulated, Live

pytestmark = pytest.mark.process

LISTENING = "0A"  # Linux, include/net/tcp_states.h: TCP_LISTEN


def sockets_of(pid: int) -> set[str]:
    """Inodes of the sockets that a process has open."""
    found = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile, such as the one that lists this folder
            if match := re.fullmatch(r"socket:\[(\d+)\]", os.readlink(entry)):
                found.add(match[1])
    return found


def on_the_network(pid: int) -> list[str]:
    """Local addresses at which a process can be reached: listening TCP sockets, and every UDP or raw one."""
    mine, found = sockets_of(pid), []
    for table in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6"):
        path = Path(f"/proc/{pid}/net/{table}")
        for line in path.read_text().splitlines()[1:] if path.exists() else ():
            _, local, _, state, *rest = line.split()
            if rest[5] in mine and (state == LISTENING or not table.startswith("tcp")):
                found.append(f"{table} {local}")
    return found


def test_canary_a_listener_is_seen() -> None:
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        tcp.bind(("127.0.0.1", 0))
        udp.bind(("127.0.0.1", 0))
        assert [entry.split()[0] for entry in on_the_network(os.getpid())] == ["udp"]
        tcp.listen()
        found = on_the_network(os.getpid())
        assert [entry.split()[0] for entry in found] == ["tcp", "udp"]
        assert found[0].endswith(f":{tcp.getsockname()[1]:04X}")


def test_neither_daemon_nor_watchdog_listens_on_a_network(emulated: Emulated) -> None:
    with Live(emulated) as live:
        live.state("SAFE")
        assert {pid: on_the_network(pid) for pid in live.pids} == {pid: [] for pid in live.pids}
        status = os.stat(emulated.control)
        assert status.st_mode & 0o777 == 0o600
        assert status.st_uid == os.getuid()
        live.shut()
