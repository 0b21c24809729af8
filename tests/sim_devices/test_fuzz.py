"""Whatever bytes arrive, in whatever pieces: an emulator never raises, stays within bounds, and still answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.devices import MODELS
from tests.sim_devices.desk import PINS, TC_CHANNELS, Desk

OPTIONS: dict[str, dict[str, object]] = {
    "keysight-34970a": {"channels": TC_CHANNELS},
    "numato-gpio": {"pins": PINS},
    "moxa-iologik": {"pins": PINS},
    "omega-fob": {"channels": {1: "tissue_10mm_c"}},
    "julabo": {"hasty": True},  # no pause between half a line and the question
}

WORDS = [
    b"C\x00SA",
    b"C\x00BR\x55\x55\x00\x00\x01\x81",
    b"C\x00BC\x55\x55\x00\x00\x01\x72",
    b"C\x00SO\x00\x04\x00\x00\x00\xe9",
    b"1H\r",
    b"1~1\r",
    b"1f9999+9\r",
    b"1G\r",
    b"1xT00000000\r",
    b"1O\r",
    b"1v0000+0\r",
    b"1S010000\r",
    b"READ?\n",
    b"INIT\n",
    b"TRIG:COUN INF\n",
    b"ROUT:SCAN (@101:999)\n",
    b"CONF:TEMP TC,T,(@101)\n",
    b"TEMP:NPLC nan\n",
    b"\x7e\x00\x35\x01\x03\xc6\x7e",
    b"\x7e\x00\x33\x04\x00\x64\x36\x08\x26\x7e",
    b"\x7e\x00\x36\x01\x03\xc5\x7e",
    b"\x7d\x7e",
    b"gpio read ",
    b"gpio writeall zz\r",
    b"gpio set -1\r",
    b"\xff\x01\x01",
    b"\xff\x09\x00",
    b"\xff\xff",
    b"A250\r",
    b"O\rX\r",
    b"f9999999999\r",
    b"1SP999.9\r1GO\r",
    b"#RS\r",
    b"ta+\r",
    b"t9\ru k\r",
    b"relay on 0\rrelay read 0\r",
    b"relay read Z\r",
    b"relay writeall zz\r",
    b"OUT_SP_00_8.00\rSTART\r",
    b"OUT_SP_08_01\r",
    b"OUT_SP_00_--.5\r",
    b"OUT_SP_00_nan\r",
    b"out_sp_00 8.0\r",
    b"out_mode_05 1\r",
    b"out_sp_00 1e9\r",
    bytes.fromhex("0902 0B".replace(" ", "")),
    bytes.fromhex("0B2701D007FA"),
    bytes.fromhex("0FFFFF"),
    bytes.fromhex("010600620BB82F56"),
    bytes.fromhex("0103006400068417"),
    bytes.fromhex("000100000006010200000010"),
    bytes.fromhex("00010000FFFF0102"),
    b"SOUR1:VOLT MAX;:OUTP1:LOAD INF;:OUTP1 ON\n",
    b"VOLT inf;OFFS nan;:BURS:NCYC;;*RST\n",
    b":CHAN9:RANG 1;:CHAN2:SCAL 1E-9;:MEAS:PHAS? CHAN7\n",
    b"RF:ON\nLEVEL:GAIN99999999\nPOWER:OFF\n",
]
LIVELY = {
    "tc-cxn": (bytes.fromhex("43004250000000000 0D5".replace(" ", "")), b"*"),
    "ismatec-reglo-icc": (b"1xA\r", b"4\r\n"),
    "keysight-34970a": (b"*OPC?\n", b"1\n"),
    "sensirion-slf3x": (bytes.fromhex("7E002500DA7E"), bytes.fromhex("7E0025")),
    "numato-gpio": (b"ver\r", b"ver\n\r00000008\n\r>"),
    "kmtronic-relay": (bytes.fromhex("FF0900"), b""),
    "numato-relay": (b"ver\r", b"ver\n\r00000008\n\r>"),
    "electrode-switch": (bytes.fromhex("FF0900"), b""),
    "lauda": (b"TYPE\r", b"PRO\r\n"),
    "julabo": (b"version\r", b"JULABO FP51_SL VERSION 1.1\r\n"),
    "kuhne-kusg": (b"f?\r", b""),
    "watson-marlow-du": (b"1ZY\r", b"1ZY\r"),
    "omega-fob": (b"b\r", b"b:32.2\r*"),
    "ae-bus": (bytes.fromhex("08A2AA"), bytes.fromhex("060CA2")),
    "sairem-gms": (bytes.fromhex("0103006400068417"), bytes.fromhex("01030C")),
    "moxa-iologik": (bytes.fromhex("000100000006010200000010"), bytes.fromhex("0001000000050102")),
    "keysight-33500b": (b"OUTP1:LOAD 50;:OUTP1:LOAD?\n", b"+5.000000000000000E+01\n"),
    "ar-amplifier": (b"*IDN?\n", b"AR-RF/MICROWAVE-INST,600A400,1.0\n"),
    "infiniivision": (b"*OPC?\n", b"1\n"),
}
RESYNC = {
    "keysight-34970a": b"\x03*CLS\n",
    "tc-cxn": bytes(20),
    "sensirion-slf3x": b"\x7e\x7e",
    "kmtronic-relay": bytes(3),
    "electrode-switch": bytes(3),
    "ae-bus": b"",  # silence ends half a packet
    "sairem-gms": b"",
    "moxa-iologik": bytes(300),
    "keysight-33500b": b"\n",
    "ar-amplifier": b"\n",
    "infiniivision": b"\n",
}

pieces = st.lists(
    st.tuples(st.one_of(st.binary(max_size=40), st.sampled_from(WORDS)), st.floats(0.0, 3.0)), max_size=12
)


@pytest.mark.parametrize("model", sorted(MODELS))
@given(story=pieces)
def test_any_bytes(model: str, story: list[tuple[bytes, float]]) -> None:
    desk = Desk(model, dict(OPTIONS.get(model, {})))
    for data, pause_s in story:
        for delay_s, reply in desk.device.receive(data, desk.t_s):
            assert delay_s > 0.0
            assert isinstance(reply, bytes)
            assert reply
        desk.wait(pause_s)
    assert 0.0 <= desk.world.forward_w <= 300.0
    assert 0.0 <= desk.world.flow_ml_min <= 321.0  # the fastest pump: 400 rpm of 0.8 mL
    desk.wait(1.0)
    desk.ask(RESYNC.get(model, b"\r"))
    question, answer = LIVELY[model]
    assert desk.ask(question).startswith(answer)
