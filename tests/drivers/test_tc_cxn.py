"""T&C CXN: frames as printed, connecting, power."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.contract import BadReply, DeviceError, NoReply, Refused
from drivers.reflection import impedance_ohm
from drivers.tc_cxn import codec
from drivers.tc_cxn.driver import TcCxn
from drivers.tc_cxn.model import TcCxnOptions
from drivers.testing.links import RoughLink, ScriptedLink
from drivers.transport.port import LinkPort
from safety.types import Quality, Sample, Setpoint
from tests.drivers import tables as t
from tests.drivers.tables import h


def generator(link: t.CxnLink, **options: object) -> tuple[TcCxn, RoughLink]:
    rough = RoughLink(link)
    return TcCxn("gen", LinkPort(rough, "/dev/ttyUSB7"), TcCxnOptions.model_validate(options)), rough


def setpoint(driver: TcCxn, power_w: float) -> Setpoint:
    return Setpoint(power_w, driver.epoch, driver.port.now() + 0.15, "test")


def value(samples: list[Sample], channel: str) -> float:
    return next(s.value for s in samples if s.channel == f"gen.{channel}")


# ---- codec


@pytest.mark.parametrize(
    "command, first, expected",
    [
        (b"BC", 0x5555, t.CXN_CONTROL[0]),
        (b"BC", 0, h("43 00 42 43 00 00 00 00 00 C8")),
        (b"SA", 50, t.CXN_SET_50_W[0]),
        (b"BR", 0x5555, t.CXN_RF_ON[0]),
        (b"BR", 0, t.CXN_RF_OFF[0]),
        (b"GP", 0, t.CXN_GP_50_W[0]),
        (b"GS", 0, t.CXN_GS_RF_ON[0]),
        (b"Gi", 1, t.CXN_MODEL[0]),
        (b"SA", 200, h("43 00 53 41 00 C8 00 00 01 9F")),
    ],
)
def test_frames_as_printed(command: bytes, first: int, expected: bytes) -> None:
    assert codec.frame(command, first) == expected


def test_replies_as_printed() -> None:
    power = codec.power(codec.take_data(bytearray(t.CXN_GP_50_W[1]), 6) or b"")
    assert power == (50.0, 2.5, 47.5)
    state = codec.state(codec.take_data(bytearray(t.CXN_GS_RF_ON[1]), 8) or b"")
    assert codec.Status(state.status) == codec.Status.RF_ON | codec.Status.EXTERNAL_SOURCE
    assert (state.heatsink_c, state.mode, state.tuner) == (22.1, 4, 3)
    assert codec.take_text(bytearray(t.CXN_MODEL[1])) == "AG 0313 GTC"
    assert codec.limits(codec.take_data(bytearray(t.CXN_LIMITS[1]), 20) or b"") == (300.0, 70.0)
    assert codec.take_data(bytearray(t.CXN_CONTROL[1]), 2) == b"\x00\x01"


def test_no_reading_is_none_and_not_6553_5_w() -> None:
    assert codec.power(h("FF FF FF FF FF FF")) == (None, None, None)
    assert codec.power(h("FF FE 00 00 00 00"))[0] == 6553.4


@pytest.mark.parametrize(
    "reply, problem",
    [
        (h("2A 52 00 00 06 01 F4 00 19 01 DB 02 43"), "wrong sum"),
        (h("2A 52 00 00 02 00 01 00 55"), "2 bytes of data where 6"),
        (h("2A 53 00 00 06"), "no 'R'"),
        (h("41 52"), "neither"),
    ],
)
def test_bad_replies(reply: bytes, problem: str) -> None:
    with pytest.raises(BadReply, match=problem):
        codec.take_data(bytearray(reply), 6)


def test_question_mark_is_a_refusal() -> None:
    buffer = bytearray(b"?")
    with pytest.raises(Refused):
        codec.take_ack(buffer)
    assert not buffer


@pytest.mark.parametrize("cut", range(13))
def test_part_of_a_reply_is_not_yet_a_reply(cut: int) -> None:
    buffer = bytearray(t.CXN_GP_50_W[1][:cut])
    assert codec.take_data(buffer, 6) is None
    assert bytes(buffer) == t.CXN_GP_50_W[1][:cut]


@given(st.binary(max_size=60), st.integers(0, 24))
def test_codec_is_total(noise: bytes, length: int) -> None:
    for take in (codec.take_ack, codec.take_text, lambda b: codec.take_data(b, length)):
        try:
            take(bytearray(noise))
        except (BadReply, Refused):
            continue
    codec.skip_to_data(bytearray(noise), length)


@given(st.binary(max_size=40))
def test_marker_is_found_behind_anything_but_its_own_head(noise: bytes) -> None:
    noise = noise.replace(b"\x2a\x52", b"\x2a")
    noise = noise[:-1] if noise.endswith(b"\x2a") else noise
    buffer = bytearray(noise + t.CXN_FREQUENCY[1] + b"*")
    assert codec.skip_to_data(buffer, 4) == h("00 06 DD D0")
    assert buffer == b"*"


@given(st.binary(min_size=13, max_size=13))
def test_only_a_sound_sum_is_accepted(frame: bytes) -> None:
    frame = h("2A 52 00 00 06") + frame[5:]
    try:
        data = codec.take_data(bytearray(frame), 6)
    except BadReply:
        assert sum(frame[1:11]) != frame[11] << 8 | frame[12]
    else:
        assert data == frame[5:11]


# ---- impedance


@pytest.mark.parametrize(
    "forward_w, reverse_w, above, ohm",
    [
        (50.0, 0.0, True, 50.0),
        (50.0, 2.0, True, 75.0),  # |gamma| = 0.2
        (50.0, 2.0, False, 33.333),
        (40.0, 10.0, True, 150.0),  # |gamma| = 0.5
        (50.0, 50.0, True, 100_000.0),
        (50.0, 51.0, True, 100_000.0),
        (50.0, 50.0, False, 0.0),
        (1.9, 0.5, True, None),
    ],
)
def test_impedance(forward_w: float, reverse_w: float, above: bool, ohm: float | None) -> None:
    found = impedance_ohm(forward_w, reverse_w, 50.0, above=above)
    assert found == (None if ohm is None else pytest.approx(ohm, abs=1e-3))


# ---- connecting


@pytest.mark.virtual
async def test_connect_speaks_exactly_these_bytes() -> None:
    link = ScriptedLink(
        [
            t.CXN_GS_OFF, t.CXN_MODEL, t.CXN_SERIAL, t.CXN_FIRMWARE, t.CXN_FREQUENCY, t.CXN_LIMITS, t.CXN_GS_OFF,
            t.CXN_CONTROL, t.CXN_GS_OFF, t.CXN_RF_OFF, t.CXN_SET_0_W, t.CXN_GL_0_W, t.CXN_LIMIT_200_W,
            t.CXN_GP_50_W, t.CXN_GS_ON,
        ]
    )  # fmt: skip
    driver = TcCxn("gen", LinkPort(link, "/dev/ttyUSB7"), TcCxnOptions(power_limit_w=200))
    identity = await driver.connect()
    assert (identity.model, identity.serial, identity.firmware) == ("AG 0313 GTC", "A12", "1.2 / RF 3.4")
    declaration = driver.declaration()
    assert declaration.power_max_w == 200
    assert declaration.frequency_hz == 450_000
    assert declaration.native_deadman_s == 2.0
    samples = await driver.poll()
    link.done()
    assert value(samples, "forward_power_w") == 50.0
    assert value(samples, "reverse_power_w") == 2.5
    assert value(samples, "power_w") == 47.5
    assert value(samples, "impedance_ohm") == pytest.approx(78.8, abs=0.1)
    assert value(samples, "rf_on") == 1.0
    assert value(samples, "heatsink_c") == 22.1
    assert value(samples, "control_on") == 1.0
    assert value(samples, "interlock_open_flag") == 0.0
    await driver.close()


@pytest.mark.virtual
async def test_generator_found_on_is_turned_off_and_refused() -> None:
    link = t.CxnLink()
    link._turn(True)
    driver, _ = generator(link)
    with pytest.raises(DeviceError, match="was on when we connected; it has been turned off"):
        await driver.connect()
    assert not link.rf_on
    assert h("43 00 42 52 00 00 00 00 00 D7") in link.written
    await driver.connect()  # the second time it is quiet


@pytest.mark.virtual
async def test_generator_found_on_that_ignores_off_is_said_so() -> None:
    link = t.CxnLink(CXN_GS_OFF=t.CXN_GS_ON[1], CXN_RF_OFF=b"*")
    driver, _ = generator(link)
    with pytest.raises(DeviceError, match="could NOT be turned off"):
        await driver.connect()


@pytest.mark.virtual
@pytest.mark.parametrize(
    "overrides, options, problem",
    [
        ({"CXN_GL_0_W": h("2A 52 00 00 02 01 F4 01 49")}, {}, "set-point stays at 50.0 W"),
        ({"CXN_CONTROL": h("2A 52 00 00 02 00 00 00 54")}, {}, "does not give us control"),
        ({"CXN_GS_OFF": h("2A 52 00 00 08 40 00 00 DD 00 01 00 01 01 79")}, {}, "analog interface"),
        ({}, {"serial": "B77"}, "expected serial number 'B77', found 'A12'"),
        ({}, {"model": "AG 0613"}, "expected AG 0613, found 'AG 0313 GTC'"),
        ({}, {"power_limit_w": 400}, "power_limit_w is 400 W, this AG 0313 GTC gives 300 W"),
    ],
)
async def test_what_must_not_be_connected_to(
    overrides: dict[str, bytes], options: dict[str, object], problem: str
) -> None:
    driver, _ = generator(t.CxnLink(**overrides), **options)
    with pytest.raises(DeviceError, match=problem):
        await driver.connect()


# ---- power


@pytest.mark.virtual
async def test_apply_sets_then_turns_on_and_each_only_once() -> None:
    driver, link = generator(t.CxnLink())
    await driver.connect()
    first = len(link.written)
    await driver.apply(setpoint(driver, 50.9))
    await driver.apply(setpoint(driver, 50.0))
    await driver.apply(setpoint(driver, 20.0))
    await driver.apply(setpoint(driver, 0.99))
    await driver.apply(setpoint(driver, 0.0))
    assert [w.data for w in link.written[first:]] == [
        t.CXN_SET_50_W[0],
        t.CXN_RF_ON[0],
        h("43 00 53 41 00 14 00 00 00 EB"),
        t.CXN_RF_OFF[0],
        t.CXN_SET_0_W[0],
    ]


@pytest.mark.virtual
async def test_too_much_is_refused_not_clamped() -> None:
    driver, link = generator(t.CxnLink(), power_limit_w=200)
    await driver.connect()
    first = len(link.written)
    with pytest.raises(Refused, match=r"200\.5 W is above"):
        await driver.apply(setpoint(driver, 200.5))
    assert len(link.written) == first


@pytest.mark.virtual
async def test_on_is_never_repeated_blindly() -> None:
    """P6: the acknowledgement of "on" is lost; nothing is sent upwards until a status has told what became of it."""
    table = t.CxnLink()
    driver, link = generator(table)
    await driver.connect()
    table.table[t.CXN_RF_ON[0]] = lambda: table._turn(True) and b""
    with pytest.raises(NoReply):
        await driver.apply(setpoint(driver, 50.0))
    first = len(link.written)
    with pytest.raises(Refused, match="not known until its next status"):
        await driver.apply(setpoint(driver, 50.0))
    assert len(link.written) == first
    for _ in range(2):
        await driver.poll()
    await driver.apply(setpoint(driver, 50.0))
    assert t.CXN_RF_ON[0] not in [w.data for w in link.written[first:]]


@pytest.mark.virtual
async def test_output_that_went_off_by_itself_stays_off() -> None:
    table = t.CxnLink()
    driver, _ = generator(table)
    await driver.connect()
    await driver.apply(setpoint(driver, 50.0))
    await asyncio.sleep(0.3)
    table._turn(False)
    for _ in range(2):
        await driver.poll()
    with pytest.raises(Refused, match="went off by itself"):
        await driver.apply(setpoint(driver, 50.0))
    assert not table.rf_on
    await driver.apply(setpoint(driver, 0.0))
    await driver.apply(setpoint(driver, 50.0))
    assert table.rf_on


@pytest.mark.virtual
async def test_output_that_came_on_by_itself_is_turned_off_by_a_zero() -> None:
    table = t.CxnLink()
    driver, _ = generator(table)
    await driver.connect()
    await asyncio.sleep(0.3)
    table._turn(True)
    samples = [*await driver.poll(), *await driver.poll()]
    assert value(samples, "rf_on") == 1.0
    await driver.apply(setpoint(driver, 0.0))
    assert not table.rf_on


@pytest.mark.virtual
async def test_off_while_apply_waits_for_its_acknowledgement() -> None:
    """Without any revocation: an apply that began before an off does not turn on after it."""
    table = t.CxnLink()
    driver, link = generator(table)
    await driver.connect()
    link.delay_s = 0.02
    applying = asyncio.ensure_future(driver.apply(setpoint(driver, 50.0)))
    await asyncio.sleep(0.001)
    await driver.off()
    with pytest.raises(Refused):
        await applying
    assert not table.rf_on
    assert t.CXN_RF_ON[0] not in table.written


@pytest.mark.virtual
async def test_off_without_control_takes_control() -> None:
    table = t.CxnLink()
    driver, _ = generator(table)
    await driver.connect()
    table.table[t.CXN_RF_OFF[0]] = [b"?", b"*"]
    await driver.off()
    assert table.written[-4:] == [t.CXN_RF_OFF[0], t.CXN_CONTROL[0], t.CXN_RF_OFF[0], t.CXN_SET_0_W[0]]


@pytest.mark.virtual
async def test_control_lapses_after_two_silent_seconds_and_is_taken_again_at_rest() -> None:
    table = t.CxnLink()
    driver, _ = generator(table)
    await driver.connect()
    await asyncio.sleep(2.1)
    samples = await driver.poll()
    assert value(samples, "control_on") == 0.0
    assert table.written[-1] == t.CXN_CONTROL[0]
    samples = [*await driver.poll(), *await driver.poll()]
    assert value(samples, "control_on") == 1.0


@pytest.mark.virtual
async def test_control_that_lapsed_under_power_needs_an_off() -> None:
    table = t.CxnLink()
    driver, _ = generator(table)
    await driver.connect()
    await driver.apply(setpoint(driver, 50.0))
    await asyncio.sleep(2.1)
    await driver.poll()
    assert table.written[-1] != t.CXN_CONTROL[0]
    with pytest.raises(Refused, match="went off by itself"):
        await driver.apply(setpoint(driver, 50.0))


@pytest.mark.virtual
async def test_no_reading_is_bad() -> None:
    driver, _ = generator(t.CxnLink(CXN_GP_0_W=t.CXN_NO_POWER_READING[1]))
    await driver.connect()
    samples = await driver.poll()
    assert [s.quality for s in samples[:3]] == [Quality.BAD] * 3
    assert all(s.value != s.value for s in samples[:3])
    assert not any(s.channel == "gen.impedance_ohm" for s in samples)


@pytest.mark.virtual
async def test_safe_off_plan_as_bytes() -> None:
    driver, _ = generator(t.CxnLink())
    await driver.connect()
    plan = driver.safe_off_plan()
    assert plan.off == (t.CXN_RF_OFF[0], t.CXN_RF_OFF[0], t.CXN_SET_0_W[0])
    assert (plan.reopen, plan.baud) == ("/dev/ttyUSB7", 38400)
    status, power = plan.readbacks
    assert status.query == t.CXN_GS_OFF[0]
    assert status.proves_off(t.CXN_GS_OFF[1])
    assert not status.proves_off(t.CXN_GS_RF_ON[1])
    assert not status.proves_off(t.CXN_GP_0_W[1] + t.CXN_GP_0_W[1])
    assert power.query == t.CXN_GP_0_W[0]
    assert power.proves_off(t.CXN_GP_0_W[1])
    assert not power.proves_off(t.CXN_GP_50_W[1])
    for half in (t.CXN_RF_ON[0], t.CXN_SET_50_W[0]):
        for cut in range(1, 10):
            spoilt = (half[:cut] + plan.resync)[:10]
            assert sum(spoilt[:8]) != spoilt[8] << 8 | spoilt[9], f"{cut} bytes and filler make a command"
