"""Wire format of the Omega FOB101/102/104 fibre-optic thermometers (ASCII, 9600 8N1).

A command ends in CR and is not echoed. Every answer ends with the prompt ``*``, or is ``Err`` and a digit; the next
command must not come before. ``t`` gives one reading a line, ``+24.3`` CR; a probe that is missing or broken reads
``---.-``.

Source: Omega FOB100 series user's guide, pages 13 to 16. The manual does not print the baud rate; 9600 is assumed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from drivers.contract import BadReply, Refused

BAUD = 9600
READ, IDENTIFY, CELSIUS, FAST, AWAKE, STREAM_OFF = b"t\r", b"i\r", b"u c\r", b"q+\r", b"p-\r", b"ta-\r"
BOX = b"b\r"
REPLY_MAX = 400
NO_PROBE = b"---.-"

_READING = re.compile(rb"[+-]\d{1,3}\.\d")
_BOX = re.compile(rb"b:\s*[+-]?\d{1,3}\.\d\s*\*")
_ERROR = re.compile(rb"Err\s?(\S)")


def enable(numbers: Sequence[int], inputs: int) -> bytes:
    """``e 1 2 -3 -4``: scan these inputs, counted from 1, and no other. Never raises."""
    return b"e " + b" ".join(b"%d" % (n if n in numbers else -n) for n in range(1, inputs + 1)) + b"\r"


def layout(lines: Sequence[bytes], numbers: Sequence[int], inputs: int) -> tuple[int, Sequence[int]]:
    """How many lines an answer to ``t`` has once only ``numbers`` are scanned, and which of them those are: the manual
    does not say whether the others are left out or told as missing.

    Raises:
        BadReply: neither.
    """
    if len(lines) == len(numbers):
        return len(lines), range(len(numbers))
    if len(lines) == inputs:
        return inputs, [number - 1 for number in numbers]
    raise BadReply(f"{len(lines)} readings where {len(numbers)} were asked for", b"\r".join(lines)[:48] or b"*")


def take_reply(buffer: bytearray) -> list[bytes] | None:
    """The lines of one answer, without its prompt; None: not yet.

    Raises:
        Refused: ``Err`` and its digit.
        BadReply: an answer without end.
    """
    prompt, error = buffer.find(b"*"), _ERROR.search(buffer)
    if error is not None and not 0 <= prompt < error.start():
        said = bytes(error[0])  # before the buffer moves under the match
        del buffer[: error.end()]
        raise Refused(f"the thermometer answered {said.decode('ascii', 'replace')} ({said.hex(' ')})")
    if prompt < 0:
        if len(buffer) > REPLY_MAX:
            raise BadReply("an answer without end", bytes(buffer[:32]))
        return None
    lines = bytes(buffer[:prompt]).replace(b"\n", b"\r").split(b"\r")
    del buffer[: prompt + 1]
    return [line.strip() for line in lines if line.strip()]


def readings_c(lines: list[bytes], count: int) -> list[float]:
    """Temperatures in degrees Celsius, NaN where there is no probe.

    Raises:
        BadReply: not ``count`` readings, or not numbers of the printed form.
    """
    if len(lines) != count:
        raise BadReply(f"{len(lines)} readings where {count} were asked for", b"\r".join(lines)[:48] or b"*")
    return [_reading(line) for line in lines]


def _reading(line: bytes) -> float:
    if line == NO_PROBE:
        return math.nan
    if _READING.fullmatch(line) is None:
        raise BadReply("not a reading of the form +24.3", line[:32])
    return float(line)


def skip_to_box(buffer: bytearray) -> bool | None:
    """Drop everything through the answer to ``b`` (the box's own temperature), as no other is; None: not there yet.
    Never raises.
    """
    found = _BOX.search(buffer)
    if found is None:
        return None
    del buffer[: found.end()]
    return True
