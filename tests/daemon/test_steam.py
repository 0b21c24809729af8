"""Tissue that is about to boil is told, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from controller.config import setup as setups
from controller.daemon.alarms import Alarms, Priority
from controller.daemon.describe import hazards
from controller.daemon.steam import Rising, Steam
from controller.records.reader import open_session
from safety.types import Outputs, Quality, Sample
from sim import rehearsal
from tests.daemon.test_alarms import out

NEAR = "tc.near_c"


def heated(
    start_c: float, rise_c_per_s: float, seconds: float, *, period_s: float = 0.5, powered: bool = True
) -> list[Rising | None]:
    """What is told of a sensor that rises so."""
    steam = Steam((NEAR,))
    return [
        steam.follow({NEAR: Sample(NEAR, start_c + rise_c_per_s * k * period_s, k * period_s)}, powered)
        for k in range(int(seconds / period_s) + 1)
    ]


def test_hot_and_rising_for_three_seconds() -> None:
    found = heated(84.0, 2.0, 5.0)
    assert [rising is not None for rising in found] == [False] * 6 + [
        True
    ] * 5  # from 3 s on; 89 C were reached at 2.5 s
    assert found[6] == (NEAR, 90.0, 2.0)


def test_not_before_89_degrees() -> None:
    found = heated(79.0, 2.0, 6.0)
    assert [rising is not None for rising in found] == [False] * 10 + [True] * 3


@pytest.mark.parametrize(("rise_c_per_s", "told"), [(1.5, True), (1.49, False), (-3.0, False), (0.0, False)])
def test_so_quickly(rise_c_per_s: float, told: bool) -> None:
    assert (heated(100.0, rise_c_per_s, 4.0)[-1] is not None) is told


def test_without_power_nothing_is_told() -> None:
    assert heated(95.0, 3.0, 6.0, powered=False) == [None] * 13


def test_once_told_it_stays_told_until_half_as_quick() -> None:
    steam = Steam((NEAR,))
    value_c, told = 92.0, []
    for k in range(30):
        value_c += 1.0 if k < 10 else 0.4 if k < 20 else 0.3  # 2, 0.8 and 0.6 C/s
        told.append(steam.follow({NEAR: Sample(NEAR, value_c, 0.5 * k)}, True) is not None)
    assert told == [False] * 6 + [True] * 15 + [False] * 9


def test_a_sensor_that_is_not_read_begins_anew_and_the_quickest_is_named() -> None:
    steam, named = Steam((NEAR, "tc.far_c")), []
    for k in range(16):
        bad = Quality.BAD if k == 4 else Quality.GOOD
        near, far = Sample(NEAR, 90.0 + 2.0 * k, 0.5 * k, bad), Sample("tc.far_c", 90.0 + k, 0.5 * k)
        rising = steam.follow({NEAR: near, "tc.far_c": far}, True)
        named.append(rising.channel if rising is not None else "")
    assert named == [""] * 6 + ["tc.far_c"] * 5 + [NEAR] * 5


def test_a_sample_that_is_seen_twice_is_one() -> None:
    steam = Steam((NEAR,))
    told = [steam.follow({NEAR: Sample(NEAR, 90.0 + k // 4, 0.5 * (k // 4))}, True) for k in range(40)]
    assert [rising is not None for rising in told] == [False] * 24 + [True] * 16


def test_the_alarm_comes_and_goes_with_it() -> None:
    alarms = Alarms(hazards(), "rf", (NEAR,))
    lists: list[list[str] | None] = []
    for k in range(20):
        seen = {NEAR: Sample(NEAR, min(88.0 + k, 98.0), 0.5 * k)}
        lists.append(alarms.follow(out(), (), 0.5 * k, powered=True, snapshot=seen))
        if lists[-1] == ["steam"]:
            (alarm,) = alarms.listed()
            assert (alarm.priority, alarm.where, alarm.value) == (Priority.MEDIUM, NEAR, 94.0)
            assert alarm.text == f"{NEAR} rises by 2.0 C/s at 94 C: steam may burst out"
    assert [told for told in lists if told is not None] == [["steam"], []]
    assert isinstance(out(), Outputs)


BENCH = Path(__file__).parents[2] / "controller" / "data" / "benches" / "cooled-rf-sim.yaml"


def test_a_sensor_beside_the_needle_at_full_power(tmp_path: Path) -> None:
    bench = yaml.safe_load(BENCH.read_text())
    bench["devices"]["tc"]["options"]["channels"][102] = "tissue_3mm_c"
    bench["roles"]["tissue"] = ["tc.tissue_3mm_c", "tc.tissue_20mm_c"]
    protocol = {
        "protocol": "steady",
        "source": "no publication: a protocol of the daemon's tests",
        "modality": "rf",
        "applicator": {"kind": "cooled-needle", "active_tip_mm": 30},
        "law": {"kind": "constant-power", "power_w": 190.0, "duration_s": 22.0},
        "cooling": {"flow_ml_min": 80, "prime_s": 0.5, "run_on_s": 1.0},
    }
    for name, data in (("bench", bench), ("protocol", protocol)):
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(data, sort_keys=False))
    setup = setups.load(str(tmp_path / "bench.yaml"), str(tmp_path / "protocol.yaml"))
    result = rehearsal.rehearse(setup, out=tmp_path / "out")
    assert (result["result"], result["trip"]) == ("completed", None)
    with open_session(result["session_file"]) as session:
        lists = [event.data["list"] for event in session.events("alarms")]
    assert lists == [["steam"], []]
