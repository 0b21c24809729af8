"""34970A, SLF3x, Numato and KMTronic: formats, sentinels, refusals."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from drivers import scpi
from drivers.contract import BadReply, DeviceError, Refused
from drivers.keysight_34970a import codec as keysight
from drivers.keysight_34970a.driver import Keysight34970a, KeysightOptions
from drivers.kmtronic_relay import codec as kmtronic
from drivers.kmtronic_relay.driver import KmtronicOptions, KmtronicRelay
from drivers.numato_gpio import codec as numato
from drivers.numato_gpio.driver import NumatoGpio, NumatoOptions
from drivers.sensirion_slf3x import codec as sensirion
from drivers.sensirion_slf3x.driver import SensirionOptions, SensirionSlf3x
from drivers.testing.links import TableLink
from drivers.transport.port import LinkPort
from safety.types import Quality, Sample
from tests.drivers import tables as t
from tests.drivers.tables import h


def by_channel(samples: list[Sample]) -> dict[str, Sample]:
    return {s.channel: s for s in samples}


# ---- Keysight 34970A


def scanner(**changes: bytes) -> Keysight34970a:
    table = {**t.KEYSIGHT_AT_REST, **{k.encode() + b"\n": v for k, v in changes.items()}}
    options = KeysightOptions(channels={102: "tissue_10mm_c", 101: "tip_c"})
    return Keysight34970a("tc", LinkPort(TableLink(table), "memory"), options)


def test_readings_as_printed() -> None:
    assert keysight.readings(b"+2.25000000E+01,+2.26000000E+01", 2) == [22.5, 22.6]


@pytest.mark.parametrize("line", [b"+2.25000000E+01", b"", b"+2.25E+01,nan", b"+2.25E+01,inf", b"+2.25E+01,22.6 C"])
def test_not_readings(line: bytes) -> None:
    with pytest.raises(BadReply):
        keysight.readings(line, 2)


@given(st.binary(max_size=120))
def test_keysight_codec_is_total(noise: bytes) -> None:
    for decode in (lambda b: keysight.readings(b, 2), scpi.error_entry, lambda b: scpi.take_line(bytearray(b))):
        try:
            decode(noise)
        except BadReply:
            continue
    keysight.skip_to_identity(bytearray(noise))


@pytest.mark.virtual
async def test_open_thermocouple_is_bad_and_the_others_are_not() -> None:
    driver = scanner(**{"READ?": b"+9.90000000E+37,+2.26000000E+01\n"})
    identity = await driver.connect()
    assert (identity.model, identity.firmware) == ("34970A", "13-2-2")
    samples = by_channel(await driver.poll())
    assert samples["tc.tip_c"].quality is Quality.BAD
    assert samples["tc.tissue_10mm_c"] == Sample("tc.tissue_10mm_c", 22.6, samples["tc.tissue_10mm_c"].t_request_s)


@pytest.mark.virtual
async def test_scanner_that_refuses_its_setup() -> None:
    driver = scanner(**{"SYST:ERR?": b'+112,"Channel list: channel number out of range"\n'})
    with pytest.raises(DeviceError, match="112, Channel list: channel number out of range"):
        await driver.connect()


@pytest.mark.virtual
async def test_another_instrument_on_the_port() -> None:
    driver = scanner(**{"*IDN?": b"KEITHLEY INSTRUMENTS,MODEL 2000,1,A\n"})
    with pytest.raises(DeviceError, match="expected 34970A or 34972A, found 'KEITHLEY"):
        await driver.connect()


@pytest.mark.virtual
async def test_four_channels_at_57600_baud_within_a_tenth_of_a_second() -> None:
    options = KeysightOptions(channels={101: "a_c", 102: "b_c", 103: "c_c", 104: "d_c"}, nplc=0.2)
    driver = Keysight34970a("tc", LinkPort(TableLink({}), "memory"), options)
    assert driver.declaration().channels[0].period_s == pytest.approx(0.0934, abs=1e-3)


@pytest.mark.parametrize(
    "options, problem",
    [
        ({"channels": {99: "tip_c"}}, "write slot and channel"),
        ({"channels": {101: "tip"}}, "ends in _c"),
        ({"channels": {101: "tip_c", 102: "tip_c"}}, "same name"),
        ({"channels": {101: "tip_c"}, "nplc": 0.5}, "nplc 0.5 is not one of"),
        ({"channels": {101: "tip_c"}, "ncpl": 1}, "Extra inputs"),
    ],
)
def test_scanner_options_refused(options: dict[str, object], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        KeysightOptions.model_validate(options)


# ---- Sensirion SLF3x


def flow_sensor(reading: bytes, model: str = "slf3s-1300f", **changes: bytes) -> SensirionSlf3x:
    link = TableLink({**t.SENSIRION_AT_REST, t.SENSIRION_READ: reading, **{h(k): v for k, v in changes.items()}})
    return SensirionSlf3x("flow", LinkPort(link, "memory"), SensirionOptions.model_validate({"model": model}))


def test_shdlc_frames_as_printed() -> None:
    assert sensirion.frame(0x35, b"\x03") == t.SENSIRION_READ
    assert sensirion.frame(0x33, h("00 64 36 08")) == t.SENSIRION_START_100_MS
    assert sensirion.frame(0x01, h("7E 7D 11 13")) == h("7E 00 01 04 7D 5E 7D 5D 7D 31 7D 33 DB 7E")


def test_shdlc_unstuffs() -> None:
    data = sensirion.take_reply(bytearray(t.SENSIRION_READING), 0x35)
    assert data == h("13 88 11 F8 00 20")
    assert sensirion.reading(data) == (5000, 23.0, 0x20)


@pytest.mark.parametrize(
    "reply, problem",
    [
        (h("7E 00 35 00 00 CB 7E"), "check byte"),
        (h("7E 00 34 00 00 CB 7E"), "answer to command 34"),
        (h("7E 00 35 00 01 CA 7E"), "length"),
        (h("7E 00 7D 7E"), "escape"),
        (h("7E 01 7E"), "length"),
    ],
)
def test_shdlc_bad_replies(reply: bytes, problem: str) -> None:
    with pytest.raises(BadReply, match=problem):
        sensirion.take_reply(bytearray(reply), 0x35)


def test_shdlc_error_state_is_a_refusal() -> None:
    with pytest.raises(Refused, match="error 32"):
        sensirion.take_reply(bytearray(h("7E 00 35 20 00 AA 7E")), 0x35)


@given(st.binary(max_size=80), st.integers(0, 255))
def test_shdlc_codec_is_total(noise: bytes, command: int) -> None:
    with contextlib.suppress(BadReply, Refused):
        sensirion.take_reply(bytearray(noise), command)
    sensirion.skip_to_reply(bytearray(noise), command)


@given(st.binary(max_size=20), st.binary(max_size=20))
def test_shdlc_marker_is_found_behind_anything(noise: bytes, data: bytes) -> None:
    content = bytes((0, 0xD0, 0, len(data))) + data
    content += bytes((~sum(content) & 0xFF,))
    stuffed = b"".join(bytes((0x7D, b ^ 0x20)) if b in (0x7E, 0x7D, 0x11, 0x13) else bytes((b,)) for b in content)
    buffer = bytearray(noise + b"\x7e\x7e" + stuffed + b"\x7e")
    found = sensirion.skip_to_reply(buffer, 0xD0)
    assert found is not None


@pytest.mark.virtual
async def test_flow_reading() -> None:
    driver = flow_sensor(t.SENSIRION_READING)
    assert (await driver.connect()).serial == "A7"
    samples = by_channel(await driver.poll())
    assert samples["flow.flow_ml_min"].value == pytest.approx(10.0)
    assert samples["flow.coolant_c"].value == pytest.approx(23.0)
    assert samples["flow.air_in_line_flag"].value == 0.0


@pytest.mark.virtual
@pytest.mark.parametrize(
    "reading, air, quality",
    [
        ("7E 00 35 00 06 00 00 00 00 00 01 C3 7E", 1.0, Quality.GOOD),
        ("7E 00 35 00 06 7F FF 00 00 00 02 44 7E", 0.0, Quality.BAD),
        ("7E 00 35 00 06 7F 00 00 00 00 02 43 7E", 0.0, Quality.BAD),  # beyond its range
    ],
)
async def test_air_and_range(reading: str, air: float, quality: Quality) -> None:
    driver = flow_sensor(h(reading))
    await driver.connect()
    samples = by_channel(await driver.poll())
    assert samples["flow.air_in_line_flag"].value == air
    assert samples["flow.flow_ml_min"].quality is quality


@pytest.mark.virtual
async def test_wrong_flow_sensor_model_is_named() -> None:
    driver = flow_sensor(t.SENSIRION_READING, model="slf3s-4000b")
    with pytest.raises(DeviceError, match="is 500, that of a slf3s-4000b is 32; write model: slf3s-1300f"):
        await driver.connect()


@pytest.mark.virtual
async def test_sensor_that_never_begins() -> None:
    driver = flow_sensor(h("7E 00 35 20 00 AA 7E"))
    with pytest.raises(DeviceError, match="does not begin to measure"):
        await driver.connect()


# ---- Numato GPIO


@pytest.mark.parametrize(
    "raw",
    [
        b"gpio readall\n\r0b\n\r>",
        b"gpio readall\r\n0b\r\n>",
        b"gpio readall\n\r\n\r# 0b 0a ff\n\r0b\n\r>",
        b"gpio rea\n\r# 0b 0a ff\n\rdall\n\r0b\n\r>",
        b"gpio readall\n\r0b\n\r\n\r# 0b 0a ff\n\r>",
        b"\n\r# 0b 0a ff\n\rgpio readall\n\r0b\n\r>",
    ],
)
def test_numato_answers_with_either_line_end_and_notices_anywhere(raw: bytes) -> None:
    assert numato.take_answer(bytearray(raw), "gpio readall", 8) == "0b"


@pytest.mark.parametrize("raw", [b"0b\n\r>", b"gpio readall\n\r0b\n\r0c\n\r>", b">", b"ver\n\r00000009\n\r>"])
def test_numato_answers_to_something_else(raw: bytes) -> None:
    with pytest.raises(BadReply):
        numato.take_answer(bytearray(raw), "gpio readall", 8)


@pytest.mark.parametrize("answer, ports", [("0b", 16), ("000b", 8), ("", 8), ("+b", 8), ("0x", 8), ("0_", 8)])
def test_numato_levels_of_the_wrong_width(answer: str, ports: int) -> None:
    with pytest.raises(BadReply):
        numato.levels(answer, ports)


@given(st.binary(max_size=120))
def test_numato_codec_is_total(noise: bytes) -> None:
    with contextlib.suppress(BadReply):
        numato.take_answer(bytearray(noise), "gpio readall", 16)
    numato.skip_to_answer(bytearray(noise), "ver", 16)


@pytest.mark.virtual
async def test_inputs() -> None:
    pins = {"estop_a_closed": 0, "estop_b_closed": 1, "foot_no_closed": 2, "foot_nc_closed": 3, "door_closed": 4}
    options = NumatoOptions(pins=pins, inverted=("door_closed",))
    link = TableLink(t.NUMATO_AT_REST)
    driver = NumatoGpio("inputs", LinkPort(link, "memory"), options)
    identity = await driver.connect()
    assert (identity.serial, identity.firmware) == ("00000000", "00000009")
    assert {s.channel: s.value for s in await driver.poll()} == {
        "inputs.estop_a_closed": 1.0,
        "inputs.estop_b_closed": 1.0,
        "inputs.foot_no_closed": 0.0,
        "inputs.foot_nc_closed": 1.0,
        "inputs.door_closed": 1.0,
    }
    assert not any(b"set" in w or b"clear" in w or b"write" in w or b"relay" in w for w in link.written)


@pytest.mark.parametrize(
    "options, problem",
    [
        ({"pins": {"estop_a": 0}}, "must end in"),
        ({"pins": {"estop_a_closed": 8}}, "port 8 is not among the 8 ports"),
        ({"pins": {"estop_a_closed": 0, "estop_b_closed": 0}}, "share a port"),
        ({"pins": {"estop_a_closed": 0}, "inverted": ["door_closed"]}, "inverted names no pin: door_closed"),
    ],
)
def test_numato_options_refused(options: dict[str, object], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        NumatoOptions.model_validate(options)


# ---- KMTronic relay


def relay(status: bytes, number: int = 1) -> tuple[KmtronicRelay, TableLink]:
    table = {h("FF 09 00"): status, bytes((0xFF, number, 0)) * 2: b""}
    link = TableLink(table)
    return KmtronicRelay("enable", LinkPort(link, "socket://moxa:4001"), KmtronicOptions(relay=number)), link


@pytest.mark.virtual
@pytest.mark.parametrize(
    "status, number, length, offset",
    [("00 01 00 00", 1, 4, 0), ("00 00 00 01 00 00 00 00", 3, 8, 2), ("FF 08 00 00 00 01 00 00 00 00", 3, 10, 4)],
)
async def test_relay_board_shapes(status: str, number: int, length: int, offset: int) -> None:
    driver, link = relay(h(status), number)
    await driver.connect()
    plan = driver.enable_plan()
    assert (plan.reply_length, plan.offset, plan.closed_value) == (length, offset, 1)
    assert plan.close == bytes((0xFF, number, 1))
    assert plan.open == bytes((0xFF, number, 0, 0xFF, number, 0))
    assert plan.query == h("FF 09 00")
    assert plan.reopen == "tcp://moxa:4001"
    assert [s.value for s in await driver.poll()] == [0.0]
    assert plan.close not in link.written


@pytest.mark.virtual
@pytest.mark.parametrize(
    "status, number, problem",
    [
        ("01 00 00 00", 1, "reads closed after it was opened"),
        ("00 00 00 00", 5, r"has 4 relays \(00 00 00 00\), and relay 5 is asked for"),
        ("00 00 00", 1, "no KMTronic relay board answers"),
        ("00 00 00 02", 1, "no KMTronic relay board answers"),
    ],
)
async def test_relay_refused(status: str, number: int, problem: str) -> None:
    driver, _ = relay(h(status), number)
    with pytest.raises(DeviceError, match=problem):
        await driver.connect()


@given(st.binary(max_size=16), st.sampled_from(kmtronic.SHAPES))
def test_kmtronic_codec_is_total(noise: bytes, shape: kmtronic.Shape) -> None:
    for decode in (lambda: kmtronic.shape_of(noise), lambda: kmtronic.take_states(bytearray(noise), shape)):
        try:
            decode()
        except BadReply:
            continue
