"""A line that the watchdog opens itself: framed as the device's manual says, found without a name server, or refused
before anything is armed. The flags are those of Linux' <asm-generic/termbits.h>, as literals.
"""

from __future__ import annotations

import json
import os
import socket
import termios
import tty
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.safeoff import EnablePlan, SafeOffPlan, from_json, to_json
from safety.watchdog.cutoff import Source
from safety.watchdog.frames import Hello, pack_hello, unpack_message
from safety.watchdog.line import Line, control_flags, line_of, open_resource
from safety.watchdog.process import Process
from tests.watchdog.beats import GEN, RELAY, RF_OFF

SIZE, CSTOPB, CREAD, PARENB, PARODD, CLOCAL, CMSPAR = 0x30, 0x40, 0x80, 0x100, 0x200, 0x800, 0x40000000
SIZES = {5: 0x00, 6: 0x10, 7: 0x20, 8: 0x30}
PARITY = {"N": 0, "E": PARENB, "O": PARENB | PARODD, "M": PARENB | PARODD | CMSPAR, "S": PARENB | CMSPAR}

bits, parities, stops = st.sampled_from([5, 6, 7, 8]), st.sampled_from("NEOMS"), st.sampled_from([1, 1.5, 2])


@given(bits, parities, stops)
def test_every_framing_is_set_and_nothing_else(bytesize: int, parity: str, stopbits: float) -> None:
    """No flow control, whose absent partner would hold an off back; no HUPCL, which would drop DTR at the close."""
    flags = control_flags(bytesize, parity, stopbits)
    assert flags & SIZE == SIZES[bytesize]
    assert flags & (PARENB | PARODD | CMSPAR) == PARITY[parity]
    assert bool(flags & CSTOPB) is (stopbits > 1)
    assert flags & ~(SIZE | CSTOPB | PARENB | PARODD | CMSPAR) == CREAD | CLOCAL


def test_without_a_word_it_is_8n1_as_ever() -> None:
    assert control_flags(8, "N", 1) == 0x30 | CREAD | CLOCAL
    assert line_of(GEN, None).framing == line_of(RELAY, None).framing == (9600, 8, "N", 1)


@given(bits, parities, stops, st.sampled_from([300, 9600, 115_200]))
def test_a_framing_goes_over_with_the_plan(bytesize: int, parity: str, stopbits: float, baud: int) -> None:
    framing: dict[str, Any] = {"baud": baud, "bytesize": bytesize, "parity": parity, "stopbits": stopbits}
    off = SafeOffPlan("gen", b"", (RF_OFF,), reopen="/dev/ttyUSB0", **framing)
    enable = EnablePlan("enable", b"c", b"o", b"q", 1, 0, 1, reopen="/dev/ttyUSB1", **framing)
    for plan in (off, enable):
        assert from_json(to_json(plan)) == plan
        assert line_of(plan, None).framing == (baud, bytesize, parity, stopbits)
    assert Source(off, None).line.framing == (baud, bytesize, parity, stopbits)


@pytest.mark.parametrize("plan", [GEN, RELAY])
def test_a_plan_without_framing_is_8n1(plan: SafeOffPlan | EnablePlan) -> None:
    told = json.loads(to_json(plan))
    for word in ("bytesize", "parity", "stopbits"):
        del told[word]
    assert from_json(json.dumps(told)) == plan


@pytest.mark.parametrize("wrong", [{"bytesize": 9}, {"parity": "o"}, {"stopbits": 3}, {"bytesize": None}])
@pytest.mark.parametrize("plan", [GEN, RELAY])
def test_a_framing_that_no_line_has_is_refused_before_arming(
    plan: SafeOffPlan | EnablePlan, wrong: dict[str, object]
) -> None:
    told = json.loads(to_json(plan)) | wrong
    with pytest.raises(ValueError, match="not a safe-off plan: no serial line has the framing"):
        from_json(json.dumps(told))


@pytest.fixture
def terminal() -> Iterator[str]:
    master, slave = os.openpty()
    tty.setraw(slave)
    yield os.ttyname(slave)
    os.close(slave)
    os.close(master)


def test_the_line_is_set_to_what_the_plan_says(terminal: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A PTY has no parity, so what reaches the system is looked at; its speed and stop bits are read back."""
    told: list[list[Any]] = []
    real = termios.tcsetattr

    def spy(fd: int, when: int, attributes: list[Any]) -> None:
        told.append(attributes)
        real(fd, when, attributes)

    monkeypatch.setattr(termios, "tcsetattr", spy)
    plan = SafeOffPlan("gen", b"", (RF_OFF,), reopen=terminal, baud=19_200, parity="O", stopbits=2)
    opened = line_of(plan, None)
    assert opened.open()
    assert opened.fd is not None
    assert told[0][2] == SIZES[8] | CSTOPB | PARENB | PARODD | CREAD | CLOCAL
    input_flags, output_flags, control, local, speed_in, speed_out, characters = termios.tcgetattr(opened.fd)
    assert (input_flags, output_flags, local) == (0, 0, 0)
    assert (speed_in, speed_out) == (termios.B19200, termios.B19200)
    assert control & CSTOPB
    assert (characters[termios.VMIN], characters[termios.VTIME]) in ((0, 0), (b"\x00", b"\x00"))
    os.close(opened.fd)


def test_a_speed_without_a_name_is_left_as_it_is_and_the_framing_set(terminal: str) -> None:
    os.close(open_resource(terminal, 38_400))
    fd = open_resource(terminal, 250_001, stopbits=2)
    _, _, control, _, speed, _, _ = termios.tcgetattr(fd)
    os.close(fd)
    assert (speed, bool(control & CSTOPB)) == (termios.B38400, True)


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_both_kinds_of_address_are_reached(family: socket.AddressFamily, host: str) -> None:
    with socket.socket(family) as listening:
        try:
            listening.bind((host, 0))
        except OSError:
            pytest.skip(f"this machine has no {host}")
        listening.listen()
        number = listening.getsockname()[1]
        opened = Line(None, f"tcp://[{host}]:{number}" if ":" in host else f"tcp://{host}:{number}", 9600)
        assert opened.open(), opened.error
        with listening.accept()[0] as peer:
            assert opened.write(RF_OFF, 0.2)
            assert peer.recv(100) == RF_OFF
        assert opened.fd is not None
        os.close(opened.fd)


def test_the_enable_line_is_framed_as_its_plan_says(tmp_path: Path, terminal: str) -> None:
    plan = EnablePlan("enable", b"c", b"o", b"q", 1, 0, 1, reopen=terminal, baud=19_200, parity="E", stopbits=2)
    process = Process(tmp_path, tmp_path, "bench", 0.2)
    process._link, daemon = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with process._link, daemon:
        source = SafeOffPlan("gen", b"", (RF_OFF,), reopen="/nowhere")
        message = unpack_message(pack_hello(Hello(((source, None),), (plan, None)))[0])
        assert message is not None
        process._hello(message, [], 0.0)
        assert json.loads(daemon.recv(4096))["message"] == "ready"
    assert process.cutoff.enable is not None
    opened = process.cutoff.enable[1]
    assert opened.framing == (19_200, 8, "E", 2.0)
    assert opened.fd is not None
    assert termios.tcgetattr(opened.fd)[2] & CSTOPB
    os.close(opened.fd)


def test_a_source_without_any_way_is_refused_with_the_remedy(tmp_path: Path) -> None:
    process = Process(tmp_path, tmp_path, "bench", 0.2)
    process._link, daemon = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with process._link, daemon:
        message = unpack_message(pack_hello(Hello(((GEN, None),), (RELAY, None)))[0])
        assert message is not None
        process._hello(message, [], 0.0)
        told = json.loads(daemon.recv(4096))
    assert told["message"] == "refused"
    assert told["why"].startswith("no way to reach gen: its port gives neither a descriptor to share nor a resource")
    assert "off_port: tcp://HOST:5025" in told["why"]
    assert process.cutoff.sources == []
