"""pyvisa's sessions as the thread of a :class:`~drivers.transport.visa.VisaLink` needs them.

What pyvisa-py (0.8) does, and is made up for here: it throws away the first half of an answer when the second half is
late, which makes another number of it, so its own sessions are read; it waits for a VXI-11 reply a second longer than
it was told; it opens sockets that nobody listens on, so that only an identity proves anything.
"""

from __future__ import annotations

import contextlib
from typing import Any

from drivers.transport.base import SerialSettings
from drivers.transport.serial import is_pty

SLICE_S = 0.1  # of a read
CALL_S = 0.2  # the longest call of VXI-11; the instrument itself is told a slice
IDENTIFY_S = 2.0
CHUNK = 20480
IDENTIFY = b"*IDN?\n"


def text_of(heard: bytes) -> str:
    """The last line of what was heard."""
    return heard.decode("ascii", "replace").strip().rpartition("\n")[2].strip()


def inner_of(session: Any) -> Any:
    """pyvisa-py's own session; None with another backend."""
    return getattr(session.visalib, "sessions", {}).get(session.session)


def read(session: Any, count: int) -> tuple[bytes, int]:
    """What has come, and the status; asks pyvisa-py's session itself, because pyvisa throws away what came half."""
    from pyvisa.constants import StatusCode
    from pyvisa.errors import VisaIOError

    inner, data = inner_of(session), b""
    while True:
        try:
            more, status = inner.read(count) if inner is not None else session.visalib.read(session.session, CHUNK)
        except VisaIOError as error:
            more, status = b"", error.error_code
        data += bytes(more)
        if status != StatusCode.success_max_count_read or len(data) >= CHUNK:
            return data, int(status)


def hasten(session: Any) -> None:
    """Hold pyvisa-py's calls of VXI-11 to :data:`CALL_S`; it adds a second to each, and takes five to leave."""
    client = getattr(inner_of(session), "interface", None)
    call = getattr(client, "do_call", None)
    if client is None or call is None:
        return

    def hastened() -> None:
        client.timeout = min(client.timeout, CALL_S)
        call()

    client.do_call = hastened


def identify(session: Any) -> str:
    """The answer to ``*IDN?``. Raises what pyvisa does."""
    session.timeout = round(IDENTIFY_S * 1000)
    try:
        session.write_raw(IDENTIFY)
        return text_of(session.read_raw())
    finally:
        session.timeout = round(SLICE_S * 1000)


def release(session: Any) -> None:
    """Close it, if it lets itself be closed."""
    with contextlib.suppress(Exception):
        session.close()


def frame(session: Any, resource: str, baud: int, settings: SerialSettings) -> None:
    """Set a serial session up; a PTY has neither parity nor seven bits (see :mod:`drivers.transport.serial`)."""
    from pyvisa.constants import ControlFlow, Parity, StopBits

    if baud:
        session.baud_rate = baud
    session.flow_control = ControlFlow.xon_xoff * settings.xonxoff | ControlFlow.rts_cts * settings.rtscts
    session.stop_bits = StopBits(round(10 * settings.stopbits))
    if not is_pty(resource[len("ASRL") :].rpartition("::")[0]):
        session.data_bits = settings.bytesize
        session.parity = Parity("NOEMS".index(settings.parity))
