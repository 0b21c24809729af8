"""Emulators on TCP, each in a process of its own, and how many questions a second they answer to one client."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from benchmarks.peers import echo

ROOT = Path(__file__).parents[2]
UP_S = 20.0
STATUS_LENGTH = 15


class Served(NamedTuple):
    """Where it listens, and a question; the answer has ``length`` bytes, or is a line."""

    port: int
    question: bytes
    length: int = 4096


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def bare() -> Iterator[Served]:
    """A server of blocking sockets that gives one answer to everything."""
    port, process = echo.tcp()
    try:
        yield Served(port, echo.REQUEST)
    finally:
        process.terminate()


@contextlib.contextmanager
def ours() -> Iterator[Served]:
    """A generator whose line and device take no time, in the interpreter of this project."""
    from drivers.tc_cxn import codec

    python = os.environ.get("OPENABLATE_PYTHON", str(ROOT / ".venv" / "bin" / "python"))
    argv = [python, "-m", "benchmarks.peers.our_emulator"]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        try:
            yield Served(int(process.stdout.readline() or b"0"), codec.frame(b"GS"), STATUS_LENGTH)
        finally:
            process.kill()


@contextlib.contextmanager
def _program(argv: list[str], served: Served) -> Iterator[Served]:
    with subprocess.Popen(
        [sys.executable, *argv], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            until_s = time.monotonic() + UP_S
            while True:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", served.port), 0.2):
                    break
                if process.poll() is not None or time.monotonic() > until_s:
                    raise ConnectionError(f"{argv[1]} does not listen")
                time.sleep(0.1)
            yield served
        finally:
            process.kill()


@contextlib.contextmanager
def lewis() -> Iterator[Served]:
    """A device of one number, with a cycle of a millisecond."""
    if find_spec("lewis") is None:
        raise ModuleNotFoundError("lewis is not installed here")
    port = free_port()
    options = f"stream: {{bind_address: 127.0.0.1, port: {port}}}"
    argv = ["-m", "lewis", "-k", "benchmarks.peers.lewis_devices", "one", "-c", "0.001", "-p", options]
    with _program(argv, Served(port, b"P\r\n")) as served:
        yield served


@contextlib.contextmanager
def tickit() -> Iterator[Served]:
    """A device of one number behind its TCP adapter."""
    if find_spec("tickit") is None:
        raise ModuleNotFoundError("tickit is not installed here")
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "one.yaml"
        told = [{"type": "benchmarks.peers.tickit_device.One", "name": "one", "inputs": {}, "port": port}]
        file.write_text(json.dumps(told))
        with _program(["-m", "tickit", "all", str(file)], Served(port, b"P\r\n")) as served:
            yield served


def rate(serve: Callable[[], AbstractContextManager[Served]], seconds: float) -> float:
    """Answers a second, back to back."""
    with serve() as served, socket.create_connection(("127.0.0.1", served.port), 5.0) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        count, began_s = 0, time.perf_counter()
        while time.perf_counter() < began_s + seconds:
            link.sendall(served.question)
            got = b""
            while not got.endswith(b"\n") and len(got) < served.length:
                part = link.recv(4096)
                if not part:
                    raise ConnectionError("the emulator hung up")
                got += part
            count += 1
        return count / (time.perf_counter() - began_s)
