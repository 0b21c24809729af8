"""Watson-Marlow 323Du, 5xx and 6xx Du as coolant pump, model name ``watson-marlow-du``.

Set commands are not answered: what the pump does is known from its status alone, so every change is verified by one
before it counts. The pump has no watchdog and runs on when the host falls silent, which is the safe state for cooling.
Flow is speed times ``ml_per_rev``, a property of head and tube that must be calibrated on the bench.
"""

from __future__ import annotations

import math
from typing import ClassVar

from pydantic import Field

from drivers.asking import ask, other_model, speaking
from drivers.contract import (
    BadReply,
    ChannelSpec,
    CoolantPump,
    Declaration,
    DeviceError,
    Identity,
    NoReply,
    Options,
    Refused,
)
from drivers.transport.base import Port, SerialSettings
from drivers.watson_marlow_du import codec
from safety.types import Sample

TIMEOUT_S = 0.25  # a status of 70 characters takes 80 ms at 9600 8N2
PERIOD_S = 0.25
SPEED_TOLERANCE_RPM = 0.1
VERIFY_TRIES = 3
READABLE_ML_MIN = 5000.0
RANGES_RPM = {"323": (3.0, 400.0), "520": (0.1, 220.0), "530": (0.1, 220.0), "620": (0.1, 265.0), "630": (0.1, 265.0)}
"""Slowest and fastest speed by family."""


class WatsonMarlowOptions(Options):
    """``options:`` of a ``watson-marlow-du`` in the bench file."""

    pump_number: int = Field(1, ge=1, le=32)
    ml_per_rev: float = Field(gt=0, le=100)  # of the mounted head and tube, by calibration
    clockwise: bool = True
    sp_space: bool = False  # "1SP 110" instead of "1SP110", which some firmware wants
    model: str | None = None  # what the pump's type must begin with, e.g. "323Du"


class WatsonMarlowDu(CoolantPump):
    """See the module's text."""

    MODEL: ClassVar[str] = "watson-marlow-du"
    OPTIONS: ClassVar[type[Options]] = WatsonMarlowOptions
    BAUD: ClassVar[int] = codec.BAUD
    SERIAL: ClassVar[SerialSettings] = SerialSettings(stopbits=2)
    API_VERSION: ClassVar[int] = 1

    options: WatsonMarlowOptions

    def __init__(self, name: str, port: Port, options: Options) -> None:
        super().__init__(name, port, options)
        self._range_rpm: tuple[float, float] | None = None
        self._ask_status = self._command("RS")

    def declaration(self) -> Declaration:
        """The largest flow is known after ``connect``, with the pump's family."""
        ml_per_rev = self.options.ml_per_rev
        return Declaration(
            model=self.MODEL,
            role="coolant_pump",
            channels=(
                ChannelSpec("running_on", 0.0, 1.0, PERIOD_S, two_valued=True),
                ChannelSpec("flow_set_ml_min", 0.0, READABLE_ML_MIN, PERIOD_S),
            ),
            flow_max_ml_min=None if self._range_rpm is None else self._range_rpm[1] * ml_per_rev,
            notes=("no watchdog: it pumps on when the host falls silent",),
        )

    async def connect(self) -> Identity:
        """Identify by the status. A pump that runs is left running.

        Raises:
            DeviceError: with the remedy.
            LinkLost: the port has gone.
        """
        self.port.set_marker(self._command("ZY"), codec.skip_to_running)
        with speaking(self.name, "Watson-Marlow Du pump", self.port.url):
            status = await ask(self.port, self._ask_status, codec.take_status, timeout_s=TIMEOUT_S)
        wanted = self.options.model
        if wanted is not None and not status.model.startswith(wanted):
            raise other_model(self.name, wanted, status.model, self.port.url)
        family = status.model[:3]
        if family not in RANGES_RPM:
            remedy = f"this driver knows {', '.join(sorted(RANGES_RPM))}; take a driver for this pump"
            raise DeviceError(self.name, f"a pump of type {status.model!r} answers on {self.port.url}", remedy)
        self._range_rpm = RANGES_RPM[family]
        return Identity(status.model)

    async def poll(self) -> list[Sample]:
        """One status. About 80 ms of wire time."""
        try:
            status = await self.port.exchange(self._ask_status, codec.take_status, timeout_s=TIMEOUT_S)
        except (NoReply, BadReply, Refused):
            return []  # what is missing here is missed by the kernel
        t_s = self.port.t_request_s
        return [
            Sample(f"{self.name}.running_on", float(status.running), t_s),
            Sample(f"{self.name}.flow_set_ml_min", status.speed_rpm * self.options.ml_per_rev, t_s),
        ]

    async def run(self, flow_ml_min: float) -> None:
        """Set direction and speed, start, and verify by a status; 0 stops.

        Raises:
            Refused: not a flow, slower or faster than the pump can, or the status does not show what was told.
            NoReply, BadReply, LinkLost: it may or may not have taken effect.
        """
        if not (math.isfinite(flow_ml_min) and flow_ml_min >= 0.0):
            raise Refused(f"{self.name}: {flow_ml_min} mL/min is not a flow")
        if flow_ml_min == 0.0:
            await self._tell("ST")
            await self._verify(None)
            return
        speed_rpm = flow_ml_min / self.options.ml_per_rev
        low_rpm, high_rpm = self._range_rpm or (0.0, 0.0)
        if not low_rpm <= speed_rpm <= high_rpm:
            can = f"{low_rpm * self.options.ml_per_rev:g} to {high_rpm * self.options.ml_per_rev:g} mL/min"
            raise Refused(f"{self.name}: {flow_ml_min:g} mL/min is outside the {can} of its speed range and tube")
        status = await self.port.exchange(self._ask_status, codec.take_status, timeout_s=TIMEOUT_S)
        if status.clockwise is not self.options.clockwise:
            await self._tell("RR" if self.options.clockwise else "RL")
        if abs(status.speed_rpm - speed_rpm) > SPEED_TOLERANCE_RPM / 2:
            await self._tell("SP", f"{' ' if self.options.sp_space else ''}{speed_rpm:.1f}")
        if not status.running:
            await self._tell("GO")
        await self._verify(speed_rpm)

    async def _verify(self, speed_rpm: float | None) -> None:
        for _ in range(VERIFY_TRIES):
            status = await self.port.exchange(self._ask_status, codec.take_status, timeout_s=TIMEOUT_S)
            if speed_rpm is None:
                if not status.running:
                    return
            elif (
                status.running
                and status.clockwise is self.options.clockwise
                and abs(status.speed_rpm - speed_rpm) <= SPEED_TOLERANCE_RPM
            ):
                return
        wanted = "stand still" if speed_rpm is None else f"run at {speed_rpm:.1f} rpm"
        does = f"runs at {status.speed_rpm:g} rpm" if status.running else "stands still"
        raise Refused(f"{self.name}: told to {wanted}, it {does}; look at its panel (remote control, STOP key, head)")

    # ---- small tools

    def _command(self, letters: str, parameter: str = "") -> bytes:
        return codec.command(self.options.pump_number, letters, parameter)

    async def _tell(self, letters: str, parameter: str = "") -> None:
        """A set command: the pump may echo it, nothing more; a status verifies it later."""
        command = self._command(letters, parameter)
        await self.port.send(command, quiet_s=codec.GAP_S + len(command) * 11 / codec.BAUD)
