"""Whether the amplifier is in operation, told from state digits that lag behind it: arithmetic, without ports.

An open interlock leaves the amplifier in standby, and its digits go on saying "operate" for up to as long as they lag.
Whoever believes them then turns the generator on into an amplifier that passes nothing on. So wherever the loop may
have been open unseen, that is before the first "on" of each arming, and after an order to standby, it is asked for
operation anew, and "operate" counts

* at once, if "standby" was seen since: the digits have changed, so they tell of what came after it;
* else when they say so longer after the order than they can lag.

Between two "on" of one arming (pulses, roll-offs) nothing opens the loop that does not trip, and none of them waits.
"""

from __future__ import annotations

import math

ASK_AGAIN_S = 1.0


class Operation:
    """``lag_s``: at most so long after an order the digits tell it; None: a model without standby, always operating."""

    def __init__(self, lag_s: float | None) -> None:
        self._lag_s = lag_s
        self.wanted = False
        self.proven = False
        self.asked_s = -math.inf  # when operation was last asked for
        self._epoch: int | None = None
        self._asked = False  # since it came into doubt
        self._believed_from_s = math.inf  # "operate" that was requested earlier proves nothing

    def want(self, epoch: int) -> None:
        """Power is to come, armed as ``epoch``: operation is to be asked for and proven, once an epoch."""
        self.wanted = True
        if epoch != self._epoch:
            self._epoch = epoch
            self.doubt()

    def doubt(self) -> None:
        """It may not be in operation any more, whatever its digits say for the time being."""
        self.proven, self._asked, self._believed_from_s = False, False, math.inf

    def forgo(self) -> None:
        """No power is to come any more. An order that was under way proves nothing later."""
        self.wanted = False
        if not self.proven:
            self.doubt()

    def seen(self, operating: bool, t_s: float) -> None:
        """The digits that were requested at ``t_s``."""
        if not operating:
            self._believed_from_s = -math.inf  # from now on a change of theirs is believed
        self.proven = self._lag_s is None or (operating and self._asked and t_s >= self._believed_from_s)

    def must_ask(self, t_s: float) -> bool:
        """Whether it is time to ask for operation: in doubt, and again every second while the digits say "standby"."""
        if not self.wanted or self.proven or self._lag_s is None:
            return False
        standby = self._believed_from_s == -math.inf
        return not self._asked or (standby and t_s - self.asked_s > ASK_AGAIN_S)

    def asked(self, now_s: float) -> None:
        """Operation is about to be asked for, at ``now_s``."""
        self.asked_s, self._asked = now_s, True
        if self._lag_s is not None and self._believed_from_s == math.inf:
            self._believed_from_s = now_s + self._lag_s
