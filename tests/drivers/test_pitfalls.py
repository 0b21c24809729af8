"""Pitfalls of ports that were met on the way, each with the test that holds it down; those that have no other are here.

- A PTY takes parity or seven bits once, ignores them, and refuses to be opened with them again:
  ``test_transports.test_pty_reopens_whatever_parity_is_asked_for``, ``test_registered.TestSourceOverPty`` (8O1), below.
- A PTY has no modem lines: below.
- Opening a port raises DTR and RTS: ``test_transports.test_port_is_opened_with_its_baud_and_dtr_low``.
- Emptying an output buffer loses an off that was just written: below, twice.
- The other end of a PTY closes: ``test_transports.test_pty_exchange_and_loss``.
- An emulator's PTY between two clients: ``test_registered.TestSourceOverPty.test_reopen``.
- VISA opens a port that refuses: ``test_visa.test_nobody_there``; it spins on a peer that has closed:
  ``test_visa.test_an_instrument_that_goes_is_a_lost_link``; its calls block, and off waits behind them:
  ``test_visa.test_off_does_not_wait_for_a_slow_answer_nor_for_a_new_session``; its search goes over the network: below.
- A late reply is taken for the next one's: the kit's ``test_late_reply_resync``, and ``test_visa``.
- Two tasks on one session: the kit's ``test_two_queries_never_interleave``.
- Binary data that holds the terminator: ``test_kuhne.test_a_power_of_13_w_looks_like_two_ends_of_line``.
- The bytes of off take their time on the wire: the kit's ``test_off_while_busy`` and ``test_off_on_an_idle_port``.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import termios
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

from drivers.transport.base import SerialSettings
from drivers.transport.port import LinkPort
from drivers.transport.serial import open_serial
from tests.support.tracked import modules

OFF = b"OUTP1 OFF\n"


@pytest.fixture
def pty() -> Iterator[tuple[int, str]]:
    device, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(device, False)
    yield device, os.ttyname(slave)
    os.close(device)
    os.close(slave)


def heard(device: int) -> bytes:
    with contextlib.suppress(BlockingIOError):
        return os.read(device, 4096)
    return b""


async def test_a_pty_takes_parity_once_and_then_refuses_it(pty: tuple[int, str]) -> None:
    """The trap itself, with pyserial: what our transport must not depend on."""
    refused = []
    for _ in range(3):
        try:
            serial.Serial(pty[1], 9600, parity="E").close()
        except (serial.SerialException, termios.error) as error:
            refused.append(str(error))
    assert refused, "this system has no such trap: nothing is lost"
    for parity, bits in (("E", 7), ("O", 8), ("E", 7)):
        open_serial(pty[1], 9600, SerialSettings(parity=parity, bytesize=bits)).close()


@pytest.mark.parametrize("lines", [SerialSettings(), SerialSettings(dtr=True, rts=True), SerialSettings(rtscts=True)])
async def test_modem_lines_of_a_pty_are_no_error(pty: tuple[int, str], lines: SerialSettings) -> None:
    """It has none; an enable line on DTR is therefore a device of its own, or a port that has them (RFC 2217)."""
    link = open_serial(pty[1], 9600, lines)
    link.write(OFF)
    assert heard(pty[0]) == OFF
    link.close()


async def test_off_survives_the_end_of_its_port(pty: tuple[int, str]) -> None:
    """Closing right behind an off loses no byte of it."""
    port = LinkPort(open_serial(pty[1], 9600), pty[1])
    await port.send(OFF, urgent=True)
    await port.close()
    await asyncio.sleep(0.05)
    assert heard(pty[0]) == OFF


EMPTIES = re.compile(r"reset_output_buffer|flushOutput|TCOFLUSH|TCIOFLUSH|cancel_write")
SEARCHES = re.compile(r"\blist_resources\b")


def test_nothing_empties_an_output_buffer_but_the_watchdogs_line(repository: Path) -> None:
    """It does so before it writes off, to get ahead of what a dead daemon left; never behind it."""
    found = {str(p.relative_to(repository)) for p in modules(repository) if EMPTIES.search(p.read_text())}
    assert found == {"safety/watchdog/line.py"}


def test_only_the_command_that_searches_asks_visa_for_its_resources(repository: Path) -> None:
    found = {str(p.relative_to(repository)) for p in modules(repository) if SEARCHES.search(p.read_text())}
    assert found == {"controller/checkup/resources.py"}
