"""What every generator driver must get right, written once: who may turn the output on, and what is known of it.

A driver for a new generator derives from :class:`GuardedSource` and says how its device is told things
(``_send_power``, ``_send_on``, ``_off_steps``); when to say them, when not to, and what a lost acknowledgement means is
decided here:

* a set-point is checked again with the port held (epoch, expiry, and that no ``off`` came after it began);
* an output that went off by itself (interlock, the device's own dead-man, front panel) stays off until an ``off``;
* an "on" that was not acknowledged leaves the output *unknown*: it is not repeated before a status has told;
* a device that was switched off and on has lost what it was set to at ``connect``: where a driver sees that
  (``_lapsed``), nothing but a new ``connect`` lets power flow again;
* ``off`` goes on to the last step whatever the earlier ones met, tries each twice, and makes no assumption afterwards.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, ClassVar

from drivers.contract import BadReply, NoReply, Options, PowerSource, Refused
from drivers.transport.base import Port
from safety.types import Setpoint

Allowed = Callable[[], bool]
OffStep = Callable[[], Coroutine[Any, Any, object]]


class GuardedSource(PowerSource):
    """A generator whose output is a set-point and a switch."""

    STEP_W: ClassVar[float] = 1.0
    """Set-points are rounded down to a multiple of this; below one step the output is turned off."""
    SETTLE_S: ClassVar[float] = 0.2
    """How long a status may lag behind an acknowledged command."""
    OFF_TRIES: ClassVar[int] = 2

    def __init__(self, name: str, port: Port, options: Options) -> None:
        super().__init__(name, port, options)
        self._max_w: float | None = None
        self._on: bool | None = None  # what was commanded and acknowledged; None: not known
        self._sure_after_s = 0.0  # a status requested after this time settles what is not known
        self._set_w: float | None = None  # acknowledged set-point; None: not known
        self._dropped = False  # the output went off by itself while it was commanded on
        self._lapsed = False  # its settings are not those of connect any more
        self._offs = 0  # calls of off(): an apply that began before one may not go on after it

    # ---- what a device adds

    @abc.abstractmethod
    async def _send_power(self, power_w: float, allowed: Allowed) -> None:
        """Tell the set-point, which is a multiple of STEP_W; hand ``allowed`` to the exchange as ``before_send``."""

    @abc.abstractmethod
    async def _send_on(self, allowed: Allowed) -> None:
        """Turn the output on; hand ``allowed`` to the exchange as ``before_send``."""

    @abc.abstractmethod
    def _off_steps(self) -> Sequence[OffStep]:
        """The exchanges that turn the output off, in order, each urgent; the first one alone must stop the energy."""

    async def _may_turn_on(self, allowed: Allowed) -> bool:
        """Prepare for "on", e.g. a bias that must settle; False: not yet, the next tick asks again."""
        return True

    def _must_tell_again(self, power_w: float) -> bool:
        """Whether the acknowledged set-point ``power_w`` needs a correction, e.g. of a gain that was measured."""
        return False

    # ---- power

    def _judge(self, on: bool, t_s: float) -> None:
        """Hold a status that was requested at ``t_s`` against what was commanded."""
        if t_s < self._sure_after_s:
            return
        if self._on is None:
            self._on = on
        elif self._on and not on:
            self._dropped = True
        elif on and not self._on:
            self._on = None  # on by itself: the next 0 W is sent, not skipped

    async def apply(self, setpoint: Setpoint) -> None:
        """Follow ``setpoint``, rounded down to whole steps; below one step, turn off.

        Raises:
            Refused: not allowed any more, above the maximum, the output went off by itself, or its state is unknown.
            NoReply, BadReply, LinkLost: it may or may not have taken effect.
        """
        if setpoint.is_off or setpoint.power_w < self.STEP_W:
            if self._on is not False or self._set_w != 0.0:
                await self.off()
            return
        if self._max_w is None or not setpoint.power_w <= self._max_w:
            raise Refused(f"{self.name}: {setpoint.power_w:g} W is above the generator's {self._max_w} W")
        if self._dropped:
            text = "its output went off by itself (interlock, dead-man or panel); stop, then arm again"
            raise Refused(f"{self.name}: {text}")
        if self._lapsed:
            text = "it has lost the settings of connect (was it switched off and on?); connect to it anew"
            raise Refused(f"{self.name}: {text}")
        if self._on is None:
            raise Refused(f"{self.name}: whether its output is on is not known until its next status")
        power_w, offs = math.floor(setpoint.power_w / self.STEP_W + 1e-9) * self.STEP_W, self._offs

        def allowed() -> bool:
            return setpoint.epoch == self.epoch and offs == self._offs and self.port.now() < setpoint.expires_at_s

        if power_w != self._set_w or self._must_tell_again(power_w):
            self._set_w = None
            await self._send_power(power_w, allowed)
            if offs == self._offs:
                self._set_w = power_w
        if not self._on and await self._may_turn_on(allowed):
            await self._turn_on(allowed)

    async def _turn_on(self, allowed: Allowed) -> None:
        offs, self._on, self._sure_after_s = self._offs, None, math.inf
        try:
            await self._send_on(allowed)
        except Refused:  # not sent, or answered no
            if offs == self._offs:
                self._on = False
            raise
        else:
            if offs == self._offs:
                self._on = True
        finally:
            if offs == self._offs:
                self._sure_after_s = self.port.now() + (self.SETTLE_S if self._on else 0.0)

    async def off(self) -> None:
        """Turn off. Every :meth:`apply` that began earlier ends without effect.

        Raises:
            NoReply, BadReply, Refused, LinkLost: not acknowledged; the output counts as unknown.
        """
        self._offs += 1
        offs, self._on, self._set_w, self._sure_after_s = self._offs, None, None, math.inf
        failure: Exception | None = None
        try:
            for step in self._off_steps():
                try:
                    await self._insist(step)
                except (NoReply, BadReply, Refused) as error:
                    failure = failure or error
        finally:
            if offs == self._offs:
                self._sure_after_s = self.port.now()
        if failure is not None:
            raise failure
        if offs == self._offs:
            self._on, self._set_w, self._dropped = False, 0.0, False
            self._sure_after_s = self.port.now() + self.SETTLE_S

    async def _insist(self, step: OffStep) -> None:
        for _ in range(self.OFF_TRIES - 1):
            try:
                await step()
            except (NoReply, BadReply):
                continue
            return
        await step()
