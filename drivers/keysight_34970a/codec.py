"""SCPI of the 34970A and 34972A as far as a thermocouple scan needs it (57600 8N1, lines ended by LF).

Source: Keysight 34970A/34972A command reference.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from drivers import scpi
from drivers.contract import BadReply

BAUD = 57600
OPEN_THERMOCOUPLE = 9.9e37  # "+9.90000000E+37": overload, open sensor, no reading
NPLC = (0.02, 0.2, 1.0, 2.0, 10.0, 20.0, 100.0, 200.0)  # integration times the instrument has, in mains periods
CHANNELS_PER_S = 60.0  # the 34901A multiplexer's fastest

RANGES_C = {  # what each thermocouple type can truthfully report in this instrument
    "B": (60.0, 1820.0),
    "E": (-150.0, 1000.0),
    "J": (-150.0, 1200.0),
    "K": (-100.0, 1200.0),
    "N": (-100.0, 1300.0),
    "R": (0.0, 1760.0),
    "S": (0.0, 1760.0),
    "T": (-100.0, 400.0),
}

_NUMBER = re.compile(rb"[+-]\d\.\d{1,12}E[+-]\d{2}")


def channel_list(channels: Sequence[int]) -> str:
    """``(@101,102)``."""
    return f"(@{','.join(str(c) for c in channels)})"


def readings(line: bytes, count: int) -> list[float]:
    """The ``count`` numbers of a scan, in scan order; NaN where the instrument has none.

    Raises:
        BadReply: another number of numbers, or something else among them.
    """
    fields = line.strip().split(b",")
    if len(fields) != count:
        raise BadReply(f"{len(fields)} readings where {count} channels are scanned", line[:64])
    return [_reading(field) for field in fields]


def skip_to_identity(buffer: bytearray) -> bytes | None:
    """The answer to ``*IDN?``, which alone names the model, everything before it dropped; None: not yet. Never
    raises."""
    return scpi.skip_to(buffer, is_ours)


def is_ours(identity: bytes) -> bool:
    """True when ``*IDN?`` names one of the two scanners."""
    return b",34970A," in identity or b",34972A," in identity


def scan_time_s(channels: int, nplc: float, line_hz: float) -> float:
    """How long one scan takes: per channel the multiplexer's pace at the shortest integration, and what more it takes.

    60 channels a second at 0.02 mains periods (34970A User's Guide, scanning speeds); 20 ms more for a whole one of
    50 Hz.
    """
    return channels * (1.0 / CHANNELS_PER_S + (nplc - 0.02) / line_hz)


def wire_time_s(channels: int, baud: int) -> float:
    """``READ?`` and its reply of 16 characters a channel, ten bits each."""
    return (6 + 16 * channels + 1) * 10.0 / baud


def _reading(field: bytes) -> float:
    if _NUMBER.fullmatch(field) is None:
        raise BadReply("not a reading", field[:32])
    value = float(field)
    return value if abs(value) < OPEN_THERMOCOUPLE else math.nan
