"""What a bench file says of a T&C generator, what it measures, and the load derived from that."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field

from drivers.contract import ChannelSpec, Options

IMPEDANCE_FROM_W = 2.0  # below this the 0.1 W steps of both powers say nothing about the load
IMPEDANCE_MAX_OHM = 100_000.0
READABLE_W = 6553.4  # 16-bit tenths, the last of which means "no reading"
FAST_S, SLOW_S = 0.05, 0.1  # power is read in every poll, status and set-point in turn in every other one

CHANNELS = (
    ChannelSpec("forward_power_w", 0.0, READABLE_W, FAST_S),
    ChannelSpec("reverse_power_w", 0.0, READABLE_W, FAST_S),
    ChannelSpec("power_w", 0.0, READABLE_W, FAST_S),
    ChannelSpec("impedance_ohm", 0.0, IMPEDANCE_MAX_OHM, FAST_S),
    ChannelSpec("setpoint_w", 0.0, READABLE_W, SLOW_S),
    ChannelSpec("heatsink_c", 0.0, 150.0, SLOW_S),
    ChannelSpec("rf_on", 0.0, 1.0, SLOW_S, two_valued=True),
    ChannelSpec("interlock_open_flag", 0.0, 1.0, SLOW_S, two_valued=True),
    ChannelSpec("control_on", 0.0, 1.0, SLOW_S, two_valued=True),
)
"""No channel is watched for standing still: readings come in steps of 0.1 W, which a steady load rightly repeats."""


class TcCxnOptions(Options):
    """``options:`` of a ``tc-cxn`` in the bench file."""

    address: int = Field(0, ge=0, le=255)
    reference_ohm: float = Field(50.0, gt=0, le=1000)
    load_branch: Literal["above", "below"] = "above"
    power_limit_w: float | None = Field(None, gt=0, le=4000)
    model: str | None = None  # what the generator's own model name must contain
    serial: str | None = None


def impedance_ohm(forward_w: float, reverse_w: float, reference_ohm: float, *, above: bool) -> float | None:
    """Load resistance from the reflection ``|gamma| = sqrt(reverse/forward)``; None below 2 W forward.

    Total reflection reads as 100 kohm (``above``) or 0 ohm, never as infinity.
    """
    if not forward_w >= IMPEDANCE_FROM_W:
        return None
    gamma = math.sqrt(min(1.0, max(0.0, reverse_w / forward_w)))
    if not above:
        return reference_ohm * (1.0 - gamma) / (1.0 + gamma)
    return min(IMPEDANCE_MAX_OHM, reference_ohm * (1.0 + gamma) / max(1.0 - gamma, 1e-9))
