"""Every parser of every codec, with replies that its device really gives: what fuzzing starts from.

A parser gets a buffer that grows, and says a value, "not yet" (None), or a rejection. Two steps of a driver (take a
line, read the number in it) are one parser here, since the number is what must not be made up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from drivers import circulator, scpi
from drivers.ae_bus import codec as ae
from drivers.ar_amplifier import codec as ar
from drivers.infiniivision import codec as scope
from drivers.ismatec_reglo_icc import codec as ismatec
from drivers.julabo import codec as julabo
from drivers.keysight_33500b import codec as awg
from drivers.keysight_34970a import codec as scanner
from drivers.kmtronic_relay import codec as kmtronic
from drivers.kuhne_kusg import codec as kuhne
from drivers.lauda import codec as lauda
from drivers.modbus import Modbus
from drivers.numato_gpio import codec as gpio
from drivers.numato_relay import codec as relay
from drivers.omega_fob import codec as fob
from drivers.sensirion_slf3x import codec as sensirion
from drivers.tc_cxn import codec as cxn
from drivers.watson_marlow_du import codec as watson

Parser = Callable[[bytearray], Any]


def h(text: str) -> bytes:
    """Bytes from hex with blanks."""
    return bytes.fromhex(text)


def _line(take: Callable[[bytearray], bytes | None], read: Callable[[bytes], Any]) -> Parser:
    def both(buffer: bytearray) -> Any:
        line = take(buffer)
        return None if line is None else read(line)

    return both


def _cxn_power(buffer: bytearray) -> tuple[float | None, ...] | None:
    data = cxn.take_data(buffer, 6)
    return None if data is None else cxn.power(data)


def _fob(buffer: bytearray) -> list[float] | None:
    lines = fob.take_reply(buffer)
    return None if lines is None else fob.readings_c(lines, 4)


def _flow(buffer: bytearray) -> sensirion.Reading | None:
    data = sensirion.take_reply(buffer, 0x35)
    return None if data is None else sensirion.reading(data)


def _levels(buffer: bytearray) -> int | None:
    answer = gpio.take_answer(buffer, "gpio readall", 8)
    return None if answer is None else gpio.levels(answer, 8)


def _kuhne_hz(buffer: bytearray) -> float | None:
    text = kuhne.take_text(buffer)
    return None if text is None else kuhne.frequency_hz(text)


_RTU, _TCP = Modbus("rtu", 1), Modbus("tcp", 1, 7)

PARSERS: Mapping[str, tuple[Parser, tuple[bytes, ...]]] = {
    "ae-bus number": (
        lambda b: ae.take_number(b, 1, ae.GET_STATUS, 4),
        (h("06 0C A2 20 00 00 00 8E"), h("06 09 A2 63 C8"), h("15")),
    ),
    "ae-bus done": (lambda b: ae.take_done(b, 1, ae.RF_ON), (h("06 09 02 00 0B"), h("06 09 02 01 0A"))),
    "ae-bus marker": (lambda b: ae.skip_to(b, 1, ae.GET_STATUS), (h("06 0C A2 20 00 00 00 8E"),)),
    "ar-amplifier state": (ar.take_state, (b"STATE= 8301\n", b"RF ON\nSTATE= 8501\n")),
    "ar-amplifier power": (ar.take_forward, (b"FPOW=   54\n", b"FPOW=    0\n")),
    "infiniivision signal": (
        scope.take_signal,
        (b"+1.23E+00;+2.5E-01;-1.2E+01;8\n", b"+9.9E+37;+9.9E+37;+9.9E+37;+0\n"),
    ),
    "ismatec flow": (_line(ismatec.take_line, ismatec.volume1), (b"1300E-3\r\n", b"^X2|A\r\n3250E+1\r\n")),
    "ismatec maximum": (_line(ismatec.take_line, ismatec.flow_text), (b"138.0 ml/min\r\n",)),
    "ismatec status": (ismatec.take_running, (b"+", b"-", b"^U3|A|0000000000|0000100000|0000\r\n+")),
    "julabo temperature": (_line(julabo.take_answer, julabo.temperature_c), (b"21.50\r\n", b"-05.3\n")),
    "julabo status": (_line(julabo.take_answer, julabo.status), (b"03 REMOTE START\r\n", b"-01 LOW LEVEL ALARM\r\n")),
    "keysight-33500b status": (awg.take_status, (b"1;SIN;+5.0E+01;+1.0E-01;VRMS\n", b"0;SIN;+9.9E+37;+1.0E-01\n")),
    "keysight-33500b amplitude": (
        awg.take_amplitude,
        (b'+1.0E-01;+0,"No error"\n', b'+1.0E-01;-222,"Data out of range"\n'),
    ),
    "keysight-34970a scan": (
        _line(scpi.take_line, lambda line: scanner.readings(line, 2)),
        (b"+2.25000000E+01,+2.26000000E+01\n", b"+9.90000000E+37,+2.26000000E+01\n"),
    ),
    "kmtronic states": (lambda b: kmtronic.take_states(b, kmtronic.Shape(0, 4)), (bytes(4), b"\1\0\0\1")),
    "kuhne number": (kuhne.take_byte, (b"\x0d\x0d", b"\x0a\x0d", b"A\r")),
    "kuhne frequency": (_kuhne_hz, (b"2450MHz\r", b"2450000kHz\r")),
    "lauda temperature": (_line(lauda.take_answer, lauda.temperature_c), (b"021.50\r\n", b"ERR_3\r\n")),
    "modbus registers, RTU": (
        _RTU.read_holding(100, 6)[1],
        (h("01 03 0C 00 3C 00 14 00 3C 00 03 00 00 00 C0 14 73"), h("01 83 02 C0 F1")),
    ),
    "modbus inputs, TCP": (_TCP.read_inputs(0, 16)[1], (h("00 07 00 00 00 05 01 02 02 01 82"),)),
    "modbus marker": (_RTU.marker(0, 3)[1], (h("01 03 06 00 3C 00 14 00 50 31 48"),)),
    "numato levels": (_levels, (b"gpio readall\n\r0b\n\r>", b"gpio readall\r\nff\r\n>")),
    "numato relay": (lambda b: relay.take_state(b, 0), (b"relay read 0\n\ron\n\r>", b"relay read 0\n\roff\n\r>")),
    "omega-fob readings": (_fob, (b"+24.3\r+24.5\r---.-\r+24.4\r*", b"Err2")),
    "sensirion reading": (_flow, (h("7E 00 35 00 06 7D 33 88 7D 31 F8 00 20 00 7E"), h("7E 00 35 43 00 87 7E"))),
    "sensirion marker": (lambda b: sensirion.skip_to_reply(b, 0x35), (h("7E 00 35 00 00 CA 7E"),)),
    "scpi error": (_line(scpi.take_line, scpi.error_entry), (b'-113,"Undefined header"\n', b'+0,"No error"\n')),
    "tc-cxn power": (_cxn_power, (h("2A 52 00 00 06 01 F4 00 19 01 DB 02 42"), b"?", b"*")),
    "tc-cxn name": (cxn.take_text, (h("2A 52 00 00 10 00 01") + b"AG 0313 GTC  \0" + h("03 10"),)),
    "tc-cxn marker": (lambda b: cxn.skip_to_data(b, 4), (h("2A 52 00 00 04 00 06 DD D0 02 09"),)),
    "watson-marlow status": (
        watson.take_status,
        (b"323Du 400.0 CCW 0 !\r", b"520Du 15.84 520R 9.6MM 220.0 CW P/N 1 123456789 1 !\r"),
    ),
    "circulator line": (_line(circulator.take_line, circulator.celsius), (b"21.50\r\n", b"OK\r\n")),
}
