"""One line over real descriptors: framings, timeouts, a full buffer, a line that dies and is opened again."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import socket
import termios
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from tests.mutation.total import raises_nothing

CS5, CS6, CS7, CS8 = termios.CS5, termios.CS6, termios.CS7, termios.CS8
COMMON = termios.CREAD | termios.CLOCAL
MARK = 0o10000000000  # CMSPAR of <asm-generic/termbits.h>


@pytest.fixture(autouse=True)
def soon() -> Iterator[None]:
    """A test that waits for ever has failed."""

    def blocked(*_: object) -> None:
        raise AssertionError("it does not come back")

    before = signal.signal(signal.SIGALRM, blocked)
    signal.alarm(5)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def terminal() -> Iterator[tuple[int, str]]:
    """The device's end of a PTY, and the path of ours; raw."""
    device, ours = pty.openpty()
    path = os.ttyname(ours)
    settings = termios.tcgetattr(ours)
    settings[0] = settings[1] = settings[3] = 0
    termios.tcsetattr(ours, termios.TCSANOW, settings)
    os.set_blocking(device, False)
    yield device, path
    os.close(ours)
    os.close(device)


def heard(device: int) -> bytes:
    time.sleep(0.002)
    try:
        return os.read(device, 65536)
    except BlockingIOError:
        return b""


@raises_nothing
def test_it_waits_for_what_is_left_of_the_time_and_does_not_spin(monkeypatch: pytest.MonkeyPatch) -> None:
    from safety.watchdog import line as module

    slept: list[float] = []
    come: list[int] = []

    def write(fd: int, data: bytes) -> int:
        raise BlockingIOError

    monkeypatch.setattr(module, "_come", lambda fd: come.pop(0) if come else 0)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: sum(slept), sleep=slept.append))
    monkeypatch.setattr(module, "os", SimpleNamespace(read=lambda fd, size: bytes(fd == 909), write=write))
    line = object.__new__(module.Line)
    line.fd, line.resource, line.error = 909, None, ""
    for act, nothing in (line.read, b""), (lambda timeout_s: line.write(b"off", timeout_s), False):
        for timeout_s, times in (0.0, 0), (0.001, 2), (0.0012, 3):
            slept.clear()
            assert (act(timeout_s), slept) == (nothing, [0.0005] * times)
    come += [0, 0, 1]
    slept.clear()
    assert (line.read(0.01), slept) == (b"\0", [0.0005] * 2)


@pytest.mark.parametrize(
    "framing, flags",
    [
        ((8, "N", 1), CS8), ((7, "E", 1), CS7 | termios.PARENB),
        ((7, "O", 2), CS7 | termios.PARENB | termios.PARODD | termios.CSTOPB),
        ((5, "N", 1.5), CS5 | termios.CSTOPB), ((6, "M", 1), CS6 | termios.PARENB | termios.PARODD | MARK),
        ((8, "S", 1), CS8 | termios.PARENB | MARK), ((9, "X", 1), CS8),
    ],
)  # fmt: skip
@raises_nothing
def test_framing(framing: Any, flags: int) -> None:
    from safety.watchdog.line import control_flags

    assert control_flags(*framing) == flags | COMMON


@raises_nothing
def test_a_path_is_opened_raw(terminal: tuple[int, str]) -> None:
    from safety.watchdog.line import open_resource

    for rate, speed in ((19200, termios.B19200), (12345, termios.B19200)):  # no name: as it was left
        fd = open_resource(terminal[1], rate)
        try:
            settings = termios.tcgetattr(fd)
            assert settings[0:2] == [0, 0]
            assert (settings[2] & (termios.CSIZE | COMMON | termios.HUPCL), settings[3]) == (CS8 | COMMON, 0)
            assert settings[4:6] == [speed, speed]
            assert [settings[6][k] for k in (termios.VMIN, termios.VTIME)] in ([0, 0], [b"\0", b"\0"])
            assert os.get_blocking(fd) is os.get_inheritable(fd) is False
            assert fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDWR
        finally:
            os.close(fd)


@pytest.mark.parametrize("scheme", ["tcp://", "socket://"])
@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
@raises_nothing
def test_a_socket_is_opened(scheme: str, host: str) -> None:
    from safety.watchdog.line import open_resource

    with socket.create_server(
        (host.strip("[]"), 0), family=socket.AF_INET6 if "[" in host else socket.AF_INET
    ) as server:
        fd = open_resource(f"{scheme}{host}:{server.getsockname()[1]}", 9600)
        try:
            assert os.get_blocking(fd) is False
            with server.accept()[0] as peer:
                os.write(fd, b"x")
                assert peer.recv(10) == b"x"
        finally:
            os.close(fd)


@raises_nothing
def test_what_cannot_be_opened() -> None:
    from safety.watchdog.line import Line

    line = Line(None, "/nowhere/tty", 9600)
    assert (line.error, line.open(), line.fd, line.opened) == ("", False, None, 0)
    assert line.error == "cannot open /nowhere/tty: [Errno 2] No such file or directory: '/nowhere/tty'"
    assert Line(None, "tcp://host:port", 9600).open() is False
    bare = Line(None, None, 9600)
    assert (bare.open(), bare.write(b"x", 0.01), bare.error) == (False, False, "no descriptor")
    bare.drain()
    assert (bare.read(), bare.read(0.01)) == (b"", b"")
    assert line.write(b"x", 0.01) is False
    assert line.error.startswith("cannot open")  # what went wrong first is kept
    assert bare.framing == (9600, 8, "N", 1)


@raises_nothing
def test_a_plan_has_its_line() -> None:
    from safety.safeoff import SafeOffPlan
    from safety.watchdog.line import line_of

    line = line_of(SafeOffPlan("g", b"", (), reopen="/dev/x", baud=19200, bytesize=7, parity="E", stopbits=2), None)
    assert (line.fd, line.resource, line.framing) == (None, "/dev/x", (19200, 7, "E", 2))


@raises_nothing
def test_bytes_go_and_come(terminal: tuple[int, str]) -> None:
    from safety.watchdog.line import Line

    device, path = terminal
    line = Line(None, path, 9600)
    assert line.open() is True
    fd = line.fd
    assert (line.open(), line.fd, line.opened) == (True, fd, 1)
    line.error = "old"
    assert (line.write(b"abc", 0.1), heard(device), line.error) == (True, b"abc", "")
    assert line.read() == b""
    begin_s = time.monotonic()
    assert line.read(0.03) == b""
    assert 0.03 <= time.monotonic() - begin_s < 1.0
    os.write(device, b"reply")
    assert line.read(1.0) == b"reply"
    os.write(device, b"x" * 100)
    time.sleep(0.002)
    line.drain()
    assert line.read() == b""
    os.close(line.fd or 0)


@raises_nothing
def test_a_shared_descriptor_no_longer_blocks() -> None:
    from safety.watchdog.line import Line

    ours, theirs = os.pipe()
    Line(ours, None, 9600)
    assert os.get_blocking(ours) is False
    os.close(ours)
    os.close(theirs)
    Line(ours, None, 9600)  # closed already: not its fault, and told when it is used


@raises_nothing
def test_a_full_buffer() -> None:
    """A pipe cannot be purged: the write ends at its time; with a reader it goes on."""
    from safety.watchdog.line import Line

    read, write = os.pipe()
    line = Line(write, None, 9600)
    while True:
        try:
            os.write(write, bytes(4096))
        except BlockingIOError:
            break
    begin_s = time.monotonic()
    assert line.write(b"off", 0.05, purge=True) is False
    assert 0.05 <= time.monotonic() - begin_s < 2.0
    assert line.error == "the output buffer stays full"
    assert line.write(b"off", 0.0) is False
    os.read(read, 65536)
    assert (line.write(b"off", 0.05), line.error) == (True, "")
    os.close(read)
    os.close(write)


@raises_nothing
def test_a_full_terminal_is_purged_once(terminal: tuple[int, str]) -> None:
    from safety.watchdog.line import Line

    device, path = terminal
    line = Line(None, path, 9600)
    line.open()
    flooded = full = 0
    while full < 5:  # to the last byte, and it stays so: the kernel carries bytes over in its own time
        for size in (512, 1):
            with contextlib.suppress(BlockingIOError):
                while True:
                    flooded, full = flooded + os.write(line.fd or -1, b"f" * size), 0
        full += 1
        time.sleep(0.01)
    assert (line.write(b"off", 0.03), line.error) == (False, "the output buffer stays full")
    assert (line.write(b"off", 1.0, purge=True), line.error) == (True, "")
    poll = select.poll()
    poll.register(device, select.POLLIN)
    seen = b""
    while poll.poll(20):
        seen += os.read(device, 65536)
    assert seen.endswith(b"foff")
    assert len(seen) < flooded
    os.close(line.fd or 0)


@raises_nothing
def test_numbers() -> None:
    import inspect

    from safety.watchdog import line

    assert (line.READ_SIZE, line.CONNECT_S) == (4096, 0.1)
    told = inspect.signature(line.open_resource).parameters
    assert {k: p.default for k, p in told.items() if p.default is not p.empty} == {
        "bytesize": 8, "parity": "N", "stopbits": 1,
    }  # fmt: skip


@pytest.mark.parametrize("resource", [None, "/nowhere"])
@raises_nothing
def test_a_line_that_dies(resource: str | None) -> None:
    from safety.watchdog.line import Line

    read, write = os.pipe()
    os.close(read)
    line = Line(write, resource, 9600)
    assert line.write(b"off", 0.1) is False
    assert line.error == "BrokenPipeError: Broken pipe"
    assert line.fd == (write if resource is None else None)
    if resource is None:
        os.close(write)
        assert (line.read(), line.error) == (b"", "OSError: Bad file descriptor")
    else:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.close(write)


@raises_nothing
def test_a_babbling_device_holds_up_nobody() -> None:
    from safety.watchdog.line import Line

    reads = 0

    class Babbling(Line):
        def read(self, timeout_s: float = 0.0) -> bytes:
            nonlocal reads
            reads += 1
            return b"babble"

    Babbling(None, None, 9600).drain()
    assert reads == 64

    class Quiet(Babbling):
        def read(self, timeout_s: float = 0.0) -> bytes:
            super().read(timeout_s)
            return b""

    Quiet(None, None, 9600).drain()
    assert reads == 65


@raises_nothing
def test_of_what_is_silent_nothing_is_read_at_once() -> None:
    from safety.watchdog.line import Line

    ours, theirs = os.pipe()
    line = Line(ours, None, 9600)
    begin_s = time.monotonic()
    assert line.read() == b""
    assert time.monotonic() - begin_s < 0.5
    assert (line.fd, line.error) == (ours, "")
    os.close(ours)
    os.close(theirs)


@raises_nothing
def test_a_terminal_that_was_stopped_goes_on(terminal: tuple[int, str]) -> None:
    from safety.watchdog.line import Line

    device, path = terminal
    line = Line(None, path, 9600)
    line.open()
    termios.tcflow(line.fd or -1, termios.TCOOFF)
    assert line.write(b"lost", 0.02) is False
    assert (line.write(b"off", 0.1, purge=True), heard(device)) == (True, b"off")
    os.close(line.fd or -1)


@raises_nothing
def test_a_line_without_a_descriptor_has_none_to_let_go_of() -> None:
    from safety.watchdog.line import Line

    line = Line(None, "/dev/x", 9600)
    assert (line._gone(OSError(5, "gone")), line.fd, line.error) == (False, None, "OSError: gone")


@raises_nothing
def test_a_line_is_asked_how_much_has_come_and_read_only_then(monkeypatch: pytest.MonkeyPatch) -> None:
    from safety.watchdog import line as module

    ours, theirs = os.pipe()
    line, read = module.Line(ours, None, 9600), os.read
    reads: list[int] = []

    def noted(fd: int, size: int) -> bytes:
        reads.append(size)
        return read(fd, size)

    monkeypatch.setattr(module.os, "read", noted)
    assert (line.read(), line.read(0.001), reads) == (b"", b"", [])
    os.write(theirs, b"12345")
    assert (module._come(ours), line.read(), reads) == (5, b"12345", [4096])
    os.write(theirs, bytes(0x123))
    assert module._come(ours) == 0x123  # a number of more than one byte
    os.close(ours)
    os.close(theirs)


@raises_nothing
def test_what_the_daemon_took_first_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    from safety.watchdog import line as module

    ours, theirs = os.pipe()
    monkeypatch.setattr(module, "_come", lambda fd: 3)
    line = module.Line(ours, None, 9600)
    assert (line.read(1.0), line.fd, line.error) == (b"", ours, "")
    os.close(ours)
    os.close(theirs)


@raises_nothing
def test_a_terminal_whose_device_is_gone_is_let_go_of() -> None:
    from safety.watchdog.line import Line

    device, ours = pty.openpty()
    path = os.ttyname(ours)
    line = Line(None, path, 9600)
    assert (line.open(), line.write(b"off", 0.1)) == (True, True)
    os.close(ours)
    os.close(device)
    assert (line.read(1.0), line.fd, line.error) == (b"", None, "OSError: Input/output error")
