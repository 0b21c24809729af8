"""The checklist, whole, and each step with the fault that it is there for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from controller.commissioning.run import CHECKS, result_of
from controller.commissioning.table import PROVEN_S, dummy_w, steps, table
from controller.config.loading import load_bench
from controller.records.reader import open_session
from safety.rules import Timing
from sim.rehearsal import Rehearsal
from tests.commissioning.rehearsed import commissioned

BENCHES = Path(__file__).parents[2] / "examples" / "benches"


def test_a_good_bench_passes_every_step_and_fires_three_times(tmp_path: Path) -> None:
    done = commissioned(tmp_path)
    assert {name: row["result"] for name, row in done.items()} == dict.fromkeys(done, "passed")
    assert len(done) == 14
    assert result_of([*done.values()]) == "passed"
    assert done["estop"]["seen"][:2] == ["inputs.estop_a_closed: 1 -> 0", "inputs.estop_b_closed: 1 -> 0"]
    assert "50 ms after the E-stop's contact still was closed" in done["estop-under-power"]["seen"][1]
    fires = 0
    for path in tmp_path.rglob("*.ablate"):
        with open_session(path) as session:
            fires += len(session.events("fire"))
            assert max(session.series("gen.power_w").value) < 1.3 * dummy_w(load_bench("cooled-rf-sim").bench)
    assert fires == 3


def welded(channel: str) -> Callable[[Rehearsal, str, str], bool | None]:
    return lambda run, thing, how: True if thing == channel else None


@pytest.mark.parametrize(
    "only, hands, faults, said",
    [
        ("estop", welded("inputs.estop_a_closed"), (), "inputs.estop_a_closed stayed closed"),
        ("door", welded("inputs.door_closed"), (), "inputs.door_closed stayed closed"),
        ("footswitch", welded("inputs.foot_nc_closed"), (), "inputs.foot_nc_closed stayed closed"),
        ("footswitch", lambda *_: None, ("inputs.foot_stuck",), "inputs.foot_no_closed is 1 at rest, 0 expected"),
        ("estop", lambda *_: None, ("inputs.estop",), "inputs.estop_a_closed is 0 at rest, 1 expected"),
        ("sensor-1", lambda *_: True, (), "it did not rise"),
        ("coolant", lambda *_: True, (), "NOT NOTICED"),
        ("coolant", lambda *_: None, ("load.line_off",), "NOT ready"),
        ("obeys-off", lambda *_: None, ("enable.weld",), "the line is STILL CLOSED after it"),
        ("obeys-off", lambda *_: None, ("gen.ignore_off",), "TRIP H04"),
        ("obeys-off", lambda *_: None, ("gen.readback_zero",), "10 W asked for"),
        ("obeys-off", lambda *_: None, ("gen.over_deliver=1.6",), "10 W asked for"),
        ("estop-under-power", lambda *_: True, (), "no trip"),
    ],
)
def test_what_must_not_pass_fails_and_says_what_was_seen(
    only: str, hands: Callable[..., bool | None], faults: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    row = commissioned(tmp_path, only=[only], hands=hands, faults=faults)[only]
    print(row["seen"])
    assert row["result"] == "failed"
    assert any(said in seen for seen in row["seen"])


def test_swapped_thermocouples_are_named(tmp_path: Path) -> None:
    swapped = {"tc.tip_c": "tc.tissue_10mm_c"}

    def hands(run: Rehearsal, thing: str, how: str) -> bool | None:
        if thing in swapped:
            spec = f"{swapped[thing]}.bias=6"
            (run.sim.add_fault if how == "warm" else run.sim.clear_fault)(spec)
            return True
        return None

    row = commissioned(tmp_path, only=["sensor-1"], hands=hands)["sensor-1"]
    assert row["result"] == "failed"
    assert any("tc.tissue_10mm_c rose by" in seen and "swapped" in seen for seen in row["seen"])


def test_no_energy_after_a_failure_and_none_without_a_word(tmp_path: Path) -> None:
    done = commissioned(tmp_path, only=["estop", "obeys-off"], hands=welded("inputs.estop_b_closed"))
    assert (done["obeys-off"]["result"], done["obeys-off"]["seen"]) == ("skipped", ["no energy while estop has failed"])
    done = commissioned(tmp_path / "b", only=["obeys-off"], no="dummy load")
    assert done["obeys-off"]["result"] == "skipped"
    for path in tmp_path.rglob("*.ablate"):
        with open_session(path) as session:
            assert session.events("arm") == session.events("fire") == []


def test_a_relay_without_a_time_of_its_own_does_not_pass_the_watchdogs_death(tmp_path: Path) -> None:
    """A generator with a dead-man is allowed such a relay; that it stays closed must be known."""
    text = load_bench("cooled-rf-sim").document.text.replace(", native_timeout_s: 2.0", "")
    bench = tmp_path / "bench.yaml"
    bench.write_text(text)
    row = commissioned(tmp_path, str(bench), only=["watchdog"])["watchdog"]
    assert row["result"] == "failed"
    assert "enable declares no time of its own: it stays as it is when nobody speaks to it" in row["seen"]


@pytest.mark.parametrize("bench", ["microwave-sairem-sim", "single-needle-rf-sim", "microwave-thermosphere-sim"])
def test_other_benches_have_the_steps_of_their_roles(bench: str, tmp_path: Path) -> None:
    done = commissioned(tmp_path, str(BENCHES / f"{bench}.yaml"))
    assert {name: row["result"] for name, row in done.items()} == dict.fromkeys(done, "passed"), done
    assert ("coolant" in done) is (bench != "single-needle-rf-sim")
    assert ("line-at-rest" in done) is (bench != "microwave-sairem-sim")


@pytest.mark.parametrize("bench", ["expandable-rf-sim", "expandable-rolloff-sim"])
def test_a_chain_fires_again_half_a_second_later(bench: str, tmp_path: Path) -> None:
    """In between the enable line takes its amplifier out of operation, and the amplifier tells that a second late."""
    done = commissioned(tmp_path, str(BENCHES / f"{bench}.yaml"), only=["obeys-off", "estop-under-power"])
    assert {name: row["result"] for name, row in done.items()} == dict.fromkeys(done, "passed"), done
    assert done["estop-under-power"]["seen"][0] == "TRIP H66 estop: E-stop is pressed"
    (path,) = tmp_path.rglob("*.ablate")
    with open_session(path) as session:
        end, (_, second) = session.events("complete")[0].t_s, (event.t_s for event in session.events("fire"))
        assert 0.4 < second - end < 0.8
        power, tripped = session.series("gen.power_w"), session.events("trip")[0].t_s
        after = [w for t, w in zip(power.t_s, power.value, strict=True) if second < t < tripped - 0.2]
        assert max(after) > 5.0
        assert all(w >= 0.0 for w in after), "no reading, before the E-stop took the power away"


def test_the_table_is_whole() -> None:
    rows = table()
    assert {row.check for row in rows} == set(CHECKS)
    assert len({row.step for row in rows}) == len(rows)
    assert [row.energy for row in rows] == sorted(row.energy for row in rows), "energy comes last"
    assert Timing().off_c2_s == PROVEN_S
    made = steps(load_bench("cooled-rf-sim").bench)
    assert not any("{" in text for step in made for text in (step.do, step.see, step.undo))
    assert "tc.coolant_in_c" in [step.channels[0] for step in made if step.check == "warms"]
