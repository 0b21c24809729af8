"""SCPI of InfiniiVision oscilloscopes as far as voltage, current and phase of a load need it; socket 5025.

Source: Keysight InfiniiVision 3000 X-Series Programmer's Guide (MEASure, OPERegister). One message asks everything, so
that all answers are of one moment, and their number alone tells which message they belong to.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from drivers import scpi
from drivers.contract import BadReply

IDENTITY = re.compile(rb"[^,]*,(?:DSO|MSO|EDU)-?X ?\d{4}[A-Z]*,.*")
RUNNING = 1 << 3


class Reading(NamedTuple):
    """RMS voltage and current, and the angle by which current follows voltage; NaN: the oscilloscope has none."""

    voltage_v: float
    current_a: float
    phase_deg: float
    running: bool  # False: somebody stopped it, and it shows the past


def ask_signal(voltage: int, current: int) -> bytes:
    """Over whole periods; there must be a signal."""
    rms = ";".join(f":MEAS:VRMS? CYCL,AC,CHAN{channel}" for channel in (voltage, current))
    return scpi.a_line(f"{rms};:MEAS:PHAS? CHAN{voltage},CHAN{current};:OPER:COND?")


def ask_screen(voltage: int, current: int) -> bytes:
    """Over the whole screen: also noise has a value."""
    rms = ";".join(f":MEAS:VRMS? DISP,AC,CHAN{channel}" for channel in (voltage, current))
    return scpi.a_line(f"{rms};:OPER:COND?")


def take_signal(buffer: bytearray) -> Reading | None:
    """The answer to :func:`ask_signal`. Raises BadReply for anything else."""
    line = scpi.take_line(buffer)
    if line is None:
        return None
    voltage_v, current_a, phase_deg, condition = scpi.numbers(line, 4)
    return Reading(voltage_v, current_a, phase_deg, _running(condition, line))


def take_screen(buffer: bytearray) -> Reading | None:
    """The answer to :func:`ask_screen`; the phase is 0, which makes the most of it. Raises BadReply for anything
    else."""
    line = scpi.take_line(buffer)
    if line is None:
        return None
    voltage_v, current_a, condition = scpi.numbers(line, 3)
    return Reading(voltage_v, current_a, 0.0, _running(condition, line))


def _running(condition: float, line: bytes) -> bool:
    if not (0.0 <= condition < 65536.0 and condition.is_integer()):
        raise BadReply("not a condition register", line[:64])
    return bool(int(condition) & RUNNING)
