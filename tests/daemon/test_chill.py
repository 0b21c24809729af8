"""The circulator follows the protocol, and coolant that is not cold yet is no coolant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.config import setup as setups
from controller.daemon.coolant import Chill, holding_back
from controller.perform import NotReady
from controller.records.reader import SessionFile
from drivers.contract import BadReply, ChannelSpec, Circulator, Declaration, Identity, LinkLost, Options, Refused
from safety.types import Sample, State
from sim import rehearsal
from tests.config.support import BENCH, spoiled


class Bath(Circulator):
    """Does as it is told, unless there is ``trouble``."""

    MODEL = "bath"

    def __init__(self) -> None:
        self.name, self.options = "chiller", Options()
        self.told: list[float | None] = []
        self.trouble: Exception | None = None

    def declaration(self) -> Declaration:
        return Declaration("bath", "chiller", ())

    async def connect(self) -> Identity:
        return Identity("bath")

    async def poll(self) -> list[Sample]:
        return []

    async def regulate(self, temperature_c: float | None) -> None:
        self.told.append(temperature_c)
        if self.trouble is not None:
            raise self.trouble


async def test_a_wish_is_told_once_and_no_wish_is_told_only_after_one() -> None:
    bath = Bath()
    chill = Chill(bath)
    for wish_c in (None, None, 8.0, 8.0, 12.0, None, None):
        chill.wish_c = wish_c
        await chill.follow()
    assert bath.told == [8.0, 12.0, None]


@pytest.mark.parametrize("trouble", [Refused("panel in charge"), BadReply("noise")])
async def test_a_failure_is_tried_again_and_does_not_cost_the_reading(trouble: Exception) -> None:
    bath = Bath()
    chill = Chill(bath)
    chill.wish_c, bath.trouble = 8.0, trouble
    for _ in range(3):
        await chill.follow()
        assert chill.trouble == str(trouble)
    chill.wish_c, bath.trouble = None, None
    await chill.follow()
    assert (bath.told, chill.trouble) == ([8.0, 8.0, 8.0, None], "")


async def test_a_set_point_that_is_not_taken_is_told_to_the_kernel() -> None:
    bath = Bath()
    chill = Chill(bath)
    assert chill.signs(1.0) == ()
    chill.wish_c, bath.trouble = 8.0, Refused("panel in charge")
    assert chill.signs(1.0) == (Sample("chiller.refused_flag", 1.0, 1.0),)  # not told yet
    await chill.follow()
    assert chill.signs(2.0) == (Sample("chiller.refused_flag", 1.0, 2.0),)
    bath.trouble = None
    await chill.follow()
    assert chill.signs(3.0) == (Sample("chiller.refused_flag", 0.0, 3.0),)
    chill.wish_c = 12.0
    assert chill.signs(4.0) == (Sample("chiller.refused_flag", 1.0, 4.0),)


def test_it_holds_back_until_fire_and_never_trips() -> None:
    channels = (ChannelSpec("bath_c", -100.0, 400.0, 1.0), ChannelSpec("alarm_flag", 0.0, 1.0, 1.0, two_valued=True))
    own, flags = holding_back("bath", Declaration("bath", "chiller", channels))
    assert (own.channel, own.low, own.high, own.age_limit_s) == ("bath.refused_flag", 0.0, 1.0, 1.0)
    assert [(flag.channel, flag.good, flag.hazard, flag.text) for flag in flags] == [
        (
            "bath.refused_flag",
            0.0,
            "H43",
            "bath has not taken its set-point: is remote control allowed at its panel, and this temperature?",
        ),
        ("bath.alarm_flag", 0.0, "H43", "bath signals an alarm: its display says which; clear it there"),
    ]
    for flag in flags:
        assert flag.inhibits_in == {State.PRECHECK, State.READY, State.ARMED}
        assert flag.trips_in == set()


async def test_a_cable_that_is_pulled_is_told() -> None:
    bath = Bath()
    chill = Chill(bath)
    chill.wish_c, bath.trouble = 8.0, LinkLost("gone")
    with pytest.raises(LinkLost):
        await chill.follow()


# ---- on the simulated bench, whole


def rehearsed(folder: Path, driver: str, start_c: float, *, enable: str = "kmtronic-relay") -> dict[str, Any]:
    chiller = f'  bath: {{driver: {driver}, port: "sim://bath"}}\n'
    bench = spoiled(
        spoiled(BENCH, "roles:\n", f"{chiller}roles:\n"), "  pump: pump\n", "  pump: pump\n  chiller: bath\n"
    )
    bench = spoiled(bench, "  tip: tc.tip_c\n", "  tip: tc.tip_c\n  coolant: bath.bath_c\n")
    bench = spoiled(bench, "driver: kmtronic-relay", f"driver: {enable}")
    bench = spoiled(bench, "  tissue_c: 115\n", "  tissue_c: 115\n  coolant_c: 35\n")
    bench += f"simulation: {{tissue: exvivo_bovine, seed: 1, devices: {{bath: {{start_c: {start_c}, lag_s: 10}}}}}}\n"
    protocol = {
        "protocol": "chilled",
        "source": "no publication: a protocol of the daemon's tests",
        "modality": "rf",
        "applicator": {"kind": "cooled-needle", "active_tip_mm": 30},
        "law": {"kind": "constant-power", "power_w": 20.0, "duration_s": 3.0},
        "cooling": {"flow_ml_min": 80, "prime_s": 0.5, "run_on_s": 1.0, "coolant_c": 8.0},
    }
    (folder / "bench.yaml").write_text(bench)
    (folder / "chilled.yaml").write_text(yaml.safe_dump(protocol, sort_keys=False))
    return rehearsal.rehearse(setups.load(str(folder / "bench.yaml"), str(folder / "chilled.yaml")), out=folder)


@pytest.mark.parametrize("driver", ["lauda", "julabo"])
def test_the_bath_is_cooled_before_and_while_energy_flows(tmp_path: Path, driver: str) -> None:
    result = rehearsed(tmp_path, driver, 14.0, enable="numato-relay")
    assert (result["result"], result["trip"]) == ("completed", None)
    with SessionFile(result["session_file"]) as session:
        bath, power = session.series("bath.bath_c"), session.series("gen.forward_power_w")
        limits = session.events("protocol")[0].data["limits"]
    assert limits["coolant_c"] == {"value": 13.0, "layer": "chiller"}
    assert bath.value[0] == pytest.approx(14.0, abs=0.1)
    fired_s = power.t_s[power.value > 5.0][0]
    assert max(bath.value[bath.t_s >= fired_s]) <= 13.0
    assert bath.value[-1] < 11.0


def test_coolant_that_is_not_cold_yet_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match=r"did not become ready: bath\.bath_c is \d+\.\d C, limit 13 C \(chiller\)"):
        rehearsed(tmp_path, "lauda", 60.0)
