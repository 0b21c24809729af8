"""Keysight/HP 34970A scanner with a 34901A thermocouple multiplexer: SCPI lines ended by LF, RS-232 57600 8N1.

Sources: Keysight 34970A/34972A user's and command reference guides; the exchanges that daqmon 0.1.1 expects. Keywords
may be written short or long; commands on one line are separated by ``;``. A reading is ``+2.25000000E+01``; an open
thermocouple or an overload reads ``+9.90000000E+37``. Errors queue up and are read with ``SYST:ERR?``. ``^C`` (device
clear) stops a reply and a scan.

Options: ``channels`` (scanner channel -> name, as in the bench file), ``baud``, ``identity``, ``ambient_c`` (22.0:
what a channel without a probe's name reads is an open input), ``channel_s`` (0.0166 s per channel at 0.02 NPLC, plus
20 ms per power-line cycle [assumed]). Assumed: channels that were never configured for temperature read as open; the
set time of day does not matter. The measurement itself is in this file, the words of SCPI in ``scpi_34970a.py``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from sim.devices.base import NEVER, Emulator, Replies, World
from sim.devices.scpi import CONFLICT, OUT_OF_RANGE, STALE, TRIGGER_IGNORED, UNDEFINED, ScpiError, number_in
from sim.devices.scpi_34970a import channel_list, header

OVERLOAD = 9.9e37
MEMORY = 50_000
MAX_LINE = 4096
RUNNING_OUT_S = 86400.0


class Keysight34970A(Emulator):
    """Scan list, configuration, memory and error queue."""

    MODEL = "keysight-34970a"
    ROLE = "sensor"
    BAUD = 57600
    LATENCY_S = 0.002
    OPTIONS = frozenset({"channels", "identity", "ambient_c", "channel_s", "latency_s", "baud"})

    def __init__(self, world: World, options: Mapping[str, Any], name: str) -> None:
        super().__init__(world, options, name)
        named = options.get("channels") or {}
        self.probes = {int(number): str(probe).removesuffix("_c") for number, probe in named.items()}
        self.identity = str(options.get("identity", "HEWLETT-PACKARD,34970A,0,13-2-2"))
        self.channel_s = float(options.get("channel_s", 0.0166))
        self.errors: deque[str] = deque(maxlen=10)
        self._line = bytearray()
        self._busy_s = 0.0
        self.reset()

    def reset(self) -> None:
        """``*RST``: factory configuration."""
        self.configured: dict[int, str] = {}  # channel -> thermocouple type
        self.nplc: dict[int, float] = {}
        self.scan: list[int] = []
        self.unit = "C"
        self.with_channel = self.with_time = self.with_unit = False
        self.trigger = "IMM"
        self.timer_s = 10.0
        self.count = 1
        self.memory: deque[tuple[int, float, float]] = deque(maxlen=MEMORY)
        self.last: dict[int, tuple[float, float]] = {}
        self._scans_left = 0
        self._scan_s = NEVER
        self._began_s = 0.0
        self.due_s = NEVER

    # behaviour ------------------------------------------------------------------------------------------------------

    def channels(self) -> tuple[str, ...]:
        return tuple(self.probes.values())

    def truth(self, channel: str) -> float:
        return self.world.temperature_c(channel)

    def reading(self, number: int) -> float:
        """One channel in the configured unit."""
        probe = self.probes.get(number)
        if probe is None or number not in self.configured:
            return OVERLOAD
        value = self.sense(probe)
        if value is None or not abs(value) < 2000.0:
            return OVERLOAD
        if self.unit == "F":
            return value * 1.8 + 32.0
        return value + 273.15 if self.unit == "K" else value

    def scan_time_s(self, numbers: list[int]) -> float:
        """How long one pass over the channels takes."""
        return sum(self.channel_s + 0.02 * (self.nplc.get(number, 1.0) - 0.02) for number in numbers)

    def poll_due(self, t_s: float) -> float | None:
        while self._scans_left and t_s >= self._scan_s:
            self._store(self._scan_s)
            self._scans_left -= 1
            period_s = self.scan_time_s(self.scan)
            self._scan_s += max(self.timer_s, period_s) if self.trigger == "TIM" else max(period_s, 1e-3)
            if t_s - self._scan_s > RUNNING_OUT_S:
                self._scan_s = t_s
        self.due_s = self._scan_s if self._scans_left else NEVER
        return None if self.due_s == NEVER else self.due_s

    def _store(self, t_s: float) -> None:
        for number in self.scan:
            value = self.reading(number)
            self.memory.append((number, value, t_s))
            self.last[number] = (value, t_s)

    def _initiate(self, t_s: float) -> None:
        if not self.scan:
            raise ScpiError(STALE)
        if self._scans_left:
            raise ScpiError(TRIGGER_IGNORED)
        self.memory.clear()
        self._began_s = t_s
        self._scans_left = self.count
        self._scan_s = t_s + self.scan_time_s(self.scan)
        self.wake(self._scan_s)

    # commands -------------------------------------------------------------------------------------------------------

    def _texts(self, readings: list[tuple[int, float, float]]) -> str:
        return ",".join(self._text(*reading) for reading in readings)

    def _text(self, number: int, value: float, t_s: float) -> str:
        fields = [f"{value:+.8E}"]
        if not (self.with_unit or self.with_time or self.with_channel):
            return fields[0]
        if self.with_unit:
            fields[0] += f" {self.unit}"
        if self.with_time:
            fields.append(f"{t_s - self._began_s:012.3f}")
        if self.with_channel:
            fields.append(f"{number:03d}")
        return ",".join(fields)

    def _listed(self, argument: str) -> list[int]:
        found = channel_list(argument)
        if found is None:
            return list(self.scan)
        if any(number not in range(101, 361) for number in found):
            raise ScpiError(OUT_OF_RANGE)
        return list(found)

    def _configure(self, argument: str) -> list[int]:
        numbers = self._listed(argument)
        words = [word.strip().upper() for word in argument.split("(")[0].split(",")]
        kind = words[1] if len(words) > 1 and words[1] else "J"
        if words[0] not in ("TC", "TCOUPLE", "DEF", "RTD", "FRTD", "THER", "") or len(kind) > 5:
            raise ScpiError(OUT_OF_RANGE)
        for number in numbers:
            self.configured[number] = kind
            self.nplc[number] = 1.0
        self.scan = numbers
        self.count = 1
        return numbers

    def _pass(self, numbers: list[int], t_s: float) -> tuple[str, float]:
        """A scan that the host waits for: its readings and its duration."""
        if not numbers:
            raise ScpiError(STALE)
        if self._scans_left:
            raise ScpiError(TRIGGER_IGNORED)
        self._began_s = t_s
        readings = [(number, self.reading(number), t_s) for number in numbers]
        for number, value, at_s in readings:
            self.last[number] = (value, at_s)
        self.memory.clear()
        self.memory.extend(readings)
        return self._texts(readings), self.scan_time_s(numbers)

    def _query(self, words: str, argument: str, t_s: float) -> tuple[str, float]:
        """Answer and how long the instrument is busy with it; raises ScpiError."""
        match words:
            case "READ":
                return self._pass(self.scan, t_s)
            case "MEAS:TEMP":
                return self._pass(self._configure(argument), t_s)
            case "FETC":
                return self._texts(list(self.memory)), 0.0
            case "R" | "DATA:REM":
                count = int(argument) if argument.strip().isdigit() else len(self.memory)
                taken = [self.memory.popleft() for _ in range(min(count, len(self.memory)))]
                text = self._texts(taken)
                return (f"#{len(str(len(text)))}{len(text)}{text}" if words == "R" else text), 0.0
            case "DATA:POIN":
                return f"{len(self.memory):+d}", 0.0
            case "DATA:LAST":
                numbers = self._listed(argument)
                return self._texts([(n, *self.last.get(n, (OVERLOAD, self._began_s))) for n in numbers]), 0.0
            case "ROUT:SCAN":
                text = "(@" + ",".join(str(number) for number in self.scan) + ")"
                return f"#{len(str(len(text)))}{len(text)}{text}", 0.0
            case "ROUT:SCAN:SIZE":
                return f"{len(self.scan):+d}", 0.0
            case "*IDN":
                return self.identity, 0.0
            case "*OPC":
                return "1", 0.0
            case "*STB" | "*ESR":
                return f"{32 if self.errors else 0:+d}", 0.0
            case "*TST":
                return "+0", 0.0
            case "SYST:ERR":
                return (self.errors.popleft() if self.errors else '+0,"No error"'), 0.0
            case "SYST:VERS":
                return "1994.0", 0.0
            case "SYST:CTYP":
                return "HEWLETT-PACKARD,34901A,0,2.3", 0.0
            case "TEMP:NPLC":
                return ",".join(f"{self.nplc.get(n, 1.0):+.8E}" for n in self._listed(argument)), 0.0
            case "TEMP:TRAN:TC:TYPE":
                return ",".join(self.configured.get(n, "J") for n in self._listed(argument)), 0.0
            case "UNIT:TEMP":
                return ",".join([self.unit] * max(1, len(self._listed(argument)))), 0.0
            case "TRIG:SOUR":
                return self.trigger, 0.0
            case "TRIG:COUN":
                return f"{self.count:+.8E}", 0.0
            case "TRIG:TIM":
                return f"{self.timer_s:+.8E}", 0.0
            case "FORM:READ:CHAN":
                return str(int(self.with_channel)), 0.0
            case "FORM:READ:TIME":
                return str(int(self.with_time)), 0.0
            case "FORM:READ:UNIT":
                return str(int(self.with_unit)), 0.0
        raise ScpiError(UNDEFINED)

    def _command(self, words: str, argument: str, t_s: float) -> None:
        """A command without answer; raises ScpiError."""
        upper = argument.strip().upper()
        on = upper in ("ON", "1")
        match words:
            case "INIT":
                self._initiate(t_s)
            case "ABOR":
                self._scans_left = 0
            case "ROUT:SCAN" | "CONF:TEMP" | "TEMP:NPLC" | "UNIT:TEMP" | "TEMP:TRAN:TC:TYPE" if self._scans_left:
                raise ScpiError(CONFLICT)
            case "ROUT:SCAN":
                self.scan = self._listed(argument)
            case "CONF:TEMP":
                self._configure(argument)
            case "TEMP:NPLC":
                nplc = number_in(argument.split(",")[0], 0.02, 200.0)
                self.nplc.update(dict.fromkeys(self._listed(argument), nplc))
            case "TEMP:TRAN:TC:TYPE":
                self.configured.update(dict.fromkeys(self._listed(argument), upper[:1]))
            case "UNIT:TEMP":
                if upper[:1] not in ("C", "F", "K"):
                    raise ScpiError(OUT_OF_RANGE)
                self.unit = upper[:1]
            case "TRIG:SOUR":
                if upper[:3] not in ("IMM", "TIM", "BUS", "EXT"):
                    raise ScpiError(OUT_OF_RANGE)
                self.trigger = upper[:3]
            case "TRIG:COUN":
                self.count = 10**9 if upper.startswith("INF") else round(number_in(argument, 1, 50_000))
            case "TRIG:TIM":
                self.timer_s = number_in(argument, 0.0, 359_999.0)
            case "FORM:READ:CHAN":
                self.with_channel = on
            case "FORM:READ:TIME":
                self.with_time = on
            case "FORM:READ:UNIT":
                self.with_unit = on
            case "*RST" | "SYST:PRES":
                self.reset()
            case "*CLS":
                self.errors.clear()
            case "SYST:REM" | "SYST:RWL" | "SYST:LOC" | "*OPC" | "*WAI" | "*ESE" | "*SRE" | "TEMP:TRAN:TC:RJUN:TYPE":
                pass
            case "TEMP:TRAN:TC:CHEC" | "TEMP:TRAN:TYPE" | "FORM:READ:ALAR" | "FORM:READ:TIME:TYPE":
                pass
            case "DISP" | "DISP:TEXT" | "SYST:TIME" | "SYST:DATE":
                pass
            case "ROUT:CHAN:DEL" | "ZERO:AUTO" | "TEMP:APER" | "FUNC" | "ROUT:MON:STAT":
                pass
            case _:
                raise ScpiError(UNDEFINED)

    # wire format ----------------------------------------------------------------------------------------------------

    def receive(self, data: bytes, t_s: float) -> Replies:
        line = self._line
        line += data
        if 0x03 in line:  # device clear
            del line[: line.rfind(0x03) + 1]
            self._scans_left = 0
            self._busy_s = 0.0
        replies: Replies = []
        busy_s = max(0.0, self._busy_s - t_s)
        while (end := line.find(0x0A)) >= 0:
            text = bytes(line[:end]).decode("ascii", "replace").strip("\r \t\x11\x13")
            del line[: end + 1]
            answers, work_s = self._execute(text, t_s)
            busy_s += self.latency_s + self.line_s(end + 1) + work_s
            if answers:
                reply = ";".join(answers).encode("ascii", "replace") + b"\n"
                busy_s += self.line_s(len(reply))
                replies.append((busy_s, reply))
        self._busy_s = t_s + busy_s
        if len(line) > MAX_LINE:
            line.clear()
        return replies

    def _execute(self, text: str, t_s: float) -> tuple[list[str], float]:
        answers: list[str] = []
        work_s = 0.0
        for command in text.split(";") if text else ():
            try:
                words, query, argument = header(command)
                if query:
                    answer, took_s = self._query(words, argument, t_s)
                    work_s += took_s
                    answers.append(answer)
                elif words:
                    self._command(words, argument, t_s)
            except ScpiError as error:
                self.errors.append(str(error))
        return answers, work_s
