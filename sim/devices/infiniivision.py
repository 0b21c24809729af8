"""Keysight InfiniiVision oscilloscope that sees the load's voltage on channel 1 and its current on channel 2: SCPI.

Sources: Keysight InfiniiVision 3000 X-Series Programmer's Guide (MEASure, CHANnel, TIMebase, TRIGger, OPERegister).
``:MEASure:VRMS? CYCLe,AC,CHANnel1`` needs whole periods and answers ``+9.9E+37`` without a signal, ``DISPlay`` measures
whatever is on the screen; ``:MEASure:PHASe? CHANnel1,CHANnel2`` is positive when channel 2 comes later. What goes
beyond the screen reads ``+9.9E+37``. Bit 3 of ``:OPERegister:CONDition?`` says that it is running.

Options: ``identity``, ``phase_deg`` (0: the load's phase, positive for inductive; its resistance is the world's load),
``noise`` (0.003, part of a reading), ``voltage_channel`` (1), ``current_channel`` (2), ``latency_s`` (15 ms).
Assumed: eight divisions fill the screen; 20 mV and 1 mA are the least signals that it triggers on; its own noise is
5 mV and 0.2 mA; a stopped oscilloscope goes on answering with what it saw last.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from typing import Any, cast

from sim.devices.base import World
from sim.devices.scpi import ILLEGAL, MISSING_PARAMETER, UNDEFINED, ScpiError, ScpiInstrument, Words, number_in

NONE = "+9.9E+37"
LEAST = {"voltage": 0.02, "current": 0.001}
OWN_NOISE = {"voltage": 0.005, "current": 0.0002}
NOISE = 1024
RUNNING = 1 << 3


class InfiniiVision(ScpiInstrument):
    """Two channels and three measurements."""

    MODEL = "infiniivision"
    ROLE = "sensor"
    BAUD = 10_000_000  # a network
    LATENCY_S = 0.015
    CHANNELS = ("voltage", "current")
    OPTIONS = frozenset({"identity", "phase_deg", "noise", "voltage_channel", "current_channel", "latency_s", "baud"})
    IDENTITY = "AGILENT TECHNOLOGIES,DSO-X 3024A,MY50000002,02.43.2018020635"
    WORDS = Words(
        "BWLimit CHANnel1 CHANnel2 CHANnel3 CHANnel4 CONDition COUPling DISPlay EDGE ERRor FREQuency IMPedance "
        "LEVel MEASure MODE NEXT OFFSet OPERegister PHASe PROBe RANGe RUN SCALe SOURce STOP SWEep SYSTem TIMebase "
        "TRIGger UNITs VERSion VRMS"
    )

    def __init__(self, world: World, options: Mapping[str, Any], name: str) -> None:
        super().__init__(world, options, name)
        self.phase_deg = float(options.get("phase_deg", 0.0))
        self.noise = float(options.get("noise", 0.003))
        self._sees = {
            int(options.get("voltage_channel", 1)): "voltage",
            int(options.get("current_channel", 2)): "current",
        }
        wander = random.Random(f"{self.MODEL}/{name}")
        self._wander = [wander.gauss(0.0, 1.0) for _ in range(NOISE)]
        self._reading = 0
        self.reset(0.0)

    def reset(self, t_s: float) -> None:
        """``*RST``."""
        self.running = True
        self._stopped: dict[str, float] = {}
        self.settings: dict[str, str] = {}
        self.full_scale = dict.fromkeys((1, 2, 3, 4), 40.0)  # volts or amperes on the whole screen
        self.units = dict.fromkeys((1, 2, 3, 4), "VOLT")
        self.time_range_s = 1e-3

    # what is on the screen ------------------------------------------------------------------------------------------

    def truth(self, channel: str) -> float:
        """RMS of the load's voltage or current."""
        if not self.running:
            return self._stopped.get(channel, 0.0)
        world = cast(Any, self.world)
        power_w, ohm = max(0.0, world.load_w), getattr(world, "load_ohm", 50.0)
        if not power_w > 0.0 or not math.isfinite(ohm):
            return 0.0
        current_a = math.sqrt(power_w / ohm)
        return current_a if channel == "current" else current_a * ohm / math.cos(math.radians(self.phase_deg))

    def _jitter(self) -> float:
        self._reading = (self._reading + 1) % NOISE
        return self._wander[self._reading]

    def _rms(self, number: int, whole_periods: bool) -> str:
        quantity = self._sees.get(number)
        value = self.sense(quantity) if quantity is not None else 0.0
        if value is None or value * 2.83 > self.full_scale[number]:
            return NONE
        if quantity is None or value < LEAST[quantity]:
            if whole_periods:
                return NONE
            return f"{abs(value) + OWN_NOISE.get(quantity or 'voltage', 0.005) * abs(1.0 + 0.2 * self._jitter()):+.4E}"
        return f"{value * (1.0 + self.noise * self._jitter()):+.4E}"

    def _phase(self, first: int, second: int) -> str:
        seen = {self._sees.get(first), self._sees.get(second)}
        if seen != {"voltage", "current"} or any(self._rms(n, True) == NONE for n in (first, second)):
            return NONE
        degrees = self.phase_deg if self._sees[first] == "voltage" else -self.phase_deg
        return f"{degrees + 0.2 * self._jitter():+.4E}"

    # words ----------------------------------------------------------------------------------------------------------

    def query(self, words: str, argument: str, t_s: float) -> str:
        given = [word.strip().upper() for word in argument.split(",")] if argument else []
        match words:
            case "MEAS:VRMS":
                kinds, sources = [w for w in given if "CHAN" not in w], [w for w in given if "CHAN" in w]
                if set(kinds) - {"CYCL", "CYCLE", "DISP", "DISPLAY", "AC", "DC"}:
                    raise ScpiError(ILLEGAL)
                whole = "CYCL" in kinds or "CYCLE" in kinds
                return self._rms(_channel(sources[0]) if sources else 1, whole)
            case "MEAS:PHAS":
                if len(given) != 2:
                    raise ScpiError(MISSING_PARAMETER)
                return self._phase(_channel(given[0]), _channel(given[1]))
            case "MEAS:FREQ":
                return NONE
            case "OPER:COND" | "OPER":
                return f"{RUNNING if self.running else 0:+d}"
            case "TIM:RANG":
                return f"{self.time_range_s:+.4E}"
        if words.startswith("CHAN") and words[4:5].isdigit():
            number, _, what = words[4:].partition(":")
            if what in ("RANG", "SCAL"):
                return f"{self.full_scale[int(number)] / (8.0 if what == 'SCAL' else 1.0):+.4E}"
            if what == "UNIT":
                return self.units[int(number)]
            if words in self.settings:
                return self.settings[words]
        raise ScpiError(UNDEFINED)

    def command(self, words: str, argument: str, t_s: float) -> None:
        match words:
            case "RUN":
                self.running = True
                return
            case "STOP":
                self._stopped = {name: self.truth(name) for name in self.CHANNELS}
                self.running = False
                return
            case "TIM:RANG":
                self.time_range_s = number_in(argument, 1e-8, 500.0)
                return
            case "TIM:MODE" | "TRIG:MODE" | "TRIG:SWE" | "TRIG:EDGE:SOUR" | "TRIG:EDGE:LEV" | "TRIG:LEV" | "TRIG:SOUR":
                return
        if not (words.startswith("CHAN") and words[4:5].isdigit()):
            raise ScpiError(UNDEFINED)
        number, what = int(words[4]), words[6:]
        if what in ("RANG", "SCAL"):
            self.full_scale[number] = number_in(argument, 1e-3, 1e5) * (8.0 if what == "SCAL" else 1.0)
        elif what == "UNIT":
            unit = argument.strip().upper()
            if unit not in ("VOLT", "AMP", "AMPERE"):
                raise ScpiError(ILLEGAL)
            self.units[number] = unit[:4] if unit == "VOLT" else "AMP"
        elif what == "PROB":
            self.settings[words] = f"{number_in(argument, 1e-4, 1e5):+.4E}"
        elif what not in ("DISP", "COUP", "BWL", "IMP", "OFFS"):
            raise ScpiError(UNDEFINED)


def _channel(word: str) -> int:
    number = word.removeprefix("CHANNEL").removeprefix("CHAN")
    if number not in ("1", "2", "3", "4"):
        raise ScpiError(ILLEGAL)
    return int(number)
