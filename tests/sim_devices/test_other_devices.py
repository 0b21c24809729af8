"""Pump, scanner, flow sensor, input module and relay against byte pairs of their manuals."""

from __future__ import annotations

import pytest

from tests.sim_devices.desk import PINS, TC_CHANNELS, Desk

# ---- Ismatec Reglo ICC


def pump() -> Desk:
    desk = Desk("ismatec-reglo-icc")
    assert desk.ask(b"1~1\r") == b"*"
    return desk


@pytest.mark.parametrize(
    "request_, reply",
    [
        (b"1~\r", b"1\r\n"),
        (b"1#\r", b"REGLO ICC 0208 306\r\n"),
        (b"1(\r", b"0114\r\n"),
        (b"1xA\r", b"4\r\n"),
        (b"1x!\r", b"2\r\n"),
        (b"1xD\r", b"J\r\n"),
        (b"1K\r", b"*"),
        (b"1M\r", b"*"),
        (b"1f1300-3\r", b"1300E-3\r\n"),
        (b"1v3000+2\r", b"3000E+2\r\n"),
        (b"2+\r", b"3.17 mm\r\n"),
        (b"1+0013\r", b"*"),
        (b"1+0014\r", b"#"),
        (b"1S012300\r", b"#"),
        (b"1S009900\r", b"*"),
        (b"1xT00001500\r", b"*"),
        (b"1E\r", b"-"),
        (b"1?\r\n", b"138.0 ml/min\r\n"),
        (b"9H\r", b"#"),
        (b"1Z\r", b"#"),
        (b"@3\r", b"*"),
        (b"\r\n", b""),
    ],
)
def test_pump_replies(request_: bytes, reply: bytes) -> None:
    assert pump().ask(request_) == reply


def test_pump_flow() -> None:
    desk = pump()
    for command in (b"1M\r", b"1f8000+1\r", b"1H\r"):
        desk.ask(command)
    assert desk.world.flow_ml_min == 80.0
    assert desk.ask(b"1E\r") == b"+"
    assert desk.ask(b"1H\r") == b"#"
    assert desk.ask(b"1f4000+1\r") == b"4000E+1\r\n"
    assert desk.world.flow_ml_min == 40.0
    desk.wait(1000.0)
    assert desk.world.flow_ml_min == 40.0  # no dead-man
    assert desk.ask(b"0I\r") == b"*"
    assert desk.world.flow_ml_min == 0.0


def test_pump_refuses_what_it_cannot_pump() -> None:
    desk = pump()
    desk.ask(b"1M\r")
    desk.ask(b"1f5000+2\r")
    assert desk.ask(b"1H\r") == b"-"
    assert desk.ask(b"1xe\r") == b"R 1380E+2\r\n"


def test_pump_stall_is_not_seen_by_the_pump() -> None:
    desk = pump()
    for command in (b"1M\r", b"1f8000+1\r", b"1H\r"):
        desk.ask(command)
    desk.device.set_fault("stall", "", 1.0, 0.0)
    assert desk.world.flow_ml_min == 0.0
    assert desk.ask(b"1E\r") == b"+"
    desk.device.clear_fault("stall", "", 0.0)
    assert desk.world.flow_ml_min == 80.0


def test_pump_time_mode_ends_by_itself_with_an_event() -> None:
    desk = pump()
    events: list[bytes] = []
    desk.device.send = lambda t_s, data: events.append(data)
    for command in (b"1xE1\r", b"1N\r", b"1xT00000020\r", b"1H\r"):
        assert desk.ask(command) == b"*"
    desk.wait(1.5)
    assert events == [b"^U1|A|0000000001|0000001150|0001\r\n"]
    desk.wait(0.6)
    assert events[1:] == [b"^X1|A\r\n"]
    assert desk.ask(b"1E\r") == b"-"


def test_pump_volume_units() -> None:
    from sim.devices.ismatec_channel import from_volume, to_volume

    assert [to_volume(x) for x in (32.5, 0.0013, 80.0, 0.0)] == ["3250E+1", "1300E-3", "8000E+1", "0000E+0"]
    assert [from_volume(x) for x in ("3250+1", "3250E+1", "12", "abcd+1")] == [32.5, 32.5, None, None]


# ---- Keysight 34970A


def scanner(**options: object) -> Desk:
    return Desk("keysight-34970a", {"channels": TC_CHANNELS, **options})


def test_scanner_session() -> None:
    desk = scanner()
    assert desk.ask(b"*IDN?\n") == b"HEWLETT-PACKARD,34970A,0,13-2-2\n"
    assert desk.ask(b"*RST;*CLS\nCONF:TEMP TC,T,(@101,102)\n") == b""
    assert desk.ask(b"ROUT:SCAN?\n") == b"#210(@101,102)\n"
    assert desk.ask(b"READ?\n") == b"+2.20000000E+01,+2.20000000E+01\n"
    assert desk.ask(b"SYST:ERR?\n") == b'+0,"No error"\n'
    assert desk.ask(b"*OPC?\n") == b"1\n"


def test_scanner_long_and_short_words() -> None:
    desk = scanner()
    desk.ask(b"CONFIGURE:TEMPERATURE TCOUPLE,K,(@101:103)\n:SENSe:TEMPerature:NPLCycles 0.02,(@101)\n")
    assert desk.ask(b"TEMP:NPLC? (@101,102)\n") == b"+2.00000000E-02,+1.00000000E+00\n"
    assert desk.ask(b"ROUTe:SCAN:SIZE?\n") == b"+3\n"


def test_scanner_errors_queue_up() -> None:
    desk = scanner()
    assert desk.ask(b"FROB 1\nROUT:SCAN (@999)\nREAD?\n") == b""
    assert desk.ask(b"SYST:ERR?\n") == b'-113,"Undefined header"\n'
    assert desk.ask(b"SYST:ERR?\n") == b'-222,"Data out of range"\n'
    assert desk.ask(b"SYST:ERR?\n") == b'-230,"Data stale"\n'
    assert desk.ask(b"SYST:ERR?\n") == b'+0,"No error"\n'


def test_scanner_reading_with_its_channel() -> None:
    desk = scanner()
    desk.ask(b"CONF:TEMP TC,T,(@101,104);:FORM:READ:CHAN ON\n")
    assert desk.ask(b"READ?\n") == b"+2.20000000E+01,101,+2.20000000E+01,104\n"


def test_scanner_open_sensor_reads_overload() -> None:
    desk = scanner()
    desk.ask(b"CONF:TEMP TC,T,(@101,102)\n")
    desk.device.set_fault("open", "tip", 1.0, 0.0)
    assert desk.ask(b"READ?\n") == b"+9.90000000E+37,+2.20000000E+01\n"
    assert desk.ask(b"MEAS:TEMP? TC,K,(@120)\n") == b"+9.90000000E+37\n"


def test_scanner_takes_its_time() -> None:
    desk = scanner()
    desk.ask(b"CONF:TEMP TC,T,(@101:104)\nTEMP:NPLC 0.02,(@101:104)\n")
    desk.t_s = 1.0
    ((delay_s, reply),) = desk.device.receive(b"READ?\n", desk.t_s)
    assert delay_s == pytest.approx(0.002 + 4 * 0.0166 + (6 + len(reply)) * 10 / 57600)


def test_scanner_scans_into_memory() -> None:
    desk = scanner()
    desk.ask(b"CONF:TEMP TC,T,(@101)\nTRIG:SOUR TIM\nTRIG:TIM 0.5\nTRIG:COUN 3\nINIT\n")
    desk.wait(0.3)
    assert desk.ask(b"DATA:POIN?\n") == b"+1\n"
    desk.wait(5.0)
    assert desk.ask(b"DATA:REM? 2\n") == b"+2.20000000E+01,+2.20000000E+01\n"
    assert desk.ask(b"DATA:POIN?\n") == b"+1\n"


def test_scanner_device_clear_forgets_a_half_line() -> None:
    desk = scanner()
    desk.ask(b"CONF:TEMP TC,T,(@1")
    assert desk.ask(b"\x03*IDN?\n") == b"HEWLETT-PACKARD,34970A,0,13-2-2\n"


# ---- Sensirion SLF3x


def flow_sensor(flow_ml_min: float = 80.0) -> Desk:
    desk = Desk("sensirion-slf3x", {"model": "slf3s-4000b"})
    desk.world.flow_ml_min = flow_ml_min
    return desk


def test_flow_sensor_measures_after_start() -> None:
    desk = flow_sensor()
    assert desk.hex("7E 00 35 01 03 C6 7E") == "7E 00 35 43 00 87 7E"  # not in this state
    assert desk.hex("7E 00 33 04 00 64 36 08 26 7E") == "7E 00 33 00 00 CC 7E"
    assert desk.hex("7E 00 35 01 03 C6 7E") == "7E 00 35 00 00 CA 7E"  # nothing yet
    desk.wait(0.05)
    # 80 mL/min x 32 = 0x0A00, 22 degC x 200 = 0x1130 (11 is sent as 7D 31), smoothing
    assert desk.hex("7E 00 35 01 03 C6 7E") == "7E 00 35 00 06 0A 00 7D 31 30 00 20 59 7E"
    assert desk.hex("7E 00 33 04 00 64 36 08 26 7E") == "7E 00 33 43 00 89 7E"
    assert desk.hex("7E 00 34 00 CB 7E") == "7E 00 34 00 00 CB 7E"


def test_flow_sensor_air_and_open() -> None:
    desk = flow_sensor(0.0)
    desk.hex("7E 00 33 04 00 64 36 08 26 7E")
    desk.wait(0.05)
    desk.world.air_in_line = True
    assert desk.hex("7E 00 35 01 03 C6 7E") == "7E 00 35 00 06 00 00 7D 31 30 00 21 62 7E"
    desk.device.set_fault("open", "", 1.0, desk.t_s)
    assert desk.hex("7E 00 35 01 03 C6 7E") == "7E 00 35 20 00 AA 7E"


def test_flow_sensor_freeze_and_bias() -> None:
    desk = flow_sensor()
    desk.device.set_fault("freeze", "flow", 1.0, 0.0)
    desk.world.flow_ml_min = 10.0
    assert desk.device.sense("flow") == 80.0
    desk.device.clear_fault("freeze", "flow", 0.0)
    desk.device.set_fault("bias", "flow", 5.0, 0.0)
    assert desk.device.sense("flow") == 15.0


@pytest.mark.parametrize(
    "request_, reply",
    [
        ("7E 00 24 00 DB 7E", "7E 00 24 00 01 03 D7 7E"),
        ("7E 00 25 00 DA 7E", "7E 00 25 00 01 08 D1 7E"),
        ("7E 00 53 02 36 08 6C 7E", "7E 00 53 00 06 00 20 08 45 00 00 39 7E"),
        ("7E 00 D1 00 2E 7E", "7E 00 D1 00 07 01 0A 00 01 00 01 00 1A 7E"),
        ("7E 00 D0 01 01 2D 7E", "7E 00 D0 00 09 53 43 43 31 2D 55 53 42 00 05 7E"),
        ("7E 00 99 00 66 7E", "7E 00 99 02 00 64 7E"),
        ("7E 00 24 00 DC 7E", ""),  # bad checksum: no answer
        ("7E 05 24 00 D6 7E", ""),  # another address
    ],
)
def test_flow_sensor_replies(request_: str, reply: str) -> None:
    assert flow_sensor().hex(request_) == reply


def test_flow_sensor_finds_its_frame_in_noise() -> None:
    desk = flow_sensor()
    assert desk.hex("55 7D 7E 00 24 00 DB 7E 7E 00 25 00") == "7E 00 24 00 01 03 D7 7E"
    assert desk.hex("DA 7E") == "7E 00 25 00 01 08 D1 7E"


# ---- Numato GPIO


def module(**options: object) -> Desk:
    return Desk("numato-gpio", {"pins": PINS, **options})


@pytest.mark.parametrize(
    "request_, reply",
    [
        (b"gpio readall\r", b"gpio readall\n\r1b\n\r>"),  # estop a+b, foot NC, door closed; foot NO open
        (b"gpio read 0\r", b"gpio read 0\n\r1\n\r>"),
        (b"gpio read 2\r", b"gpio read 2\n\r0\n\r>"),
        (b"ver\r", b"ver\n\r00000008\n\r>"),
        (b"id get\r", b"id get\n\r00000000\n\r>"),
        (b"gpio iodir ff\r", b"gpio iodir ff\n\r>"),
        (b"gpio set 7\r", b"gpio set 7\n\r>"),
        (b"nonsense\r", b"nonsense\n\r>"),
        (b"\r", b"\n\r>"),
        (b"gpio notify get\r", b"gpio notify get\n\r>"),  # 8 ports: there is no such command
    ],
)
def test_input_module_replies(request_: bytes, reply: bytes) -> None:
    assert module().ask(request_) == reply


def test_input_module_with_the_other_end_of_line_and_more_ports() -> None:
    desk = module(eol="\r\n", ports=16)
    assert desk.ask(b"gpio readall\r") == b"gpio readall\r\n001b\r\n>"


def test_input_module_notifies_unasked() -> None:
    desk = module(ports=16)
    told: list[bytes] = []
    desk.device.send = lambda t_s, data: told.append(data)
    desk.ask(b"gpio notify on\r")
    desk.world.inputs["door"] = False
    desk.device.inputs_changed(1.0)
    assert told == [b"\n\r# 000b 001b ffff\n\r"]


# ---- KMTronic relay


def test_relay_bytes() -> None:
    desk = Desk("kmtronic-relay")
    assert desk.hex("FF 01 01") == ""
    assert desk.hex("FF 09 00") == "01 00 00 00"
    desk.wait(0.01)
    assert desk.device.contact(1)
    assert desk.hex("FF 01 00 FF 09 00") == "00 00 00 00"
    desk.wait(0.01)
    assert not desk.device.contact(1)


def test_relay_contact_follows_the_coil() -> None:
    desk = Desk("kmtronic-relay", {"switch_s": 0.004})
    desk.hex("FF 01 01")
    desk.wait(0.003)
    assert not desk.device.contact(1)
    desk.wait(0.002)
    assert desk.device.contact(1)


def test_relay_opens_when_it_is_not_refreshed() -> None:
    desk = Desk("kmtronic-relay", {"native_timeout_s": 2.0})
    for _ in range(4):
        desk.hex("FF 01 01")
        desk.wait(1.9)
        assert desk.device.contact(1)
    desk.wait(0.2)
    assert not desk.device.contact(1)
    assert desk.hex("FF 09 00") == "00 00 00 00"


def test_relay_without_time_out_stays() -> None:
    desk = Desk("kmtronic-relay")
    desk.hex("FF 01 01")
    desk.wait(3600.0)
    assert desk.device.contact(1)


def test_relay_weld_does_not_show() -> None:
    desk = Desk("kmtronic-relay")
    desk.hex("FF 01 01")
    desk.wait(0.1)
    desk.device.set_fault("weld", "", 1.0, desk.t_s)
    desk.hex("FF 01 00")
    desk.wait(0.1)
    assert desk.hex("FF 09 00") == "00 00 00 00"
    assert desk.device.contact(1)
    desk.device.clear_fault("weld", "", desk.t_s)
    assert not desk.device.contact(1)


def test_relay_resynchronises() -> None:
    desk = Desk("kmtronic-relay", {"relays": 8, "status_prefix": True})
    desk.hex("FF 01")
    desk.t_s = 1.0
    assert desk.hex("00 FF FF 09 00") == "FF 08 00 00 00 00 00 00 00 00"
