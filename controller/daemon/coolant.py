"""Pump and circulator follow a wish, each on its own acquisition task, so that nobody else ever talks to its port."""

from __future__ import annotations

import logging

from drivers.contract import BadReply, Circulator, CoolantPump, NoReply, Refused

log = logging.getLogger(__name__)


class Coolant:
    """``wish_ml_min`` is set by the tick; the pump is told when the wish changed, again after every failure."""

    def __init__(self, pump: CoolantPump) -> None:
        self.wish_ml_min = 0.0
        self._pump = pump
        self._told_ml_min: float | None = None

    async def follow(self) -> None:
        """Bring the pump to the wish. Raises what the driver raises; the next cycle tries again."""
        wish = self.wish_ml_min
        if wish != self._told_ml_min:
            self._told_ml_min = None
            await self._pump.run(wish)
            self._told_ml_min = wish


class Chill:
    """``wish_c`` is set with the protocol; the circulator is told when it changed, again after every failure. None:
    leave it as it is, or stop it where an earlier protocol had it regulate.
    """

    def __init__(self, chiller: Circulator) -> None:
        self.wish_c: float | None = None
        self.trouble = ""  # why it does not follow
        self._chiller = chiller
        self._told_c: float | None = None

    async def follow(self) -> None:
        """Bring the circulator to the wish. A failure is noted, and the bath is read all the same.

        Raises:
            LinkLost: the port has gone.
        """
        wish = self.wish_c
        if wish == self._told_c and not self.trouble:
            return
        self._told_c, before, self.trouble = wish, self.trouble, "interrupted"
        try:
            await self._chiller.regulate(wish)
        except (NoReply, BadReply, Refused) as error:
            self.trouble = str(error)
            if self.trouble != before:
                log.warning("%s does not regulate: %s", self._chiller.name, error)
        else:
            self.trouble = ""
