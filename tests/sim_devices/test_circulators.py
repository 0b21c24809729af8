"""Circulators that fail, as their replies show it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sim_devices.desk import Desk

MINUTE_S = 60.0


class Bath:
    """A running circulator at its set-point of 8 degC in a room of 22 degC."""

    def __init__(self, model: str, **options: Any) -> None:
        self.desk = Desk(model, {"start_c": 8.0, "lag_s": 10.0, "standing_s": 100.0, **options})
        self.julabo = model == "julabo"
        for command in ("out_sp_00 8.00", "out_mode_05 1") if self.julabo else ("OUT_SP_00_8.0", "START"):
            self.ask(command)
        self.desk.wait(2 * MINUTE_S)

    def ask(self, line: str) -> str:
        self.desk.wait(0.3)
        return self.desk.ask(line.encode() + b"\r").decode().strip()

    def begin(self, fault: str, value: float = 1.0) -> None:
        self.desk.device.set_fault(fault, "", value, self.desk.t_s)

    def end(self, fault: str) -> None:
        self.desk.device.clear_fault(fault, "", self.desk.t_s)

    @property
    def bath_c(self) -> float:
        return float(self.ask("in_pv_00" if self.julabo else "IN_PV_00"))

    @property
    def runs(self) -> bool:
        return self.ask("in_mode_05") == "1" if self.julabo else self.ask("IN_MODE_02") == "0"


@pytest.fixture(params=["lauda", "julabo"])
def bath(request: pytest.FixtureRequest) -> Bath:
    return Bath(request.param)


def test_nothing_is_wrong_at_first(bath: Bath) -> None:
    bath.desk.wait(MINUTE_S)
    assert (bath.bath_c, bath.runs) == (8.0, True)


def test_a_cooler_that_is_off_lets_the_bath_drift_to_the_room(bath: Bath) -> None:
    bath.begin("cooler_off")
    bath.desk.wait(MINUTE_S)
    assert bath.bath_c == pytest.approx(22.0 - 14.0 * 0.5469, abs=0.05)  # exp(-60.3/100)
    assert bath.runs
    assert bath.desk.world.coolant_c == pytest.approx(bath.bath_c, abs=0.2)
    bath.end("cooler_off")
    bath.desk.wait(2 * MINUTE_S)
    assert bath.bath_c == pytest.approx(8.0, abs=0.02)


def test_a_cooler_that_is_off_does_not_hinder_the_heater(bath: Bath) -> None:
    bath.begin("cooler_off")
    bath.ask("out_sp_00 30.00" if bath.julabo else "OUT_SP_00_30.0")
    bath.desk.wait(2 * MINUTE_S)
    assert bath.bath_c == pytest.approx(30.0, abs=0.02)


def test_a_set_point_that_is_not_reached(bath: Bath) -> None:
    bath.begin("undercooled", 6.0)
    bath.desk.wait(2 * MINUTE_S)
    assert bath.bath_c == pytest.approx(14.0, abs=0.02)
    assert bath.ask("in_sp_00" if bath.julabo else "IN_SP_00") in ("8.00", "008.00")


def test_a_heater_that_is_stuck_heats_to_its_cut_out(bath: Bath) -> None:
    bath.begin("heater_stuck", 30.0)
    bath.desk.wait(MINUTE_S)
    assert bath.bath_c == pytest.approx(38.15, abs=0.05)
    bath.desk.wait(10 * MINUTE_S)
    assert bath.bath_c == 95.0


def test_a_low_level_is_an_alarm_and_ends_the_cooling(bath: Bath) -> None:
    status = "status" if bath.julabo else "STATUS"
    assert bath.ask(status) in ("03 REMOTE START", "0")
    bath.begin("low_level")
    bath.desk.wait(MINUTE_S)
    assert bath.ask(status) == ("-01 LOW LEVEL ALARM" if bath.julabo else "-1")
    assert bath.julabo or bath.ask("STAT") == "1000100"
    assert bath.bath_c > 13.0
    bath.end("low_level")
    assert bath.ask(status) in ("03 REMOTE START", "0")
    bath.desk.wait(2 * MINUTE_S)
    assert bath.bath_c == pytest.approx(8.0, abs=0.02)


def test_somebody_at_the_panel_of_a_julabo() -> None:
    bath = Bath("julabo")
    bath.begin("panel", 20.0)
    assert bath.ask("status") == "01 MANUAL START"
    assert bath.ask("out_sp_00 8.00") == ""
    assert bath.ask("status") == "-09 COMMAND NOT ALLOWED IN CURRENT OPERATING MODE"
    bath.desk.wait(2 * MINUTE_S)
    assert bath.bath_c == pytest.approx(20.0, abs=0.02)
    bath.end("panel")
    bath.ask("out_sp_00 8.00")
    bath.desk.wait(2 * MINUTE_S)
    assert (bath.ask("status"), bath.bath_c) == ("03 REMOTE START", 8.0)


def test_somebody_at_the_panel_of_a_lauda() -> None:
    bath = Bath("lauda")
    bath.begin("panel", 20.0)
    assert bath.ask("OUT_SP_00_8.0") == "ERR_36"
    assert bath.ask("IN_SP_00") == "020.00"
    bath.desk.wait(2 * MINUTE_S)
    assert bath.bath_c == pytest.approx(20.0, abs=0.02)
    bath.end("panel")
    assert bath.ask("OUT_SP_00_8.0") == "OK"
