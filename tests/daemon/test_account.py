"""The account of one application."""

from __future__ import annotations

import math

from controller.daemon.account import Account
from safety.types import Outputs, Permit, Quality, Sample, State, Trip

TRIP = Trip("H38", "flow", "flow", "flow.flow_ml_min", 3.0, 40.0, 0.05, 101.0, "flow low", "the tube")


def out(state: State, trip: Trip | None = None) -> Outputs:
    permit = Permit(0.0, 0.0, 1, state)
    return Outputs(state, permit, True, False, False, trip)


def power(t_s: float, watts: float, quality: Quality = Quality.GOOD) -> dict[str, Sample]:
    return {"gen.power_w": Sample("gen.power_w", watts, t_s, quality)}


def test_energy_is_the_integral_over_request_times() -> None:
    account = Account(fired_s=100.0)
    account.follow(out(State.FIRING), power(100.0, 10.0), "gen", 100.02)
    account.follow(out(State.FIRING), power(100.0, 10.0), "gen", 100.07)  # the same sample again
    account.follow(out(State.FIRING), power(101.0, 30.0), "gen", 101.02)
    account.follow(out(State.FIRING), power(101.5, math.nan), "gen", 101.52)
    account.follow(out(State.FIRING), power(101.6, 500.0, Quality.BAD), "gen", 101.62)
    account.follow(out(State.STOPPING), power(102.0, 30.0), "gen", 102.02)
    result = account.result(None)
    assert result["energy_j"] == 50.0  # 20 J + 30 J
    assert result["result"] == "completed"
    assert result["duration_s"] == 2.02


def test_time_to_off_runs_from_the_trip_to_a_sample_that_proves_it() -> None:
    account = Account(fired_s=100.0)
    account.follow(out(State.FIRING), power(100.95, 100.0), "gen", 101.0)
    account.follow(out(State.STOPPING, TRIP), power(100.99, 100.0), "gen", 101.05)
    account.follow(out(State.STOPPING, TRIP), power(101.09, 0.0), "gen", 101.1)
    result = account.result(TRIP)
    assert result["result"] == "tripped"
    assert result["time_to_off_s"] == 0.04
    assert result["trip"]["t_s"] == 1.0
    assert result["energy_after_fault_j"] == 5.0  # half of 100 W for 0.1 s


def test_a_stop_that_a_person_asked_for_is_an_abort() -> None:
    account = Account(fired_s=100.0)
    account.follow(out(State.FIRING), power(100.5, 50.0), "gen", 100.5)
    account.stop_asked("enough")
    account.follow(out(State.STOPPING), power(100.6, 0.0), "gen", 100.6)
    assert account.result(None)["result"] == "aborted"
    assert account.result(None)["reason"] == "enough"
