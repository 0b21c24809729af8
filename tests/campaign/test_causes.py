"""What came first is known of every kind of run, and a detector that is taken out shows."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable

import pytest

import safety.config
from safety.monitors.base import Finding, Memory, Monitor, View
from sim.campaign import causes, plan, trial
from sim.campaign.benches import BENCHES
from sim.campaign.expected import find, injections
from sim.campaign.verdict import Seen, Verdict

ROW = {"case": "rf/pump.stall/steady/0us/1", "verdict": "OK", "why": "", "trip": "H38", "refused": ""}
SEEN = Seen(True, "", 1.0, 1.0, "H38", 1.4, "", 1.5, math.nan, 50.0, 100.0, "TRIPPED")
KERNEL = frozenset({"H04"})
"""What the kernel finds itself, and no monitor."""


def test_every_kind_of_run_is_in_the_lock_and_nothing_else() -> None:
    modalities = tuple(BENCHES)
    cases = [*plan.singles(modalities, seeds=(1,)), *plan.pairs(modalities)]
    wanted = {(causes.kind(case), case.phase) for case in cases if not find(case.fault, case.modality).benign}
    assert wanted == causes.shipped().keys()


def test_what_is_written_is_read() -> None:
    rows = [
        ROW,
        {**ROW, "case": "rf/pump.stall/boot/0us/1", "trip": "", "refused": "flow.flow_ml_min is 4.9 ml/min"},
        {
            **ROW,
            "case": "rf/pump.stall/precheck/0us/1",
            "trip": "",
            "refused": "the door is open; pump.x: no",
        },
        {**ROW, "case": "rf/pump.stall/steady/6250us/2", "trip": "H41"},
        {**ROW, "case": "rf/pump.stall/ramp/6250us/2", "trip": ""},
        {**ROW, "case": "mw/tc.tip.bias=50+enable.weld/ramp/0us/1", "trip": "H45"}
        | {"case": "rf/tc.tip.bias=50+enable.weld/ramp/0us/1"},
        {**ROW, "case": "rf/nominal/steady/0us/1001", "trip": ""},
        {**ROW, "case": "rf/inputs.link.replay/steady/0us/1", "trip": ""},  # benign
        {**ROW, "case": "rf/pump.stall/steady/0us/1/gain0.8", "trip": "H99"},  # another world
    ]
    text = causes.text_of(rows)
    assert text.splitlines()[1:] == [
        "rf/pump.stall",
        "  boot: refused:flow.flow_ml_min",
        "  precheck: refused:the_door_is_open",
        "  ramp: nothing",
        "  steady: H38 H41",
        "rf/tc.tip.bias=50+enable.weld",
        "  ramp: H45",
    ]
    assert causes.read(text) == {
        ("rf/pump.stall", "boot"): {"refused:flow.flow_ml_min"},
        ("rf/pump.stall", "precheck"): {"refused:the_door_is_open"},
        ("rf/pump.stall", "ramp"): {"nothing"},
        ("rf/pump.stall", "steady"): {"H38", "H41"},
        ("rf/tc.tip.bias=50+enable.weld", "ramp"): {"H45"},
    }
    assert causes.text_of(reversed(rows)) == text


def test_a_campaign_with_a_failing_run_teaches_nothing() -> None:
    with pytest.raises(ValueError, match=r"rf/pump\.stall/steady/0us/1 is LATE: slow"):
        causes.text_of([ROW | {"verdict": "LATE", "why": "slow"}])


@pytest.mark.parametrize(
    ("key", "seen", "told"),
    [
        ("rf/pump.stall/steady/0us/1", {}, ""),
        ("rf/pump.stall/steady/0us/1", {"trip": "H41"}, "H41 came first, until now H38"),
        ("rf/pump.stall/steady/0us/1", {"trip": ""}, "nothing came first, until now H38"),
        ("rf/pump.stall/steady/0us/1", {"trip": "", "refused": "flow"}, "refused:flow came first, until now H38"),
        ("rf/pump.stall/steady/0us/7", {"trip": "H41"}, ""),  # no campaign in full has such a seed
        ("rf/pump.stall/steady/0us/1/delay2", {"trip": "H41"}, ""),
        ("rf/pump.stall/ramp/0us/1", {"trip": "H41"}, ""),  # nothing is known of it here
    ],
)
def test_another_cause_is_odd(key: str, seen: dict[str, str], told: str) -> None:
    known = causes.read("rf/pump.stall\n  steady: H38\n")
    assert causes.odd(plan.parse(key), SEEN._replace(**seen), known) == told  # type: ignore[arg-type]


# ---- every detector that ever comes first is missed when it is not there


@dataclasses.dataclass(frozen=True)
class Without(Monitor):
    """A monitor that has never heard of a hazard."""

    monitor: Monitor
    hazard: str

    def start(self) -> Memory:
        return self.monitor.start()

    def update(self, memory: Memory, view: View) -> tuple[Memory, Iterable[Finding]]:
        memory, found = self.monitor.update(memory, view)
        return memory, [finding for finding in found if finding.hazard != self.hazard]


def alone(hazard: str) -> str:
    """A run in which this hazard and no other comes first, under steady power where there is one."""
    runs = [(phase != "steady", name, phase) for (name, phase), told in causes.shipped().items() if told == {hazard}]
    _, name, phase = min(runs)
    bench, fault = name.split("/")
    return f"{bench}/{fault}/{phase}/0us/1"


ALL = set().union(*causes.shipped().values())
FIRST = sorted(name for name in ALL - KERNEL if name.startswith("H"))


def test_what_never_comes_first_is_what_the_manual_names() -> None:
    """docs/campaign.md says what is told in their place."""
    named = {hazard for row in injections() for hazard in row.hazards | row.early | row.ending}
    assert named - ALL == {"H05", "H47", "H49", "H57", "H62", "H63"}


@pytest.mark.parametrize("hazard", FIRST)
def test_a_detector_that_is_taken_out_shows(hazard: str, monkeypatch: pytest.MonkeyPatch) -> None:
    build, key = safety.config.build, alone(hazard)
    assert trial.run(plan.parse(key))[0] is Verdict.OK
    monkeypatch.setattr(safety.config, "build", lambda config: tuple(Without(m, hazard) for m in build(config)))
    verdict, why, _ = trial.run(plan.parse(key))
    assert verdict in (Verdict.MISSED, Verdict.WRONG_CAUSE, Verdict.LATE), f"{key}: {why}"
