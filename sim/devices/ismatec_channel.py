"""One channel of a Reglo ICC pump, and the pump's way of writing volumes (manual 14-036-E rev C, "volume" types 1 and
2)."""

from __future__ import annotations

import re

from sim.devices.base import NEVER

MODES = "LMOGQNP"
"""L rpm, M flow rate, O volume at rate, G volume in time, Q volume and pause, N time, P time and pause."""

RPM_MAX = 100.0
TUBE_MM = 3.17
_volume = re.compile(r"(\d{4})E?([+-])(\d)")


class PumpChannel:
    """Settings, and what the channel does in time."""

    def __init__(self, max_flow_ml_min: float) -> None:
        self.max_flow_ml_min = max_flow_ml_min
        self.running = False
        self.paused = False
        self.next_s = NEVER  # when this channel changes by itself
        self._delivered_ml = 0.0
        self._since_s = 0.0
        self.restore()

    def restore(self) -> None:
        """Factory settings."""
        self.mode = "L"
        self.rpm = 50.0
        self.flow_ml_min = 10.0
        self.volume_ml = 10.0
        self.run_s = 10.0
        self.pause_s = 1.0
        self.cycles = 1
        self.clockwise = True
        self.tube_mm = TUBE_MM
        self._cycles_left = 0

    def max_flow(self) -> float:
        """Flow at full speed with the present tube, mL/min."""
        return self.max_flow_ml_min * (self.tube_mm / TUBE_MM) ** 2

    def rate_ml_min(self) -> float:
        """Flow of the present mode while it runs."""
        if self.mode in "LNP":
            return self.max_flow() * self.rpm / RPM_MAX
        if self.mode == "G":
            return self.volume_ml / self.run_s * 60.0 if self.run_s > 0.0 else NEVER
        return self.flow_ml_min

    def delivered_ml_min(self) -> float:
        """What reaches the tube's downstream end now."""
        return self.rate_ml_min() if self.running and not self.paused and self.clockwise else 0.0

    def refusal(self) -> tuple[str, float]:
        """Why a start is refused, with the limit: R flow, V volume, C cycles; '-' when it is not."""
        rate = self.rate_ml_min()
        if not 0.0 < rate <= self.max_flow() * 1.0001:
            return "R", self.max_flow()
        if self.mode in "QP" and self.cycles == 0:
            return "C", 0.0
        if self.mode in "OGQ" and self.volume_ml <= 0.0:
            return "V", self.max_flow()
        return "-", 0.0

    def start(self, t_s: float) -> bool:
        """Start; False when the settings cannot be achieved."""
        if self.refusal()[0] != "-":
            return False
        self.running, self.paused, self._since_s = True, False, t_s
        self._cycles_left = self.cycles
        self.next_s = t_s + self._on_s()
        return True

    def stop(self, t_s: float) -> None:
        self._count(t_s)
        self.running, self.paused, self.next_s = False, False, NEVER

    def pause(self, t_s: float) -> None:
        """Pause, and at the next call resume."""
        if self.running:
            self._count(t_s)
            self.paused = not self.paused

    def set_mode(self, mode: str, t_s: float) -> None:
        """A new mode stops a running channel."""
        if mode != self.mode:
            self.stop(t_s)
            self.mode = mode

    def changed(self, t_s: float) -> None:
        """A setting changed under a running channel: it follows if it can, and stops if it cannot."""
        if self.running:
            self._count(t_s)
            if self.refusal()[0] != "-":
                self.stop(t_s)

    def elapse(self, t_s: float) -> bool:
        """Do what is due; True when the channel has stopped by itself."""
        if t_s < self.next_s:
            return False
        self._count(t_s)
        if self.mode in "QP" and self.paused:
            self.paused, self.next_s = False, t_s + self._on_s()
            return False
        self._cycles_left -= 1
        if self.mode in "QP" and self._cycles_left > 0:
            self.paused, self.next_s = True, t_s + self.pause_s
            return False
        self.stop(t_s)
        return True

    def total_ml(self, t_s: float) -> float:
        """Volume since power-up."""
        self._count(t_s)
        return self._delivered_ml

    def status(self, t_s: float) -> str:
        """The fields of a periodic status event after its channel number."""
        left_s = 0 if self.next_s == NEVER else round(self.next_s - t_s)
        letter = "B" if self.paused else "A" if self.running else "C"
        return f"{letter}|{left_s:010d}|{round(1000.0 * self.total_ml(t_s)):010d}|{self._cycles_left:04d}"

    def _on_s(self) -> float:
        if self.mode in "LM":
            return NEVER
        if self.mode in "NPG":
            return self.run_s
        return self.volume_ml / self.flow_ml_min * 60.0

    def _count(self, t_s: float) -> None:
        if self.running and not self.paused:
            self._delivered_ml += self.rate_ml_min() * (t_s - self._since_s) / 60.0
        self._since_s = t_s


def to_volume(value: float) -> str:
    """``mmmmEse``, m.mmm x 10^se: 32.5 -> ``3250E+1``."""
    if not value > 0.0:
        return "0000E+0"
    mantissa, exponent = f"{value:.3e}".split("e")
    power = int(exponent)
    if power < -9:
        return "0000E+0"
    return f"{mantissa.replace('.', '')}E{'-' if power < 0 else '+'}{min(9, abs(power))}"


def from_volume(text: str) -> float | None:
    """``mmmmse`` or ``mmmmEse``; None when it is neither."""
    found = _volume.fullmatch(text)
    return int(found[1]) / 1000.0 * 10.0 ** int(found[2] + found[3]) if found else None
