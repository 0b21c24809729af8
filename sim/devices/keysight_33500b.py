"""Keysight 33500B function generator (33522B), and with ``dialect: 33220a`` its forerunner: SCPI on socket 5025.

Sources: Keysight 33500B Series Operating and Service Guide; Agilent 33220A User's Guide. Headers in short or long
form, any case, compound; the channel's number may be left out (``OUTP`` is ``OUTP1``); set commands are not answered;
``SYST:ERR?`` reads a queue of 20. ``*RST`` turns the output off: sine of 1 kHz and 100 mVpp. An amplitude is what the
*set* load would get: with ``OUTP:LOAD INF`` 1 Vpp is half as much in 50 ohm. It has no watchdog.

Alone, it feeds the world through an ideal amplifier of ``gain_db`` (default 50) to ``power_max_w`` (300); in a chain
its watts go into the emulated amplifier's input. Options: ``identity``, ``dialect`` (33500b), ``gain_db``,
``latency_s`` (2 ms). Waveforms other than a sine put nothing out; pulses, bursts and triggers are in
``waveform_33500b``. Assumed: a value out of range sets the nearest limit and queues an error, as the manual says for
amplitudes; the 33220A has no numbered headers and no voltage limits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sim.devices.base import NEVER, World
from sim.devices.generator import Generator
from sim.devices.rf_output import Driven
from sim.devices.scpi import (
    CONFLICT,
    ILLEGAL,
    OUT_OF_RANGE,
    UNDEFINED,
    ScpiError,
    ScpiInstrument,
    Words,
    flag_in,
    number_in,
)
from sim.devices.waveform_33500b import INFINITE, Waveform, exact

OHM = 50.0
VPP_PER_VRMS = 2.0 * math.sqrt(2.0)
CLIPPED_HIGH = '-222,"Data out of range; value clipped to upper limit"'
CLIPPED_LOW = '-222,"Data out of range; value clipped to lower limit"'
IDENTITIES = {
    "33500b": "Agilent Technologies,33522B,MY50000001,3.05-1.19-2.00-52-00",
    "33220a": "Agilent Technologies,33220A,MY44000001,2.02-2.02-22-2",
}
FREQUENCY_MAX_HZ = {"33500b": 30e6, "33220a": 20e6}
LEAST_HZ = 1e-6
LEAST_VPP = {"33500b": 0.001, "33220a": 0.01}
SHAPES = {"SINUSOID": "SIN", "SQUARE": "SQU", "PULSE": "PULS", "NOISE": "NOIS", "RAMP": "RAMP", "DC": "DC"}


class Keysight33500B(ScpiInstrument, Generator):
    """Channel 1 of the generator."""

    MODEL = "keysight-33500b"
    BAUD = 10_000_000  # a network
    LATENCY_S = 0.002
    SETTLE_S = 0.001
    OPTIONS = Generator.OPTIONS | frozenset({"identity", "dialect", "gain_db"})
    IDENTITY = ""
    WORDS = Words(
        "AMPLitude BEEPer BOTH BURSt BUS CLEar DCYCle DISPlay ERRor FREQuency FUNCtion HIGH HOLD IMMediate INTernal "
        "LEADing LIMit LOAD LOW MODE NCYCles NEXT OFFSet OUTPut OUTPut1 PERiod PHASe POLarity PULSe RAMP SOURce "
        "SOURce1 SQUare STATe SYMMetry SYNC SYSTem TEXT TRAiling TRANsition TRIGger TRIGger1 UNIT VERSion VOLTage "
        "WIDTh"
    )

    def __init__(self, world: World, options: Mapping[str, Any], name: str) -> None:
        super().__init__(world, options, name)
        self.dialect = str(options.get("dialect", "33500b"))
        self.identity = str(options.get("identity", IDENTITIES[self.dialect]))
        self.gain = 10.0 ** (float(options.get("gain_db", 50.0)) / 10.0)
        self.reset(0.0)

    def power_up(self, t_s: float) -> None:
        self.reset(t_s)

    def reset(self, t_s: float) -> None:
        """``*RST``."""
        self.shape, self.frequency_hz, self.amplitude_vpp = "SIN", 1000.0, 0.1  # into 50 ohm, whatever is shown
        self.offset_v, self.unit, self.load_ohm = 0.0, "VPP", OHM
        self.limits = {"HIGH": 5.0, "LOW": -5.0}
        self.limited = False
        self.waveform = Waveform()
        self.output.on = False
        self.update(t_s)

    def feeds(self, load: Driven) -> None:
        """Give the output's own watts to ``load`` (an amplifier's input) instead of an ideal amplifier's."""
        self.output.world, self.gain = load, 1.0

    @property
    def radiating(self) -> bool:
        return self.output.on or (self.output.world.forward_w > 0.0 and "readback_zero" not in self.faults)

    def update(self, t_s: float) -> None:
        sine_w = (self.amplitude_vpp / VPP_PER_VRMS) ** 2 / OHM if self.shape == "SIN" else 0.0
        self.output.setpoint_w = sine_w * self.gain * self.waveform.share(self.frequency_hz)
        super().update(t_s)

    def poll_due(self, t_s: float) -> float | None:
        self.due_s = NEVER
        self.output.poll_due(t_s)
        self.due_s = self.output.due_s
        return None if self.due_s == NEVER else self.due_s

    @property
    def _shown(self) -> float:
        """Volts shown per volt into 50 ohm: the divider that the set load makes."""
        return 2.0 * (1.0 if self.load_ohm >= INFINITE else self.load_ohm / (self.load_ohm + OHM))

    def _bare(self, words: str) -> str:
        """Without what may be left out. Raises ScpiError for the numbers that a 33220A does not know."""
        parts = words.split(":")
        if self.dialect == "33220a" and ("SOUR1" in parts or "OUTP1" in parts):
            raise ScpiError(UNDEFINED)
        if parts[0] in ("SOUR1", "SOUR"):
            parts = parts[1:]
        if parts[0] == "OUTP1":
            parts[0] = "OUTP"
        if parts[:2] == ["VOLT", "AMPL"]:
            del parts[1]
        if parts[-1] == "STAT" and parts[0] == "OUTP":
            del parts[-1]
        return ":".join(parts)

    def query(self, words: str, argument: str, t_s: float) -> str:
        bare = self._bare(words)
        match bare:
            case "OUTP":
                return str(int(self.radiating))
            case "OUTP:LOAD":
                return exact(self.load_ohm)
            case "FUNC":
                return self.shape
            case "FREQ":
                return exact(self.frequency_hz)
            case "VOLT":
                return exact(self._in_unit(self.amplitude_vpp * self._shown))
            case "VOLT:UNIT":
                return self.unit
            case "VOLT:OFFS":
                return exact(self.offset_v * self._shown)
            case "VOLT:LIM:HIGH" | "VOLT:LIM:LOW" if self.dialect == "33500b":
                return exact(self.limits[bare.rsplit(":", 1)[1]])
            case "VOLT:LIM:STAT" if self.dialect == "33500b":
                return str(int(self.limited))
            case "VOLT:HIGH" | "VOLT:LOW":
                return exact(self._levels()[bare == "VOLT:HIGH"])
        told = self.waveform.told(bare, self.frequency_hz)
        if told is None:
            raise ScpiError(UNDEFINED)
        return told

    def command(self, words: str, argument: str, t_s: float) -> None:
        bare = self._bare(words)
        upper = argument.upper()
        match bare:
            case "OUTP":
                self.output.on = flag_in(argument)
            case "OUTP:LOAD":
                infinite = upper.startswith("INF")
                self.load_ohm = INFINITE if infinite else number_in(argument, 1.0, 10_000.0)
            case "FUNC":
                shape = SHAPES.get(upper, upper)
                if shape not in SHAPES.values():
                    raise ScpiError(ILLEGAL)
                self.shape = shape
            case "FREQ":
                self._set_frequency(number_in(argument, LEAST_HZ, FREQUENCY_MAX_HZ[self.dialect]))
            case "FUNC:PULS:PER":
                self._set_frequency(1.0 / number_in(argument, 1.0 / FREQUENCY_MAX_HZ[self.dialect], 1.0 / LEAST_HZ))
            case "VOLT":
                self._set_amplitude(argument)
            case "VOLT:UNIT":
                if upper not in ("VPP", "VRMS", "DBM"):
                    raise ScpiError(ILLEGAL)
                self.unit = upper
            case "VOLT:OFFS":
                self.offset_v = number_in(argument, -5.0 * self._shown, 5.0 * self._shown) / self._shown
            case "VOLT:LIM:HIGH" | "VOLT:LIM:LOW" if self.dialect == "33500b":
                self.limits[bare.rsplit(":", 1)[1]] = number_in(argument, -10.0, 10.0)
            case "VOLT:LIM:STAT" if self.dialect == "33500b":
                self._limit(flag_in(argument))
            case "VOLT:HIGH" | "VOLT:LOW":
                self._set_level(bare == "VOLT:HIGH", argument)
            case _:
                if not self.waveform.obey(bare, argument, self.frequency_hz):
                    raise ScpiError(UNDEFINED)
        self.update(t_s)

    def _set_frequency(self, frequency_hz: float) -> None:
        self.waveform.period_changed(self.frequency_hz, frequency_hz)
        self.frequency_hz = frequency_hz

    def _levels(self) -> tuple[float, float]:
        """Lowest and highest volts of the waveform, as shown."""
        half_v = self.amplitude_vpp / 2.0
        return (self.offset_v - half_v) * self._shown, (self.offset_v + half_v) * self._shown

    def _set_level(self, is_high: bool, argument: str) -> None:
        """One level moves, the other stays: amplitude and offset follow."""
        low_v, high_v = self._levels()
        level_v = number_in(argument, -5.0 * self._shown, 5.0 * self._shown)
        low_v, high_v = (low_v, level_v) if is_high else (level_v, high_v)
        beyond = self.limited and not self.limits["LOW"] <= low_v <= high_v <= self.limits["HIGH"]
        if beyond or high_v - low_v < LEAST_VPP[self.dialect] * self._shown:
            raise ScpiError(CONFLICT)
        self.amplitude_vpp, self.offset_v = (high_v - low_v) / self._shown, (high_v + low_v) / 2.0 / self._shown

    def _set_amplitude(self, argument: str) -> None:
        low_vpp, high_vpp = LEAST_VPP[self.dialect], 10.0
        upper = argument.upper()
        for unit in ("VPP", "VRMS", "DBM", "V"):
            if upper.endswith(unit) and upper != unit:
                upper = upper.removesuffix(unit)
                break
        else:
            unit = self.unit
        if upper in ("MIN", "MINIMUM", "MAX", "MAXIMUM"):
            wanted_vpp = number_in(upper, low_vpp, high_vpp)
        else:
            wanted_vpp = _in_vpp(number_in(upper, -1e6, 1e6), unit) / self._shown
        if self.limited and self.offset_v + wanted_vpp / 2.0 > self.limits["HIGH"] / self._shown + 1e-9:
            raise ScpiError(CONFLICT)
        self.amplitude_vpp = min(high_vpp, max(low_vpp, wanted_vpp))
        if wanted_vpp > high_vpp * 1.000001:
            raise ScpiError(CLIPPED_HIGH)
        if wanted_vpp < low_vpp * 0.999999:
            raise ScpiError(CLIPPED_LOW)

    def _limit(self, on: bool) -> None:
        peak_v = (self.offset_v + self.amplitude_vpp / 2.0) * self._shown
        if on and not self.limits["LOW"] <= -peak_v <= peak_v <= self.limits["HIGH"]:
            raise ScpiError(CONFLICT)
        self.limited = on

    def _in_unit(self, vpp: float) -> float:
        if self.unit == "VPP":
            return vpp
        vrms = vpp / VPP_PER_VRMS
        return vrms if self.unit == "VRMS" else 10.0 * math.log10(vrms * vrms / OHM / 1e-3)


def _in_vpp(value: float, unit: str) -> float:
    if unit in ("VPP", "V"):
        return value
    if unit == "VRMS":
        return value * VPP_PER_VRMS
    if abs(value) > 100.0:
        raise ScpiError(OUT_OF_RANGE)
    return math.sqrt(OHM * 1e-3 * 10.0 ** (value / 10.0)) * VPP_PER_VRMS
