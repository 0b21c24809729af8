"""An AR amplifier on its port: identify, operate and standby, state, power meters, off-plan. Used in a chain."""

from __future__ import annotations

from pydantic import Field

from drivers import scpi
from drivers.ar_amplifier import codec
from drivers.asking import ask, other_model, speaking
from drivers.contract import DeviceError, Identity, Options
from drivers.guarded import Allowed
from drivers.transport.base import Port
from drivers.transport.open import reopen_target
from safety.safeoff import Readback, SafeOffPlan

TIMEOUT_S = 0.2
ORDER_S = 0.05  # an order's own answer, where there is one, has come by then
GAP_S = 0.02
OFF_BELOW = b"    1"  # watts, as the amplifier writes them


class AmplifierOptions(Options):
    """Options of the amplifier in a chain."""

    amplifier_model: str | None = None  # what its own name must contain, e.g. 600A400
    amplifier_standby: bool = True  # False for models without standby, as the 125A250: power goes by the drive alone
    amplifier_settle_s: float = Field(2.5, ge=0, le=10)  # from RF:ON until its state says so; the digits lag


class Amplifier:
    """See the module's text."""

    def __init__(self, name: str, port: Port, options: AmplifierOptions) -> None:
        self.name, self.port, self.options = name, port, options

    async def connect(self) -> Identity:
        """Identify, and see that it is in remote and has its power on. Its output stays as it is.

        Raises:
            DeviceError: with the remedy.
            LinkLost: the port has gone.
        """
        url = self.port.url
        self.port.set_marker(codec.IDENTITY, codec.skip_to_identity)
        with speaking(self.name, "AR amplifier", url):
            await self.port.send(b"\n")  # ends whatever half a line it may hold
            line = await ask(self.port, codec.IDENTITY, scpi.take_words, timeout_s=TIMEOUT_S)
            if not codec.is_ours(line):
                raise other_model(self.name, "an AR amplifier", line.decode("ascii", "replace"), url)
            _, model, firmware, _ = scpi.identity(line)
            if self.options.amplifier_model is not None and self.options.amplifier_model not in model:
                raise other_model(self.name, self.options.amplifier_model, model, url)
            state = await ask(self.port, codec.STATE, codec.take_state, timeout_s=TIMEOUT_S)
        if not state.remote:
            raise DeviceError(self.name, f"the amplifier on {url} is not in remote", "turn its keylock to REMOTE")
        if not state.powered:
            raise DeviceError(self.name, f"the power of the amplifier on {url} is off", "switch its power on")
        return Identity(model, firmware=firmware)

    async def state(self) -> codec.State:
        """Raises as ``Port.exchange``."""
        return await self.port.exchange(codec.STATE, codec.take_state, timeout_s=TIMEOUT_S)

    async def forward_w(self) -> int:
        """Raises as ``Port.exchange``."""
        return await self.port.exchange(codec.FORWARD, codec.take_forward, timeout_s=TIMEOUT_S)

    async def reverse_w(self) -> int:
        """Raises as ``Port.exchange``."""
        return await self.port.exchange(codec.REVERSE, codec.take_reverse, timeout_s=TIMEOUT_S)

    async def operate(self, allowed: Allowed) -> None:
        """Ask for operation; whether and when it follows, its state says. Raises LinkLost; Refused when not
        ``allowed`` any more."""
        await self.port.send(codec.RF_ON, quiet_s=ORDER_S, before_send=allowed)

    async def standby(self) -> None:
        """Ask for standby, ahead of everything. Raises LinkLost."""
        await self.port.send(codec.RF_OFF, urgent=True, quiet_s=ORDER_S)


def plan(device: str, port: Port, baud: int) -> SafeOffPlan:
    """Standby, twice, proven by at most 1 W forward. The five places are compared as text: a blank is less than 0."""
    prefix = b"FPOW="
    at_most = int.from_bytes(OFF_BELOW, "big")
    width = len(OFF_BELOW)
    return SafeOffPlan(
        device=device,
        resync=b"\n",
        off=(codec.RF_OFF, codec.RF_OFF),
        readbacks=(Readback(codec.FORWARD, prefix, len(prefix) + width, len(prefix), width, (1 << 40) - 1, at_most),),
        gap_s=GAP_S,
        reopen=reopen_target(port.url),
        baud=baud,
    )
