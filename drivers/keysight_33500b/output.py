"""Output 1 of a 33500B as a sine of settable amplitude: identify, quieten, set, on, off. Used alone and in a chain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

from pydantic import Field

from drivers import scpi
from drivers.asking import ask, other_model, other_serial, refuse_if_on, speaking
from drivers.contract import BadReply, DeviceError, Identity, Options, Refused
from drivers.guarded import Allowed, OffStep
from drivers.keysight_33500b import codec
from drivers.transport.base import Port
from drivers.transport.open import reopen_target
from safety.safeoff import Readback, SafeOffPlan

T = TypeVar("T")

TIMEOUT_S = 0.18  # off waits for one exchange at most, and must be on the wire after 0.2 s
RESET_TRIES = 15
AGREES = 0.01  # an amplitude read back may differ by this part, and by this much:
AGREES_V = 2e-5


class SineOptions(Options):
    """Options that every use of the generator has."""

    dialect: Literal["33500b", "33220a"] = "33500b"
    frequency_hz: float = Field(480_000.0, ge=1e3, le=30e6)
    amplitude_max_vpp: float = Field(0.7, ge=0.02, le=10.0)  # what the input behind it can take, into 50 ohm
    gain_db: float = Field(50.0, ge=0.0, le=80.0)  # of the amplifier behind it; never less than it really has
    serial: str | None = None


class SineOutput:
    """See the module's text. ``told_v`` is the newest acknowledged amplitude, volts RMS; None: not known."""

    def __init__(self, name: str, port: Port, options: SineOptions) -> None:
        self.name, self.port, self.options = name, port, options
        self.words = codec.Words(options.dialect)
        self.most_v = options.amplitude_max_vpp / codec.VPP_PER_VRMS
        self.told_v: float | None = None

    async def connect(self) -> Identity:
        """Identify, refuse an output that is on (after turning it off), reset, set up, read back.

        Raises:
            DeviceError: with the remedy.
            LinkLost: the port has gone.
        """
        with speaking(self.name, "Keysight 33500B generator", self.port.url):
            identity = await self._identify()
            await refuse_if_on(self.name, self._is_on, self._switch_off)
            await self._set_up()
        return identity

    async def _identify(self) -> Identity:
        is_ours = codec.IDENTITIES[self.options.dialect].fullmatch
        self.port.set_marker(b"*IDN?\n", lambda buffer: scpi.skip_to(buffer, lambda line: is_ours(line) is not None))
        await self.port.send(b"\n")  # ends whatever half a line the instrument may hold
        line = await self._ask(b"*IDN?\n", scpi.take_words)
        if is_ours(line) is None:
            wanted = f"a generator of the {self.options.dialect} dialect"
            raise other_model(self.name, wanted, line.decode("ascii", "replace"), self.port.url)
        _, model, serial, firmware = scpi.identity(line)
        if self.options.serial is not None and self.options.serial != serial:
            raise other_serial(self.name, self.options.serial, serial, self.port.url)
        return Identity(model, serial, firmware)

    async def _is_on(self) -> bool:
        return await self._ask(self.words.output, codec.take_flag)

    async def _switch_off(self) -> None:
        await self.port.send(self.words.off_only, urgent=True)

    async def _set_up(self) -> None:
        self.told_v = None
        await scpi.order(self.port, ("*RST", "*CLS"))
        await ask(self.port, b"*OPC?\n", scpi.take_line, timeout_s=TIMEOUT_S, tries=RESET_TRIES)
        await scpi.order(self.port, self.words.set_up(self.options.frequency_hz, self.most_v))
        if errors := await scpi.errors(self.port, TIMEOUT_S):
            remedy = "check frequency_hz, amplitude_max_vpp and dialect in the bench file against the instrument"
            raise DeviceError(self.name, f"the generator refuses its set-up: {errors[0]}", remedy)
        line = await self._ask(self.words.read_set_up, scpi.take_line)
        *values, unit = line.split(b";")
        frequency_hz, offset_v, load_ohm = scpi.numbers(b";".join(values), 3)
        right = abs(frequency_hz - self.options.frequency_hz) < 1e-3 and offset_v == 0.0
        if not (right and load_ohm == codec.OHM and unit == b"VRMS"):
            seen = line.decode("ascii", "replace")
            text = f"frequency, offset, load and unit read back as {seen} after {self.options.frequency_hz:g} Hz, 0 V, "
            remedy = "look for another program on it; a load that is not 50 ohm doubles the amplitude"
            raise DeviceError(self.name, f"{text}50 ohm and VRMS were set", remedy)

    # ---- power

    async def status(self) -> codec.Status:
        """Output and amplitude now. Raises as ``Port.exchange``."""
        return await self.port.exchange(self.words.status, codec.take_status, timeout_s=TIMEOUT_S)

    def is_as_told(self, status: codec.Status) -> bool:
        """False when the amplitude is another than was acknowledged: a hand at the panel, a second program."""
        return self.told_v is None or _agree(status.amplitude_v, self.told_v)

    async def tell(self, volt: float, allowed: Allowed) -> None:
        """Set the amplitude, volts RMS. Raises as ``Port.exchange``; BadReply when it reads back otherwise."""
        self.told_v = None
        request = self.words.amplitude(min(volt, self.most_v))
        seen_v = await self.port.exchange(request, codec.take_amplitude, timeout_s=TIMEOUT_S, before_send=allowed)
        if not _agree(seen_v, min(volt, self.most_v)):
            raise BadReply(f"the amplitude reads {seen_v:g} V after {volt:g} V was set")
        self.told_v = seen_v

    async def on(self, allowed: Allowed) -> None:
        """Turn the output on. Raises as ``Port.exchange``; Refused when it stays off."""
        if not await self.port.exchange(self.words.on, codec.take_output, timeout_s=TIMEOUT_S, before_send=allowed):
            raise Refused("the generator's output stays off")

    def off_steps(self) -> Sequence[OffStep]:
        """Off, proven by its own answer; then the least amplitude."""
        self.told_v = None
        return self._off, self._least

    async def _off(self) -> None:
        if await self.port.exchange(self.words.off, codec.take_output, timeout_s=TIMEOUT_S, urgent=True):
            raise BadReply("the generator's output stays on")

    async def _least(self) -> None:
        await self.port.exchange(self.words.least, codec.take_amplitude, timeout_s=TIMEOUT_S, urgent=True)

    def plan(self) -> SafeOffPlan:
        """LF ends any half-written line; then output off, twice. The proof is an answer that no other looks like."""
        proof = b"0;" + codec.SHAPE + b"\n"
        return SafeOffPlan(
            device=self.name,
            resync=b"\n",
            off=(self.words.off, self.words.off_only, self.words.least),
            readbacks=(Readback(self.words.output_and_shape, proof, len(proof), 0, 1, 0xFF, ord("0")),),
            reopen=reopen_target(self.port.url),
        )

    async def _ask(self, request: bytes, take: Callable[[bytearray], T | None]) -> T:
        return await ask(self.port, request, take, timeout_s=TIMEOUT_S)


def _agree(seen_v: float, told_v: float) -> bool:
    return abs(seen_v - told_v) <= AGREES * told_v + AGREES_V
