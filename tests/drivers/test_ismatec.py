"""Ismatec Reglo ICC: number formats, events, starting and stopping."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.contract import BadReply, DeviceError, Refused
from drivers.ismatec_reglo_icc import codec
from drivers.ismatec_reglo_icc.driver import IsmatecOptions, IsmatecRegloIcc
from drivers.testing.links import TableLink
from drivers.transport.port import LinkPort
from tests.drivers.tables import ISMATEC_AT_REST


def pump(**changes: object) -> tuple[IsmatecRegloIcc, TableLink]:
    link = TableLink({**ISMATEC_AT_REST, **{k.encode() + b"\r": v for k, v in changes.items()}})
    return IsmatecRegloIcc("pump", LinkPort(link, "memory"), IsmatecOptions()), link


@pytest.mark.parametrize(
    "value, text",
    [(32.5, b"3250+1"), (1.3e-3, b"1300-3"), (300.0, b"3000+2"), (80.0, b"8000+1"), (1.0, b"1000+0")],
)
def test_volume2_as_printed(value: float, text: bytes) -> None:
    assert codec.volume2(value) == text


@pytest.mark.parametrize("line, value", [(b"3250E+1", 32.5), (b"1300E-3", 1.3e-3), (b"3000E+2", 300.0)])
def test_volume1_as_printed(line: bytes, value: float) -> None:
    assert codec.volume1(line) == pytest.approx(value)


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf"), 1e12])
def test_numbers_the_pump_cannot_write(value: float) -> None:
    with pytest.raises(ValueError, match="number format"):
        codec.volume2(value)


@given(st.floats(1e-6, 1e6))
def test_volumes_keep_four_digits(value: float) -> None:
    text = codec.volume2(value)
    assert codec.volume1(text[:4] + b"E" + text[4:]) == pytest.approx(value, rel=5.1e-4)


@pytest.mark.parametrize("line", [b"138.0", b"ml/min", b"-1.0 ml/min", b"nan ml/min", b"138,0 ml/min"])
def test_not_a_flow(line: bytes) -> None:
    with pytest.raises(BadReply):
        codec.flow_text(line)


def test_flow_text_as_printed() -> None:
    assert codec.flow_text(b"138.0 ml/min") == 138.0


EVENT = b"^U3|A|0000000000|0000100000|0000\r\n"


def test_status_needs_no_terminator_and_events_are_skipped() -> None:
    assert codec.take_status(bytearray(b"+")) == b"+"
    assert codec.take_status(bytearray(EVENT + b"^X2|A\r\n-")) == b"-"
    assert codec.take_status(bytearray(b"100000|0000\r\n*")) == b"*"  # the tail of one that began before the request
    assert codec.take_status(bytearray(EVENT[:-1])) is None


def test_lines_skip_events_and_refusals_need_no_terminator() -> None:
    assert codec.take_line(bytearray(EVENT + b"1300E-3\r\n")) == b"1300E-3"
    assert codec.take_line(bytearray(b"1300E-3\r")) is None
    with pytest.raises(Refused):
        codec.take_line(bytearray(b"#"))


@given(st.binary(max_size=200))
def test_codec_is_total(noise: bytes) -> None:
    for take in (codec.take_status, codec.take_done, codec.take_running, codec.take_line):
        try:
            take(bytearray(noise))
        except (BadReply, Refused):
            continue
    codec.skip_to_name(bytearray(noise))
    for decode in (codec.volume1, codec.flow_text):
        try:
            decode(noise)
        except BadReply:
            continue


@pytest.mark.virtual
async def test_connect_asks_for_channel_addressing_only_when_it_is_off() -> None:
    driver, link = pump()
    identity = await driver.connect()
    assert (identity.model, identity.serial, identity.firmware) == ("REGLO ICC 0208 306", "306000123", "0114")
    assert driver.declaration().flow_max_ml_min == 138.0
    assert b"1~1\r" not in link.written
    driver, link = pump(**{"1~": b"0\r\n"})
    await driver.connect()
    assert b"1~1\r" in link.written


@pytest.mark.virtual
async def test_run_sets_verifies_and_starts_once() -> None:
    driver, link = pump()
    await driver.connect()
    link.written.clear()
    await driver.run(80.0)
    assert link.written == [b"1f8000+1\r", b"1E\r", b"1H\r"]
    link.table[b"1E\r"] = b"+"
    link.written.clear()
    await driver.run(80.0)  # a second start would be an error to the pump
    assert link.written == [b"1E\r"]
    await driver.run(0.0)
    assert link.written[-1] == b"1I\r"
    assert not link.unknown


@pytest.mark.virtual
async def test_a_pump_that_does_not_start_says_why() -> None:
    driver, _ = pump(**{"1H": b"-"})
    await driver.connect()
    with pytest.raises(Refused, match=r"does not start: R 1386E-1"):
        await driver.run(80.0)


@pytest.mark.virtual
async def test_another_flow_than_asked_for_is_refused() -> None:
    driver, link = pump(**{"1f8000+1": b"7900E+1\r\n"})
    await driver.connect()
    with pytest.raises(Refused, match="made 79 mL/min of 80 mL/min"):
        await driver.run(80.0)
    assert b"1H\r" not in link.written


@pytest.mark.virtual
async def test_poll_through_events() -> None:
    driver, _ = pump(**{"1E": EVENT + b"+", "1f": EVENT + b"8000E+1\r\n"})
    await driver.connect()
    samples = {s.channel: s.value for s in await driver.poll()}
    assert samples == {"pump.running_on": 1.0, "pump.flow_set_ml_min": 80.0}
    assert [s.channel for s in await driver.poll()] == ["pump.running_on"]


@pytest.mark.virtual
async def test_a_running_pump_is_not_stopped_by_connecting() -> None:
    driver, link = pump(**{"1E": b"+"})
    await driver.connect()
    assert not {b"1I\r", b"1M\r", b"1J\r"} & set(link.written)
    driver, _ = pump(**{"1E": b"+", "1xM": b"N\r\n"})
    with pytest.raises(DeviceError, match="not in flow mode"):
        await driver.connect()


@pytest.mark.virtual
async def test_another_device_is_named() -> None:
    driver, _ = pump(**{"1#": b"MCP STANDARD REGLO 2\r\n"})
    with pytest.raises(DeviceError, match="expected REGLO ICC, found 'MCP STANDARD REGLO 2'"):
        await driver.connect()
