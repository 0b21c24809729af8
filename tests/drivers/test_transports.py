"""Real descriptors: PTY, TCP, and what pyserial alone can open."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
import termios
import tty
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from drivers.contract import DeviceError, LinkLost, NoReply
from drivers.transport.base import SerialSettings
from drivers.transport.open import host_and_port, open_link, reopen_target
from drivers.transport.port import LinkPort
from drivers.transport.serial import open_serial


def line(buffer: bytearray) -> bytes | None:
    end = buffer.find(b"\n")
    if end < 0:
        return None
    found = bytes(buffer[:end])
    del buffer[: end + 1]
    return found


class Pty:
    """A device end that answers every line in capitals; its slave stays open as an emulator's would."""

    def __init__(self) -> None:
        self.device, self.slave = os.openpty()
        tty.setraw(self.slave)
        os.set_blocking(self.device, False)
        self.path = os.ttyname(self.slave)
        asyncio.get_running_loop().add_reader(self.device, self.answer)

    def answer(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self.device, os.read(self.device, 4096).upper())

    def hang_up(self) -> None:
        if self.device >= 0:
            asyncio.get_running_loop().remove_reader(self.device)
            os.close(self.slave)
            os.close(self.device)
            self.device = -1


@pytest.fixture
async def pty() -> AsyncIterator[Pty]:
    pair = Pty()
    yield pair
    pair.hang_up()


@pytest.fixture
async def server() -> AsyncIterator[tuple[asyncio.Server, int]]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            if data == b"bye\n":
                break
            writer.write(data.upper())
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield listening, listening.sockets[0].getsockname()[1]
    listening.close()
    await listening.wait_closed()


async def test_pty_exchange_and_loss(pty: Pty) -> None:
    port = LinkPort(await open_link(pty.path, 38400), pty.path)
    assert await port.exchange(b"abc\n", line) == b"ABC"
    assert port.fileno() is not None
    waiting = asyncio.ensure_future(port.exchange(b"never", line, timeout_s=5.0))
    await asyncio.sleep(0.01)
    pty.hang_up()
    with pytest.raises(LinkLost):
        await waiting
    assert port.fileno() is None
    await port.close()


async def test_pty_reopens_whatever_parity_is_asked_for(pty: Pty) -> None:
    for _ in range(3):  # the second opening is the one that fails where parity reaches the C library
        port = LinkPort(open_serial(pty.path, 9600, SerialSettings(bytesize=7, parity="E", stopbits=2)), pty.path)
        assert await port.exchange(b"abc\n", line) == b"ABC"
        await port.close()


async def test_port_is_opened_with_its_baud_and_dtr_low(pty: Pty, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    import serial

    class Spy(serial.Serial):
        def open(self) -> None:
            seen.append((self.dtr, self.rts, self.exclusive, self.baudrate))
            super().open()

    monkeypatch.setattr("drivers.transport.serial.serial.Serial", Spy)
    link = open_serial(pty.path, 38400)
    fd = link.fileno()
    assert fd is not None
    assert termios.tcgetattr(fd)[4] == termios.B38400
    assert seen == [(False, False, True, 38400)]
    link.close()


async def test_busy_port_names_its_owner(pty: Pty) -> None:
    hold = f"import fcntl,sys; f=open({pty.path!r},'r+b',0); fcntl.flock(f,2); print(1,flush=True); sys.stdin.read()"
    pipe = asyncio.subprocess.PIPE
    owner = await asyncio.create_subprocess_exec(sys.executable, "-c", hold, stdin=pipe, stdout=pipe)
    assert owner.stdout is not None
    await owner.stdout.readline()
    with pytest.raises(DeviceError, match=rf"in use by .*python.* \(pid {owner.pid}\)") as caught:
        await open_link(pty.path, 9600)
    await owner.communicate(b"")
    assert "end that process" in caught.value.remedy
    (await open_link(pty.path, 9600)).close()


async def test_missing_port_suggests_a_similar_one(tmp_path: Path, pty: Pty) -> None:
    (tmp_path / "generator0").symlink_to(pty.path)
    with pytest.raises(DeviceError, match="no such port") as caught:
        await open_link(str(tmp_path / "generator1"), 9600)
    assert str(tmp_path / "generator0") in caught.value.remedy


async def test_a_file_is_not_a_serial_port(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("x")
    with pytest.raises(DeviceError, match="not a serial port"):
        await open_link(str(tmp_path / "notes"), 9600)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open everything")
async def test_forbidden_port_names_the_group(tmp_path: Path) -> None:
    path = tmp_path / "tty"
    path.write_text("")
    path.chmod(0)
    with pytest.raises(DeviceError, match="usermod -aG"):
        await open_link(str(path), 9600)


async def test_a_port_that_takes_nothing_never_blocks_the_loop() -> None:
    device, slave = os.openpty()
    tty.setraw(slave)
    port = LinkPort(await open_link(os.ttyname(slave), 9600), "pty")
    port.counters.timeouts = 0
    try:
        with contextlib.suppress(NoReply):
            for _ in range(64):  # nobody reads: the kernel's buffer fills (how much it takes varies), then ours
                await port.send(b"x" * 2048)
        assert port.counters.timeouts > 0
    finally:
        await port.close()
        os.close(slave)
        os.close(device)


async def test_tcp_exchange_and_loss(server: tuple[asyncio.Server, int]) -> None:
    for scheme in ("tcp", "socket"):
        url = f"{scheme}://127.0.0.1:{server[1]}"
        link = await open_link(url, 0)
        port = LinkPort(link, url)
        fd = port.fileno()
        assert fd is not None
        with socket.socket(fileno=os.dup(fd)) as same:
            assert same.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert await port.exchange(b"abc\n", line) == b"ABC"
        with pytest.raises(LinkLost):
            await port.exchange(b"bye\n", line, timeout_s=5.0)
        await port.close()
        await port.close()


async def test_tcp_refused_and_unknown_host() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        number = closed.getsockname()[1]
    with pytest.raises(DeviceError, match="connection refused"):
        await open_link(f"tcp://127.0.0.1:{number}", 0)
    with pytest.raises(DeviceError, match="host or port number is missing"):
        await open_link("tcp://127.0.0.1", 0)


async def test_tcp_peer_that_reads_nothing_never_blocks_the_loop() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"tcp://127.0.0.1:{deaf.getsockname()[1]}"
        port = LinkPort(await open_link(url, 0), url)
        while port.counters.timeouts == 0:  # the kernel's buffers fill, then ours
            with contextlib.suppress(NoReply):
                await port.send(b"x" * 65536)
        await port.close()


async def test_tcp_takes_the_first_address_that_answers(
    server: tuple[asyncio.Server, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()

    async def two_addresses(host: str, port: int, **_: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in ("127.0.0.2", "127.0.0.1")]

    monkeypatch.setattr(loop, "getaddrinfo", two_addresses)
    port = LinkPort(await open_link(f"tcp://device.lab:{server[1]}", 0), "tcp")  # it listens on 127.0.0.1 only
    assert await port.exchange(b"abc\n", line) == b"ABC"
    await port.close()


async def test_tcp_connection_that_nobody_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(sock: socket.socket, address: object) -> None:
        await asyncio.sleep(60.0)

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", never)
    monkeypatch.setattr("drivers.transport.tcp.CONNECT_TIMEOUT_S", 0.01)
    with pytest.raises(DeviceError, match="no answer within"):
        await open_link("tcp://127.0.0.1:1", 0)


async def test_pyserial_urls_run_on_threads() -> None:
    port = LinkPort(await open_link("loop://", 9600), "loop://")
    assert await port.exchange(b"abc\n", line, timeout_s=2.0) == b"abc"
    assert port.fileno() is None
    await port.close()
    with pytest.raises(LinkLost):
        await port.send(b"x")


@pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")  # pyserial's own
async def test_rfc2217() -> None:
    import threading

    from serial import rfc2217, serial_for_url

    listening = socket.create_server(("127.0.0.1", 0))
    number = listening.getsockname()[1]

    def device_server() -> None:
        """pyserial's own server side over its loop-back port."""
        sock, _ = listening.accept()
        port = serial_for_url("loop://", timeout=0)

        class Connection:
            @staticmethod
            def write(data: bytes) -> None:
                sock.sendall(data)

        manager = rfc2217.PortManager(port, Connection())
        with contextlib.suppress(OSError), sock:
            while data := sock.recv(1024):
                port.write(b"".join(manager.filter(data)))
                sock.sendall(b"".join(manager.escape(port.read(1024))))

    serving = threading.Thread(target=device_server, daemon=True)
    serving.start()
    port = LinkPort(await open_link(f"rfc2217://127.0.0.1:{number}", 9600), "rfc2217")
    assert await port.exchange(b"abc\n", line, timeout_s=3.0) == b"abc"
    await port.close()
    await asyncio.to_thread(serving.join, 3.0)
    listening.close()


async def test_unknown_scheme_has_a_suggestion() -> None:
    with pytest.raises(DeviceError, match="did you mean socket://"):
        await open_link("sockets://host:1", 0)
    with pytest.raises(DeviceError, match="install the plug-in that owns it"):
        await open_link("sim://gen", 0)


async def test_resolve_maps_a_plug_ins_scheme(pty: Pty) -> None:
    link = await open_link("sim://gen", 9600, lambda url: pty.path if url == "sim://gen" else url)
    link.close()
    link.close()


@pytest.fixture(autouse=True)
def no_left_over_descriptors() -> Iterator[None]:
    before = len(os.listdir("/proc/self/fd"))
    yield
    assert len(os.listdir("/proc/self/fd")) <= before + 6  # a fixture's pair and a loop's own


@pytest.mark.parametrize(
    "url, target",
    [
        ("/dev/ttyUSB0", "/dev/ttyUSB0"),
        ("socket://10.0.0.5:4001", "tcp://10.0.0.5:4001"),
        ("tcp://[::1]:4001", "tcp://[::1]:4001"),
        ("rfc2217://10.0.0.5:4001", None),
        ("sim://gen", None),
    ],
)
def test_reopen_target(url: str, target: str | None) -> None:
    assert reopen_target(url) == target


def test_host_and_port() -> None:
    assert host_and_port("socket://10.0.0.5:4001/logging=debug") == ("10.0.0.5", 4001)
