"""How a generator's amplitude follows a set-point of forward power: arithmetic, without ports.

Forward power is what the amplifier sends towards the load; what the load absorbs is never more. Its ratio to the
square of the amplitude is the amplifier's gain, which the load does not change: a load that jumps cannot make it
overshoot. The gain is learnt from measurements, with bounds that hold whatever is measured:

* the first amplitude after an off is for half the set-point at the nominal gain;
* without a measurement it never rises, and stands still until there is one, however the set-point moves upwards; with
  one it is never beyond the nominal gain's amplitude by more than 3 dB: a gain of less than half the nominal one is not
  believed, nor one of more than a hundred times;
* a rise is at most 20 % at a time, a fall is made at once;
* only a measurement whose every request left after the amplitude had settled counts, so that none is held against an
  amplitude that it does not belong to;
* a measured gain that is higher than thought is believed at once, a lower one by half.
"""

from __future__ import annotations

import math

START = math.sqrt(0.5)
BELIEVED = (0.5, 100.0)  # times the nominal gain
RISE = 1.2
SETTLE_S = 0.06  # amplifier and two acquisitions of the oscilloscope
DEAD_BAND = 0.01
LEAST_W = 0.2  # measured power below this says nothing about the gain


class Regulator:
    """``gain`` is nominal, as power over square volts into the amplifier; ``most_v`` bounds every amplitude."""

    def __init__(self, gain: float, most_v: float) -> None:
        self.gain, self.most_v = gain, most_v
        self.measured_gain: float | None = None
        self.amplitude_v: float | None = None  # that gives power now; None: off, or not known
        self._since_s = math.inf

    def reset(self) -> None:
        """The output is off, or nobody knows: begin anew."""
        self.measured_gain = self.amplitude_v = None
        self._since_s = math.inf

    def changing(self) -> None:
        """The amplitude is about to change; what is measured from now on belongs to neither."""
        self._since_s = math.inf

    def begun(self, amplitude_v: float, now_s: float) -> None:
        """From now on ``amplitude_v`` gives power."""
        self.amplitude_v, self._since_s = amplitude_v, now_s

    def wanted_v(self, power_w: float) -> float:
        """The amplitude to set next for ``power_w``."""
        if self.measured_gain is None:
            wanted_v = math.sqrt(power_w / self.gain) * START
            if self.amplitude_v is not None:
                wanted_v = min(wanted_v, self.amplitude_v)
        else:
            wanted_v = math.sqrt(power_w / self.measured_gain)
        if self.amplitude_v is not None:
            wanted_v = min(wanted_v, self.amplitude_v * RISE)
        return min(wanted_v, self.most_v)

    def off_target(self, power_w: float) -> bool:
        """Whether the amplitude that gives power now is worth a correction."""
        if self.amplitude_v is None:
            return False
        return abs(self.wanted_v(power_w) / self.amplitude_v - 1.0) > DEAD_BAND

    def learn(self, forward_w: float, first_request_s: float) -> None:
        """``forward_w`` was measured by requests of which none left before ``first_request_s``."""
        if self.amplitude_v is None or first_request_s < self._since_s + SETTLE_S or not forward_w >= LEAST_W:
            return
        low, high = (self.gain * times for times in BELIEVED)
        gain, known = min(max(forward_w / self.amplitude_v**2, low), high), self.measured_gain
        self.measured_gain = gain if known is None or gain >= known else 0.5 * (gain + known)
