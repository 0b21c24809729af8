"""The line of live values of run, start and status."""

from __future__ import annotations

from controller.live_view import line


def test_the_second_sensor_in_tissue_is_named_by_its_channel() -> None:
    status = {"state": "SAFE", "values": {"tissue_c": [21.0, 22.0]}}
    evidence = {"tissue_c[0]": {"channel": "tc.tissue_5mm_c"}, "tissue_c[1]": {"channel": "tc.tissue_15mm_c"}}
    assert "tissue 21.0 °C  tissue_15mm 22.0 °C" in line({**status, "evidence": evidence})
    assert "tissue 21.0 °C  tissue 2 22.0 °C" in line(status)


def test_no_value_is_a_negative_zero() -> None:
    told = line({"state": "SAFE", "setpoint_w": -0.0, "values": {"flow_ml_min": -0.3, "power_w": -0.04, "tip_c": -3.2}})
    assert "flow 0 mL/min" in told
    assert "P 0.0 W (set 0 W)" in told
    assert "tip -3.2 °C" in told
