"""T&C AG/CXN against the recorded exchanges of independent clients, and against its own dead-man."""

from __future__ import annotations

import pytest

from tests.sim_devices.desk import Desk

CONTROL = "43 00 42 43 55 55 00 00 01 72"
RELEASE = "43 00 42 43 00 00 00 00 00 C8"
PING = "43 00 42 50 00 00 00 00 00 D5"
SET_50W = "43 00 53 41 00 32 00 00 01 09"
RF_ON = "43 00 42 52 55 55 00 00 01 81"
RF_OFF = "43 00 42 52 00 00 00 00 00 D7"
GET_POWER = "43 00 47 50 00 00 00 00 00 DA"
GET_STATUS = "43 00 47 53 00 00 00 00 00 DD"
GET_SETPOINT = "43 00 47 4C 00 00 00 00 00 D6"


def firing(ohm: float = 50.0, **options: object) -> Desk:
    desk = Desk("tc-cxn", dict(options), ohm)
    for frame in (CONTROL, SET_50W, RF_ON):
        desk.hex(frame)
    desk.wait(0.1)
    return desk


def test_control_is_granted_and_released() -> None:
    desk = Desk("tc-cxn")
    assert desk.hex(CONTROL) == "2A 52 00 00 02 00 01 00 55"
    assert desk.hex(RELEASE) == "2A 52 00 00 02 00 00 00 54"


def test_recorded_acknowledgements() -> None:
    desk = Desk("tc-cxn")
    desk.hex(CONTROL)
    assert [desk.hex(frame) for frame in (PING, SET_50W, RF_ON, RF_OFF)] == ["2A"] * 4


def test_status_has_four_words() -> None:
    desk = firing(settle_s=0.001)
    status = bytes.fromhex(desk.hex(GET_STATUS))
    assert status[:5].hex() == "2a52000008"
    assert int.from_bytes(status[5:7], "big") == 0x0001
    assert int.from_bytes(status[9:11], "big") == 1


def test_identity_and_ratings_as_recorded_by_pymeasure() -> None:
    desk = Desk("tc-cxn", {"frequency_hz": 13_560_000})
    assert desk.hex("43 00 47 69 00 01 00 00 00 F4") == (
        "2A 52 00 00 10 00 01 41 47 20 30 33 31 33 20 47 54 43 20 20 00 03 10"
    )
    assert desk.hex("43 00 47 70 00 00 00 00 00 FA") == (
        "2A 52 00 00 14 34 F8 0B B8 FF FF FF FF FF FF FF FF FF FF FF FF 34 F8 02 BC 10 33"
    )
    assert desk.hex("43 00 47 46 00 00 00 00 00 D0") == "2A 52 00 00 04 00 CE E8 C0 02 CC"


def test_set_commands_need_control() -> None:
    desk = Desk("tc-cxn")
    assert desk.hex(SET_50W) == "3F"
    assert desk.hex(RF_ON) == "3F"
    assert desk.hex(GET_SETPOINT) == "2A 52 00 00 02 00 00 00 54"


def test_bad_checksum_and_unknown_command_are_refused() -> None:
    desk = Desk("tc-cxn")
    assert desk.hex("43 00 42 50 00 00 00 00 00 D6") == "3F"
    assert desk.hex("43 00 5A 5A 00 00 00 00 00 F7") == "3F"


def test_power_settles_within_some_time_constants() -> None:
    desk = Desk("tc-cxn", {"settle_s": 0.012})
    desk.hex(CONTROL)
    desk.hex(SET_50W)
    desk.hex(RF_ON)
    assert desk.world.forward_w < 20.0
    desk.wait(0.020)
    assert 35.0 < desk.world.forward_w < 47.0
    desk.wait(0.080)
    assert desk.world.forward_w == 50.0
    assert 4.2 < desk.world.energy_j < 4.6  # 50 W x (0.1 s - 12 ms)


def test_off_takes_no_time() -> None:
    desk = firing()
    seen: list[tuple[float, str, float]] = []
    desk.device.on_power = lambda *change: seen.append(change)
    desk.hex(RF_OFF)
    assert seen == [(0.1, "dev", 0.0)]


def test_powers_in_tenths_of_a_watt_and_a_clean_zero() -> None:
    desk = firing(ohm=100.0)
    reply = bytes.fromhex(desk.hex(GET_POWER))
    forward, reverse, load = (int.from_bytes(reply[i : i + 2], "big") for i in (5, 7, 9))
    assert 490 < forward < 510
    assert 50 < reverse < 62  # |gamma|^2 = 1/9
    assert load == forward - reverse
    desk.hex(RF_OFF)
    assert desk.hex(GET_POWER) == "2A 52 00 00 06 00 00 00 00 00 00 00 58"


def test_silence_of_more_than_two_seconds_ends_control_and_power() -> None:
    desk = firing()
    desk.wait(1.89)
    assert desk.world.forward_w == 50.0
    desk.wait(0.02)
    assert desk.world.forward_w == 0.0
    assert desk.hex(SET_50W) == "3F"
    assert desk.hex(GET_SETPOINT) == "2A 52 00 00 02 00 00 00 54"


def test_any_frame_keeps_control() -> None:
    desk = firing()
    for _ in range(5):
        desk.wait(1.85)
        assert desk.hex(PING) == "2A"
    assert desk.world.forward_w == 50.0


def test_damaged_frames_do_not_keep_control() -> None:
    desk = firing()
    desk.wait(1.5)
    desk.hex("43 00 42 50 00 00 00 00 00 D6")
    desk.wait(0.6)
    assert desk.world.forward_w == 0.0


def test_interlock_drops_rf_and_says_so() -> None:
    desk = firing()
    desk.device.set_interlock(False, desk.t_s)
    assert desk.world.forward_w == 0.0
    assert bytes.fromhex(desk.hex(GET_STATUS))[5:7] == b"\x08\x00"
    assert desk.hex(RF_ON) == "2A"
    desk.device.set_interlock(True, desk.t_s)
    desk.wait(0.1)
    assert desk.world.forward_w == 0.0
    desk.hex(RF_ON)
    desk.wait(0.1)
    assert desk.world.forward_w == 50.0


def test_reverse_power_is_folded_back_and_flagged() -> None:
    desk = firing(ohm=1e6, reverse_max_w=20.0)
    assert desk.world.reverse_w == pytest.approx(20.0, rel=1e-3)
    assert bytes.fromhex(desk.hex(GET_STATUS))[5:7] == b"\x02\x01"


def test_forward_limit() -> None:
    desk = firing()
    assert desk.hex("43 00 53 55 00 01 00 0A 00 F6") == "2A"  # SU 1, 10 W
    desk.wait(0.1)
    assert desk.world.forward_w == 10.0
    assert bytes.fromhex(desk.hex(GET_STATUS))[5:7] == b"\x01\x01"


@pytest.mark.parametrize("cut", range(1, 10))
def test_a_frame_may_arrive_in_two_pieces(cut: int) -> None:
    desk = Desk("tc-cxn")
    frame = bytes.fromhex(CONTROL)
    assert desk.ask(frame[:cut]) == b""
    desk.t_s += 0.01
    assert desk.ask(frame[cut:]).hex() == "2a520000020001" + "0055"


def test_frames_may_arrive_together() -> None:
    desk = Desk("tc-cxn")
    assert desk.hex(CONTROL + SET_50W + GET_SETPOINT) == ("2A 52 00 00 02 00 01 00 55 2A 2A 52 00 00 02 01 F4 01 49")


def test_zeros_spoil_a_half_written_frame_so_that_off_is_heard() -> None:
    desk = firing()
    desk.ask(bytes.fromhex(SET_50W)[:7])
    desk.ask(bytes(9) + bytes.fromhex(RF_OFF))
    assert desk.world.forward_w == 0.0


def test_replies_take_latency_and_line_time() -> None:
    desk = Desk("tc-cxn", {"latency_s": 0.001})
    ((delay_s, _),) = desk.device.receive(bytes.fromhex(GET_POWER), 0.0)
    assert delay_s == pytest.approx(0.001 + 23 * 10 / 38400)


def test_ramp_and_pulse_modes() -> None:
    desk = Desk("tc-cxn")
    desk.hex(CONTROL)
    assert desk.hex("43 00 53 4F 00 04 00 00 00 E9") == "2A"  # SO 4: ramp, from 1 W at 10 W/s
    desk.hex(SET_50W)
    desk.hex(RF_ON)
    desk.wait(1.0)
    assert 9.0 < desk.world.forward_w < 12.0
    desk.hex("43 00 53 4F 00 03 00 00 00 E8")  # pulse, half of the time
    desk.wait(0.2)
    assert desk.world.forward_w == 25.0


def test_faults() -> None:
    desk = firing()
    desk.device.set_fault("over_deliver", "", 1.5, desk.t_s)
    desk.wait(0.1)
    assert desk.world.forward_w == 75.0
    desk.device.clear_fault("over_deliver", "", desk.t_s)
    desk.device.set_fault("ignore_off", "", 1.0, desk.t_s)
    assert desk.hex(RF_OFF) == "2A"
    desk.wait(3.0)
    assert desk.world.forward_w == 50.0
    desk.device.set_interlock(False, desk.t_s)
    assert desk.world.forward_w == 0.0


def test_spontaneous_power_needs_no_control_but_the_interlock() -> None:
    desk = Desk("tc-cxn")
    desk.device.set_fault("spontaneous_on", "", 20.0, 0.0)
    desk.wait(0.1)
    assert desk.world.forward_w == 20.0
    assert bytes.fromhex(desk.hex(GET_STATUS))[5:7] == b"\x00\x01"
    desk.device.set_interlock(False, desk.t_s)
    assert desk.world.forward_w == 0.0


def test_readback_zero_and_deadman_off() -> None:
    desk = firing()
    desk.device.set_fault("readback_zero", "", 1.0, desk.t_s)
    assert desk.hex(GET_POWER) == "2A 52 00 00 06 00 00 00 00 00 00 00 58"
    desk.device.set_fault("deadman_off", "", 1.0, desk.t_s)
    desk.wait(5.0)
    assert desk.world.forward_w == 50.0
    desk.device.clear_fault("deadman_off", "", desk.t_s)
    desk.wait(0.01)
    assert desk.world.forward_w == 0.0
