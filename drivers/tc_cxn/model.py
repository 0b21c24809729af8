"""What a bench file says of a T&C generator, and what the generator measures."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from drivers.contract import ChannelSpec, Options
from drivers.reflection import IMPEDANCE_MAX_OHM

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
