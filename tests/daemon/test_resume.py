"""What is continued, and what is not: from the record, never guessed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from controller.daemon.resume import Found, Part, delivered_before, search
from controller.laws.base import Delivered
from controller.laws.constant_power import ConstantPowerParams
from safety.limits import Bound
from tests.daemon.recorded import record

NOW = "2026-03-01T12:00:00.000Z"
BEGUN = {"number": 3, "target": None, "index": None, "protocol": "short", "sha256": "ab", "resumes": None}
DELIVERED = {"on_time_s": 100.0, "energy_j": 4000.0, "rolloffs": 2, "stage": 1}
ENDED = {
    **BEGUN,
    "result": "aborted",
    "dose_known": True,
    "energy_j": 4000.0,
    "delivered": DELIVERED,
    "charged_j": 4200.0,
    "charged_s": 101.0,
}


def found(**changes: Any) -> Found:
    fields = {"session": "S", "bench_sha256": "be", "begun": BEGUN, "ended": ENDED, "age_s": 60.0, **changes}
    return Found(**fields)


def reasons(one: Found, *, sha256: str = "ab", bench_sha256: str = "be", however_old: bool = False) -> list[str]:
    with pytest.raises(ValueError, match="application 3 of session S is not continued") as raised:
        one.part(sha256=sha256, bench_sha256=bench_sha256, however_old=however_old)
    return [
        line.removeprefix("application 3 of session S is not continued: ") for line in str(raised.value).split("\n")
    ]


def test_what_is_continued():
    part = found().part(sha256="ab", bench_sha256="be", however_old=False)
    assert part == Part("S", 3, Delivered(100.0, 4000.0, 2, 1), 4200.0, 101.0)
    assert part.as_dict()["delivered"] == DELIVERED


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (found(ended={**ENDED, "result": "completed"}), "it was completed"),
        (
            found(ended={**ENDED, "dose_known": False}),
            "its end was not measured, so nobody knows what it delivered (4000 J are)",
        ),
        (found(age_s=9000.0), "it ended 2.5 h ago; where the place is the same all the same, say --however-old"),
        (found(age_s=-5.0), "it ended at a time that this clock cannot tell; where the place is the same"),
        (found(age_s=None), "it ended at a time that this clock cannot tell; where the place is the same"),
        (
            found(ended=None, recorded_j=812.4),
            "its daemon ended in the middle of it, so nobody knows what it delivered (recorded until then: 812 J)",
        ),
    ],
)
def test_what_is_not(one: Found, why: str):
    (told,) = reasons(one)
    assert told.startswith(why)


def test_every_reason_is_named():
    one = found(ended=None, age_s=9000.0)
    assert len(reasons(one, sha256="cd")) == 3
    assert reasons(found(), sha256="cd") == ["the protocol is not the one that it ran with"]
    assert reasons(found(), sha256="cd", bench_sha256="xx") == ["the bench file is not the one that it ran with"]


def test_age_is_no_reason_for_who_knows_better():
    assert found(age_s=9000.0).part(sha256="ab", bench_sha256="be", however_old=True).number == 3
    assert len(reasons(found(ended=None, age_s=9000.0), however_old=True)) == 1


@pytest.mark.parametrize(
    ("age_s", "apart_c"), [(60.0, 31.5), (3600.0, 31.5), (3601.0, None), (-1.0, None), (None, None)]
)
def test_tissue_of_an_hour_ago_is_cold(age_s: float | None, apart_c: float | None):
    one = found(age_s=age_s, ended={**ENDED, "apart_c": 31.5})
    assert one.part(sha256="ab", bench_sha256="be", however_old=True).apart_c == apart_c
    assert found(age_s=age_s).part(sha256="ab", bench_sha256="be", however_old=True).apart_c is None


def test_the_newest_of_this_bench_protocol_and_target_is_found(tmp_path: Path):
    other = {**BEGUN, "protocol": "other"}
    there = {**BEGUN, "target": "t1", "number": 5}
    record(tmp_path, 1, "2026-03-01T11:00:00.000Z", [("application", BEGUN), ("application_end", ENDED)])
    record(tmp_path, 2, "2026-03-01T11:30:00.000Z", [("application", there), ("application", other)])
    record(tmp_path, 3, "2026-03-01T11:40:00.000Z", [("application", BEGUN)], bench="another")
    mine = record(tmp_path, 4, "2026-03-01T11:50:00.000Z", [("application", BEGUN)])
    (tmp_path / "broken.ablate").write_text("no session")
    one = search(tmp_path, "b", "short", None, besides=mine, utc=NOW)
    assert one is not None
    assert one.ended is not None
    assert (one.begun["number"], one.bench_sha256, one.age_s) == (3, "be", 3600.0)
    killed = search(tmp_path, "b", "short", "t1", besides=mine, utc=NOW)
    assert killed is not None
    assert (killed.ended, killed.recorded_j, killed.begun["number"]) == (None, 100.0, 5)
    assert search(tmp_path, "b", "short", "t2", besides=mine, utc=NOW) is None


def test_limits_count_what_was_delivered():
    part = found().part(sha256="ab", bench_sha256="be", however_old=False)
    bounds = {"energy_j": Bound(10_000.0, "bench"), "on_time_s": Bound(720.0, "protocol"), "tip_c": Bound(60.0, "x")}
    name, limits = delivered_before(part, bounds)
    assert name == "delivered before"
    assert (limits.energy_j, limits.on_time_s, limits.tip_c) == (5800.0, 619.0, None)
    spent = {"on_time_s": Bound(101.0, "protocol")}
    why = r"nothing is left of the limit on_time_s of 101 s \(protocol\): 101 s were delivered"
    with pytest.raises(ValueError, match=why):
        delivered_before(part, spent)


def test_a_law_is_shortened_by_the_time_that_was_delivered():
    params = ConstantPowerParams(kind="constant-power", power_w=30.0, duration_s=720.0)
    assert params.remaining(Delivered(100.0, 0.0, 0, 0)).duration_s == 620.0
    with pytest.raises(ValueError, match="nothing is left: 720 s of 720 s"):
        params.remaining(Delivered(720.0, 0.0, 0, 0))
