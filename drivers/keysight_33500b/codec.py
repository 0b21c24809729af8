"""SCPI of the 33500B series (and 33220A) as far as a sine on output 1 needs it; lines ended by LF, socket 5025.

Sources: Keysight 33500B Series Operating and Service Guide 33500-90901 (SCPI programming reference); Agilent 33220A
User's Guide 33220-90002, remote interface reference.

Amplitudes are volts RMS into 50 ohm, written as plain decimals: a command of which only a beginning arrived then sets
less, never more, which an exponent would not do.
"""

from __future__ import annotations

import math
import re
from typing import Literal, NamedTuple

from drivers import scpi
from drivers.contract import BadReply, Refused

OHM = 50.0
SHAPE, UNIT = b"SIN", b"VRMS"
VPP_PER_VRMS = 2.0 * math.sqrt(2.0)
STEP_V = 1e-5  # of an amplitude as written

Dialect = Literal["33500b", "33220a"]
IDENTITIES: dict[Dialect, re.Pattern[bytes]] = {
    "33500b": re.compile(rb"[^,]*,33[56]\d\d[AB],.*"),
    "33220a": re.compile(rb"[^,]*,33(?:21|22|25)0A,.*"),
}


class Status(NamedTuple):
    """What the generator says of its output."""

    on: bool
    amplitude_v: float  # RMS into 50 ohm
    as_set: bool  # False: its unit is not the one of ``connect``, and the amplitude means something else


class Words:
    """The messages, in one of the two dialects: the 33220A has one channel and does not number it."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        source, output = ("SOUR1:", "OUTP1") if dialect == "33500b" else ("", "OUTP")
        self._source, self._output = source, output
        acknowledged = f":{output}?;:{source}FUNC?"
        self.output = scpi.a_line(f"{output}?")
        self.output_and_shape = scpi.a_line(f"{output}?;:{source}FUNC?")
        self.off_only = scpi.a_line(f"{output} OFF")
        self.off = scpi.a_line(f"{output} OFF;{acknowledged}")
        self.on = scpi.a_line(f"{output} ON;{acknowledged}")
        self.status = scpi.a_line(f"{output}?;:{source}FUNC?;:{output}:LOAD?;:{source}VOLT?;:{source}VOLT:UNIT?")
        self.least = self._amplitude("MIN")
        self.read_set_up = scpi.a_line(f"{source}FREQ?;:{source}VOLT:OFFS?;:{output}:LOAD?;:{source}VOLT:UNIT?")

    def set_up(self, frequency_hz: float, amplitude_max_v: float) -> list[str]:
        """From ``*RST`` (output off) to the least sine into 50 ohm; the 33500B then holds peaks within
        ``amplitude_max_v`` by itself. The load comes first: it changes what an amplitude means."""
        source, output = self._source, self._output
        orders = [
            f"{output}:LOAD 50",
            f"{source}FUNC SIN",
            f"{source}FREQ {frequency_hz:.6f}",
            f"{source}VOLT:UNIT VRMS",
            f"{source}VOLT:OFFS 0",
            f"{source}VOLT MIN",
        ]
        if self.dialect == "33500b":
            peak_v = amplitude_max_v * math.sqrt(2.0) + 0.001
            limits = (f"HIGH {peak_v:.4f}", f"LOW {-peak_v:.4f}", "STAT ON")
            orders += [f"{source}VOLT:LIM:{limit}" for limit in limits]
        return orders

    def amplitude(self, volt: float) -> bytes:
        """Set an amplitude, rounded down, ask for it back, and ask for an error."""
        return self._amplitude(f"{math.floor(volt / STEP_V + 1e-6) * STEP_V:.5f}")

    def _amplitude(self, text: str) -> bytes:
        return scpi.a_line(f"{self._source}VOLT {text};:{self._source}VOLT?;:SYST:ERR?")


def take_flag(buffer: bytearray) -> bool | None:
    """The answer to ``OUTP1?``. Raises BadReply for anything but 0 and 1."""
    line = scpi.take_line(buffer)
    return None if line is None else _flag(line)


def take_output(buffer: bytearray) -> bool | None:
    """The answer to ``OUTP1?;:SOUR1:FUNC?``: ``1;SIN``. It looks like no other answer.

    Raises:
        BadReply: anything else.
    """
    line = scpi.take_line(buffer)
    if line is None:
        return None
    flag, _, shape = line.partition(b";")
    if shape != SHAPE:
        raise BadReply("not the state of an output that makes a sine", line[:48])
    return _flag(flag)


def take_status(buffer: bytearray) -> Status | None:
    """``1;SIN;+5.0E+01;+1.0E-01;VRMS``: output, shape, load, amplitude and its unit.

    Raises:
        BadReply: anything else; also a load setting that is not 50 ohm, which changes the meaning of amplitudes.
    """
    line = scpi.take_line(buffer)
    if line is None:
        return None
    fields = line.split(b";")
    if len(fields) != 5 or fields[1] != SHAPE:
        raise BadReply("not the state of an output that makes a sine", line[:64])
    load_ohm, amplitude_v = scpi.number(fields[2]), scpi.number(fields[3])
    if load_ohm != OHM or not amplitude_v >= 0.0:
        raise BadReply("its load setting is not 50 ohm any more, or it has no amplitude", line[:64])
    return Status(_flag(fields[0]), amplitude_v, fields[4] == UNIT)


def take_amplitude(buffer: bytearray) -> float | None:
    """``+1.0E-01;+0,"No error"``: the amplitude after it was set.

    Raises:
        Refused: the generator queued an error.
        BadReply: anything else.
    """
    line = scpi.take_line(buffer)
    if line is None:
        return None
    value, _, error = line.partition(b";")
    amplitude_v = scpi.number(value)
    code, text = scpi.error_entry(error)
    if code:
        raise Refused(f"the generator answered {code}, {text}")
    return amplitude_v


def _flag(field: bytes) -> bool:
    if field not in (b"0", b"1"):
        raise BadReply("neither 0 nor 1", field[:48])
    return field == b"1"
