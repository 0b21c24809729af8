"""What a generator says of itself when a law has come to its end."""

from __future__ import annotations

import pytest

from controller.daemon.ending import word
from safety.types import Quality, Sample
from tests.safety.rig import config

SINCE_S = 10.0  # 0 W was demanded; the response time is 0.3 s, the rated power 100 W
OFF = {"gen.power_w": 0.4, "gen.forward_power_w": 1.0, "gen.rf_on": 0.0}  # off is at most 1 W


def said(
    values: dict[str, float], t_request_s: float, now_s: float, quality: Quality = Quality.GOOD
) -> tuple[bool, str]:
    snapshot = {name: Sample(name, value, t_request_s, quality) for name, value in values.items()}
    off, against = word(config(), snapshot, SINCE_S, now_s)
    return off, against.channel if against is not None else ""


def test_every_channel_must_say_off_in_answer_to_a_later_request() -> None:
    assert said(OFF, 10.05, 10.1) == (True, "")
    assert said(OFF, 10.0, 10.1) == (False, "")
    assert said({**OFF, "gen.rf_on": 1.0}, 10.05, 10.1) == (False, "")
    assert said({**OFF, "gen.power_w": 1.1}, 10.05, 10.1) == (False, "")
    assert said({"gen.power_w": 0.0, "gen.rf_on": 0.0}, 10.05, 10.1) == (False, "")
    assert said(OFF, 10.05, 10.1, Quality.UNCERTAIN) == (False, "")


@pytest.mark.parametrize(
    ("t_request_s", "now_s", "against"),
    [(10.2, 10.29, ""), (10.2, 10.31, "gen.forward_power_w"), (10.15, 10.31, ""), (9.9, 11.0, "")],
)
def test_one_that_is_heard_has_its_response_time(t_request_s: float, now_s: float, against: str) -> None:
    assert said({**OFF, "gen.forward_power_w": 60.0}, t_request_s, now_s) == (False, against)


@pytest.mark.parametrize(
    ("power_w", "t_request_s", "now_s", "against"),
    [
        (200.0, 10.15, 10.17, False),  # 35 J last 0.175 s
        (200.0, 10.15, 10.18, True),
        (200.0, 10.08, 10.18, False),  # a question of the first half of that
        (200.0, 10.09, 10.18, True),
        (140.0, 10.2, 10.24, False),
        (140.0, 10.2, 10.26, True),
        (20.0, 10.2, 10.29, False),  # 35 J would last longer than the response time
        (20.0, 10.2, 10.31, True),
    ],
)
def test_the_proof_is_paid_in_joules(power_w: float, t_request_s: float, now_s: float, against: bool) -> None:
    heard = said({**OFF, "gen.power_w": power_w}, t_request_s, now_s)
    assert heard == (False, "gen.power_w" if against else "")


def test_a_flag_alone_is_no_power() -> None:
    assert said({**OFF, "gen.rf_on": 1.0}, 10.2, 10.29) == (False, "")
    assert said({**OFF, "gen.rf_on": 1.0}, 10.2, 10.31) == (False, "gen.rf_on")


def test_the_greatest_of_its_powers_counts() -> None:
    assert said({**OFF, "gen.power_w": 50.0, "gen.forward_power_w": 200.0}, 10.1, 10.18) == (False, "gen.power_w")
    assert said({**OFF, "gen.power_w": 50.0}, 10.1, 10.18) == (False, "")


def test_what_is_not_heard_says_nothing() -> None:
    assert said({}, 10.2, 12.0) == (False, "")
    assert said({**OFF, "gen.power_w": float("nan")}, 10.2, 10.31, Quality.BAD) == (False, "")
    assert said({**OFF, "gen.power_w": float("nan")}, 10.2, 10.31) == (False, "gen.power_w")
