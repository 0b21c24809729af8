"""How times are counted: never less than they were, at most a quarter more."""

import math

from hypothesis import given
from hypothesis import strategies as st

from controller.daemon.histogram import LAST, Histogram, upper_s


def test_nothing_counted_is_nothing() -> None:
    assert Histogram().as_dict() == {"count": 0, "sum_s": 0.0, "p50_s": 0.0, "p99_s": 0.0, "p999_s": 0.0, "max_s": 0.0}
    assert Histogram().buckets() == []


def test_a_hundred_times_and_their_percentiles() -> None:
    times = Histogram()
    for k in range(1, 101):
        times.add(k * 1e-3)
    assert times.as_dict() == {
        "count": 100,
        "sum_s": 5.05,
        "p50_s": 0.057344,
        "p99_s": 0.1,
        "p999_s": 0.1,
        "max_s": 0.1,
    }


def test_edges_of_buckets() -> None:
    assert [upper_s(bucket) for bucket in (0, 1, 2, 3, 4, 5)] == [1e-6, 1.25e-6, 1.5e-6, 1.75e-6, 2e-6, 2.5e-6]
    assert math.isclose(upper_s(LAST - 1), 16.777216) and upper_s(LAST) == math.inf


def test_what_is_shorter_or_longer_than_all_buckets_is_counted() -> None:
    times = Histogram()
    for took_s in (-1e-9, 0.0, 1e-7, 40.0):
        times.add(took_s)
    assert times.buckets() == [(1e-6, 3), (math.inf, 4)]
    assert times.max_s == 40.0
    assert times.quantile_s(1.0) == 40.0


@given(st.lists(st.floats(2e-6, 16.0), min_size=1, max_size=50), st.floats(0.01, 1.0))
def test_a_percentile_is_never_too_low_and_at_most_a_quarter_too_high(seen: list[float], share: float) -> None:
    times = Histogram()
    for took_s in seen:
        times.add(took_s)
    exact_s = sorted(seen)[math.ceil(share * len(seen)) - 1]
    assert exact_s <= times.quantile_s(share) <= 1.25001 * exact_s
    assert times.buckets()[-1][1] == times.count == len(seen)
