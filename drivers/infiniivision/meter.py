"""An InfiniiVision oscilloscope on its port as a meter of voltage, current and phase. Used in a chain."""

from __future__ import annotations

from pydantic import Field, model_validator

from drivers import scpi
from drivers.asking import ask, other_model, speaking
from drivers.contract import DeviceError, Identity, Options
from drivers.infiniivision import codec
from drivers.transport.base import Port

TIMEOUT_S = 0.25
RESET_S = 5.0
PERIODS = 20  # on the screen


class MeterOptions(Options):
    """Options of the oscilloscope in a chain."""

    voltage_channel: int = Field(1, ge=1, le=4)
    current_channel: int = Field(2, ge=1, le=4)
    voltage_probe: float = Field(100.0, gt=0, le=10_000)  # attenuation
    current_probe_a_per_v: float = Field(10.0, gt=0, le=10_000)
    meter_model: str | None = None  # what its own name must contain, e.g. DSO-X 3024A

    @model_validator(mode="after")
    def _two_channels(self) -> MeterOptions:
        if self.voltage_channel == self.current_channel:
            raise ValueError("voltage_channel and current_channel must differ")
        return self


class Meter:
    """See the module's text. ``voltage_pp`` and ``current_pp`` are what must fit on the screen, peak to peak."""

    def __init__(
        self, name: str, port: Port, options: MeterOptions, *, frequency_hz: float, voltage_pp: float, current_pp: float
    ) -> None:
        self.name, self.port, self.options = name, port, options
        self._frequency_hz, self._voltage_pp, self._current_pp = frequency_hz, voltage_pp, current_pp
        channels = options.voltage_channel, options.current_channel
        self._ask_signal, self._ask_screen = codec.ask_signal(*channels), codec.ask_screen(*channels)

    async def connect(self) -> Identity:
        """Identify, reset, set up both channels, and let it run.

        Raises:
            DeviceError: with the remedy.
            LinkLost: the port has gone.
        """
        is_ours = codec.IDENTITY.fullmatch
        self.port.set_marker(b"*IDN?\n", lambda buffer: scpi.skip_to(buffer, lambda line: is_ours(line) is not None))
        with speaking(self.name, "InfiniiVision oscilloscope", self.port.url):
            await self.port.send(b"\n")  # ends whatever half a line the instrument may hold
            line = await ask(self.port, b"*IDN?\n", scpi.take_words, timeout_s=TIMEOUT_S)
            _, model, serial, firmware = scpi.identity(line)
            wanted = self.options.meter_model or "an InfiniiVision oscilloscope"
            if is_ours(line) is None or (self.options.meter_model or "") not in model:
                raise other_model(self.name, wanted, line.decode("ascii", "replace"), self.port.url)
            await scpi.order(self.port, ("*RST", "*CLS"))
            await ask(self.port, b"*OPC?\n", scpi.take_line, timeout_s=RESET_S)
            await scpi.order(self.port, self._set_up())
            errors = await scpi.errors(self.port, TIMEOUT_S)
        if errors:
            text = f"the oscilloscope on {self.port.url} refuses its set-up: {errors[0]}"
            raise DeviceError(self.name, text, "check probes, channels and power_limit_w in the bench file")
        return Identity(model, serial, firmware)

    def _set_up(self) -> list[str]:
        options = self.options
        orders = []
        for channel, unit, probe, full in (
            (options.voltage_channel, "VOLT", options.voltage_probe, self._voltage_pp),
            (options.current_channel, "AMP", options.current_probe_a_per_v, self._current_pp),
        ):
            head = f":CHAN{channel}"
            orders += [f"{head}:DISP ON", f"{head}:COUP AC", f"{head}:UNIT {unit}", f"{head}:PROB {probe:g}"]
            orders += [f"{head}:RANG {full:.4g}", f"{head}:OFFS 0"]
        orders += [f":TIM:RANG {PERIODS / self._frequency_hz:.4E}", ":TRIG:MODE EDGE"]
        return [*orders, f":TRIG:EDGE:SOUR CHAN{options.voltage_channel}", ":TRIG:SWE AUTO", ":RUN"]

    async def read(self, *, signal: bool) -> codec.Reading:
        """``signal``: power is supposed to flow; without it the whole screen is measured, noise and all. Raises as
        ``Port.exchange``."""
        if signal:
            return await self.port.exchange(self._ask_signal, codec.take_signal, timeout_s=TIMEOUT_S)
        return await self.port.exchange(self._ask_screen, codec.take_screen, timeout_s=TIMEOUT_S)
