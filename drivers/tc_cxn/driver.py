"""T&C Power Conversion AG and CXN generators, model name ``tc-cxn``.

Control lasts only while any frame arrives at least every two seconds; :meth:`TcCxn.poll` is that frame. The device
has no voltage or current reading: ``impedance_ohm`` is derived from forward and reverse power under the assumption
[resistive load on the declared side of the reference impedance]. On branch ``above`` a hard short therefore reads as
a very high impedance; either way the reading leaves its band: "open, char or short".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from drivers.asking import ask, other_model, other_serial, refuse_if_on, speaking
from drivers.contract import BadReply, Declaration, DeviceError, Identity, NoReply, Options, Refused
from drivers.guarded import Allowed, GuardedSource, OffStep
from drivers.reflection import impedance_ohm
from drivers.tc_cxn import codec
from drivers.tc_cxn.model import CHANNELS, READABLE_W, TcCxnOptions
from drivers.transport.base import Port
from drivers.transport.open import reopen_target
from safety.safeoff import Readback, SafeOffPlan
from safety.types import Quality, Sample

TIMEOUT_S = 0.1  # the longest reply takes 8 ms at 38400 baud
RF_ON, INTERLOCK_OPEN = int(codec.Status.RF_ON), int(codec.Status.INTERLOCK_OPEN)  # plain: twenty times a second
OFF_BELOW_W = 1.0


class TcCxn(GuardedSource):
    """See the module's text."""

    MODEL: ClassVar[str] = "tc-cxn"
    OPTIONS: ClassVar[type[Options]] = TcCxnOptions
    BAUD: ClassVar[int] = codec.BAUD
    API_VERSION: ClassVar[int] = 1

    options: TcCxnOptions

    def __init__(self, name: str, port: Port, options: Options) -> None:
        super().__init__(name, port, options)
        self._max_w = self.options.power_limit_w
        self._frequency_hz: float | None = None
        self._reply_address = self.options.address
        self._gp, self._gs, self._gl = self._frame(b"GP"), self._frame(b"GS"), self._frame(b"GL")
        self._rf_on, self._rf_off, self._zero = self._frame(b"BR", codec.YES), self._frame(b"BR"), self._frame(b"SA")
        self._control = False
        self._answered_s = -math.inf
        self._status_turn = True
        self._channel = {spec.name: f"{name}.{spec.name}" for spec in CHANNELS}

    def declaration(self) -> Declaration:
        """See :class:`drivers.contract.Declaration`; after ``connect`` also with the unit's own maximum and
        frequency."""
        return Declaration(
            model=self.MODEL,
            role="source",
            channels=CHANNELS,
            native_deadman_s=codec.DEADMAN_S,
            power_max_w=self._max_w,
            power_step_w=1.0,
            impedance_under_power=True,
            modality="rf",
            frequency_hz=self._frequency_hz,
            notes=("impedance is derived from forward and reverse power, assuming a resistive load on one branch",),
        )

    # ---- connecting

    async def connect(self) -> Identity:
        """Identify, refuse a generator that is on (after turning it off), take control, and prove output 0 W.

        Raises:
            DeviceError: with the remedy.
            LinkLost: the port has gone.
        """
        with speaking(self.name, "T&C AG or CXN generator", self.port.url):
            identity = await self._identify()
            await refuse_if_on(self.name, self._is_on, self.off)
            await self._take_control()
            await self._quieten(identity)
        return identity

    async def _identify(self) -> Identity:
        def status(buffer: bytearray) -> bytes | None:
            address = buffer[2] if len(buffer) > 2 else 0
            data = codec.take_data(buffer, 8)
            if data is not None:
                self._reply_address = address
            return data

        await ask(self.port, self._gs, status, timeout_s=TIMEOUT_S)
        model = await ask(self.port, self._frame(b"Gi", 1), codec.take_text, timeout_s=TIMEOUT_S)
        serial = await ask(self.port, self._frame(b"Gi", 2), codec.take_text, timeout_s=TIMEOUT_S)
        if self.options.model is not None and self.options.model not in model:
            raise other_model(self.name, self.options.model, model, self.port.url)
        if self.options.serial is not None and self.options.serial != serial:
            raise other_serial(self.name, self.options.serial, serial, self.port.url)
        firmware = "unknown"
        try:
            version = await self._get(b"Gf", 4)
            firmware = f"{version[0]}.{version[1]} / RF {version[2]}.{version[3]}"
            self._frequency_hz = float(int.from_bytes(await self._get(b"GF", 4), "big")) or None
            self.port.set_marker(self._frame(b"GF"), lambda buffer: codec.skip_to_data(buffer, 4))
        except Refused:  # an older unit: step back in by the status
            self.port.set_marker(self._gs, lambda buffer: codec.skip_to_data(buffer, 8))
        largest_w, _ = codec.limits(await self._get(b"Gp", 20))
        limit_w = self.options.power_limit_w
        if largest_w is not None and limit_w is not None and limit_w > largest_w:
            remedy = f"set power_limit_w to at most {largest_w:g} in the bench file"
            raise DeviceError(self.name, f"power_limit_w is {limit_w:g} W, this {model} gives {largest_w:g} W", remedy)
        self._max_w = min((w for w in (largest_w, limit_w) if w is not None), default=READABLE_W)
        return Identity(model, serial, firmware, {"largest_w": str(largest_w), "frequency_hz": str(self._frequency_hz)})

    async def _is_on(self) -> bool:
        return bool(codec.state(await self._get(b"GS", 8)).status & codec.Status.RF_ON)

    async def _take_control(self) -> None:
        request = self._frame(b"BC", codec.YES)
        granted = await ask(self.port, request, lambda b: codec.take_data(b, 2), timeout_s=TIMEOUT_S)
        if granted != b"\x00\x01":
            remedy = "release it on its front panel or at the host that controls it"
            raise DeviceError(self.name, "the generator does not give us control", remedy)
        self._control, self._answered_s = True, self.port.now()

    async def _quieten(self, identity: Identity) -> None:
        state = codec.state(await self._get(b"GS", 8))
        if state.status & codec.Status.ANALOG_INTERFACE:
            remedy = "disable the analog interface on its front panel: it could set power behind our back"
            raise DeviceError(self.name, "the generator's analog interface is enabled", remedy)
        if state.mode != codec.MODE_NORMAL:
            await self.port.exchange(self._frame(b"SO", codec.MODE_NORMAL), codec.take_ack, timeout_s=TIMEOUT_S)
            if codec.state(await self._get(b"GS", 8)).mode != codec.MODE_NORMAL:
                remedy = "set the operation mode to normal on its front panel"
                raise DeviceError(self.name, f"the generator stays in operation mode {state.mode}", remedy)
        await self.off()
        set_w = codec.tenths(await self._get(b"GL", 2))
        if set_w != 0.0:
            remedy = "set it to zero on the front panel and look for another controller"
            raise DeviceError(self.name, f"the set-point stays at {set_w} W after it was set to 0 W", remedy)
        if self._max_w is not None:
            try:  # the device's own limit, an additional layer that not every firmware has
                limit = self._frame(b"SU", 1, math.floor(self._max_w))
                await self.port.exchange(limit, codec.take_ack, timeout_s=TIMEOUT_S)
            except Refused:
                pass

    # ---- acquisition

    async def poll(self) -> list[Sample]:
        """Power always; status and set-point in turn. About 13 ms of wire time."""
        port, name = self.port, self._channel
        samples: list[Sample] = []
        try:
            forward_w, reverse_w, load_w = codec.power(await port.exchange(self._gp, _six, timeout_s=TIMEOUT_S))
            t_s = port.t_request_s
            self._touch(t_s)
            samples.append(_sample(name["forward_power_w"], forward_w, t_s))
            samples.append(_sample(name["reverse_power_w"], reverse_w, t_s))
            samples.append(_sample(name["power_w"], load_w, t_s))
            if forward_w is not None and reverse_w is not None:
                above = self.options.load_branch == "above"
                ohm = impedance_ohm(forward_w, reverse_w, self.options.reference_ohm, above=above)
                if ohm is not None:
                    samples.append(Sample(name["impedance_ohm"], ohm, t_s))
            self._status_turn = not self._status_turn
            if self._status_turn:
                set_w = codec.tenths(await port.exchange(self._gl, _two, timeout_s=TIMEOUT_S))
                samples.append(_sample(name["setpoint_w"], set_w, port.t_request_s))
            else:
                state = codec.state(await port.exchange(self._gs, _eight, timeout_s=TIMEOUT_S))
                self._judge(bool(state.status & RF_ON), port.t_request_s)
                samples += self._status_samples(state, port.t_request_s)
            if not self._control and self._on is False:
                await self._take_control()
        except (NoReply, BadReply, Refused, DeviceError):
            pass  # what is missing here is missed by the kernel
        return samples

    def _status_samples(self, state: codec.State, t_s: float) -> list[Sample]:
        name, status = self._channel, state.status
        return [
            Sample(name["rf_on"], 1.0 if status & RF_ON else 0.0, t_s),
            Sample(name["interlock_open_flag"], 1.0 if status & INTERLOCK_OPEN else 0.0, t_s),
            Sample(name["control_on"], 1.0 if self._control else 0.0, t_s),
            _sample(name["heatsink_c"], state.heatsink_c, t_s),
        ]

    def _touch(self, t_s: float) -> None:
        """The device has heard from us; if that was too late, it has let go of everything."""
        if t_s - self._answered_s > codec.DEADMAN_S:
            self._control = False
            self._dropped = self._dropped or self._on is not False
        self._answered_s = t_s

    # ---- power (drivers.guarded says when; here is how)

    async def _send_power(self, power_w: float, allowed: Allowed) -> None:
        await self._command(self._frame(b"SA", round(power_w)), allowed)

    async def _send_on(self, allowed: Allowed) -> None:
        await self._command(self._rf_on, allowed)

    def _off_steps(self) -> Sequence[OffStep]:
        return partial(self._off_command, self._rf_off), partial(self._off_command, self._zero)

    async def _off_command(self, command: bytes) -> None:
        try:
            await self.port.exchange(command, codec.take_ack, timeout_s=TIMEOUT_S, urgent=True)
        except Refused:  # without control it takes no orders
            request = self._frame(b"BC", codec.YES)
            await self.port.exchange(request, _two, timeout_s=TIMEOUT_S, urgent=True)
            await self.port.exchange(command, codec.take_ack, timeout_s=TIMEOUT_S, urgent=True)

    async def _command(self, command: bytes, allowed: Allowed) -> None:
        await self.port.exchange(command, codec.take_ack, timeout_s=TIMEOUT_S, before_send=allowed)

    def safe_off_plan(self) -> SafeOffPlan:
        """Nine zeros complete any half-written frame with a wrong sum (or an "SA" that was allowed anyway); then off,
        twice."""
        answer = bytes((codec.ACK, 0x52, self._reply_address))
        off_w = round(OFF_BELOW_W * 10)
        return SafeOffPlan(
            device=self.name,
            resync=bytes(9),
            off=(self._rf_off, self._rf_off, self._zero),
            readbacks=(
                Readback(self._gs, answer + b"\x00\x08", 15, 5, 2, int(codec.Status.RF_ON), 0),
                Readback(self._gp, answer + b"\x00\x06", 13, 5, 2, 0xFFFF, off_w),
            ),
            reopen=reopen_target(self.port.url),
            baud=self.BAUD,
        )

    # ---- small tools

    def _frame(self, command: bytes, first: int = 0, second: int = 0) -> bytes:
        return codec.frame(command, first, second, self.options.address)

    async def _get(self, command: bytes, length: int) -> bytes:
        return await ask(self.port, self._frame(command), lambda b: codec.take_data(b, length), timeout_s=TIMEOUT_S)


_two, _six, _eight = (partial(codec.take_data, length=length) for length in (2, 6, 8))


def _sample(channel: str, value: float | None, t_s: float) -> Sample:
    return Sample(channel, math.nan, t_s, Quality.BAD) if value is None else Sample(channel, value, t_s)
