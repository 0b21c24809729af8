"""What a 33500B can do besides a sine: pulse, square, ramp, phase, bursts, triggers. Set, held, and told back.

Source: Keysight 33500B Series Operating and Service Guide, FUNCtion, PHASe, BURSt and TRIGger subsystems (names,
ranges, defaults). Of all this only a burst changes what the emulator puts out: with internal triggers its share of the
time, else nothing. Assumed: one burst after ``*TRG`` is too short to heat, and is not made; arbitrary waveforms and
modulations are undefined headers.
"""

from __future__ import annotations

from dataclasses import dataclass

from sim.devices.scpi import ILLEGAL, TRIGGER_IGNORED, ScpiError, flag_in, number_in

INFINITE = 9.9e37
LEAST_WIDTH_S = 16e-9


@dataclass(frozen=True)
class _Number:
    default: float
    low: float
    high: float

    def read(self, text: str) -> str:
        return exact(number_in(text, self.low, self.high))

    @property
    def initial(self) -> str:
        return exact(self.default)


@dataclass(frozen=True)
class _Choice:
    words: tuple[tuple[str, str], ...]  # short and long form; the first is the default

    def read(self, text: str) -> str:
        for short, long in self.words:
            if text.strip().upper() in (short, long):
                return short
        raise ScpiError(ILLEGAL)

    @property
    def initial(self) -> str:
        return self.words[0][0]


@dataclass(frozen=True)
class _Flag:
    def read(self, text: str) -> str:
        return str(int(flag_in(text)))

    @property
    def initial(self) -> str:
        return "0"


_SETTINGS: dict[str, _Number | _Choice | _Flag] = {
    "PHAS": _Number(0.0, -360.0, 360.0),
    "FUNC:SQU:DCYC": _Number(50.0, 0.01, 99.99),
    "FUNC:RAMP:SYMM": _Number(100.0, 0.0, 100.0),
    "FUNC:PULS:HOLD": _Choice((("WIDT", "WIDTH"), ("DCYC", "DCYCLE"))),
    "FUNC:PULS:TRAN:LEAD": _Number(10e-9, 8.4e-9, 1e-6),
    "FUNC:PULS:TRAN:TRA": _Number(10e-9, 8.4e-9, 1e-6),
    "BURS:STAT": _Flag(),
    "BURS:MODE": _Choice((("TRIG", "TRIGGERED"), ("GAT", "GATED"))),
    "BURS:NCYC": _Number(1.0, 1.0, 1e8),
    "BURS:INT:PER": _Number(0.01, 1e-6, 8000.0),
    "BURS:PHAS": _Number(0.0, -360.0, 360.0),
    "TRIG:SOUR": _Choice((("IMM", "IMMEDIATE"), ("EXT", "EXTERNAL"), ("TIM", "TIMER"), ("BUS", "BUS"))),
    "OUTP:TRIG": _Flag(),
    "OUTP:SYNC": _Flag(),
    "OUTP:POL": _Choice((("NORM", "NORMAL"), ("INV", "INVERTED"))),
}
_ALSO = {"FUNC:PULS:TRAN": "FUNC:PULS:TRAN:LEAD", "TRIG1:SOUR": "TRIG:SOUR", "OUTP:SYNC:STAT": "OUTP:SYNC"}
_DONE = frozenset({"PHAS:SYNC", "DISP", "DISP:TEXT", "DISP:TEXT:CLE", "SYST:BEEP"})


class Waveform:
    """Settings of one channel; headers are those of ``Keysight33500B``, bare."""

    def __init__(self) -> None:
        self._values = {header: setting.initial for header, setting in _SETTINGS.items()}
        self._width_s = 100e-6

    def told(self, header: str, frequency_hz: float) -> str | None:
        """The answer; None: no such header."""
        if header == "FUNC:PULS:PER":
            return exact(1.0 / frequency_hz)
        if header == "FUNC:PULS:WIDT":
            return exact(min(self._width_s, 1.0 / frequency_hz))
        if header == "FUNC:PULS:DCYC":
            return exact(100.0 * min(self._width_s * frequency_hz, 1.0))
        return self._values.get(_ALSO.get(header, header))

    def obey(self, header: str, argument: str, frequency_hz: float) -> bool:
        """Is there such a header? Raises ScpiError for what it cannot be."""
        header = _ALSO.get(header, header)
        if header == "*TRG":
            if self._values["TRIG:SOUR"] != "BUS":
                raise ScpiError(TRIGGER_IGNORED)
        elif header == "FUNC:PULS:WIDT":
            self._width_s = number_in(argument, LEAST_WIDTH_S, 1.0 / frequency_hz)
        elif header == "FUNC:PULS:DCYC":
            self._width_s = max(number_in(argument, 0.0, 100.0) / 100.0 / frequency_hz, LEAST_WIDTH_S)
        elif header == "FUNC:PULS:TRAN:BOTH":
            for edge in ("FUNC:PULS:TRAN:LEAD", "FUNC:PULS:TRAN:TRA"):
                self._values[edge] = _SETTINGS[edge].read(argument)
        elif header in _SETTINGS:
            self._values[header] = _SETTINGS[header].read(argument)
        else:
            return header in _DONE
        return True

    def period_changed(self, before_hz: float, now_hz: float) -> None:
        """What is held, width or duty cycle, stays."""
        if self._values["FUNC:PULS:HOLD"] == "DCYC":
            self._width_s *= before_hz / now_hz

    def share(self, frequency_hz: float) -> float:
        """How much of the time the waveform is there, 0 to 1."""
        if self._values["BURS:STAT"] == "0":
            return 1.0
        if self._values["TRIG:SOUR"] != "IMM" or self._values["BURS:MODE"] != "TRIG":
            return 0.0
        cycles, period_s = float(self._values["BURS:NCYC"]), float(self._values["BURS:INT:PER"])
        return min(cycles / frequency_hz / period_s, 1.0)


def exact(value: float) -> str:
    """A number as the instrument writes it."""
    return "+9.900000000000000E+37" if value >= INFINITE else f"{value:+.15E}"
