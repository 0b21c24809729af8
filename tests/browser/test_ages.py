"""How old the page says that its data are: by the daemon's clock and its own, which drift, and never by a guess."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.operator import Operator
from tests.browser.pages import Pages
from tests.browser.showing import Showing

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

AGES = """
async ([statuses, tick_hz]) => {
  const { Stream } = await import("/static/stream.js");
  const store = Object.create(Stream.prototype);
  store.clear();
  Object.assign(store, { phase: "live", bench: { tick_hz } });
  const real = performance.now;
  try {
    return statuses.map(([arrives_ms, t_s, daemon]) => {
      performance.now = () => arrives_ms;
      store._take({ status: { state: "SAFE", t_s, pids: daemon === null ? undefined : { daemon } } });
      return [Math.round(store.age_ms()), store.fresh];
    });
  } finally {
    delete performance.now;
    if (performance.now !== real) performance.now = real;
  }
}
"""
"""The stream's own arithmetic, on statuses that arrive when we say."""


def ages(
    page: Page, statuses: Sequence[tuple[float, float, int | None]], tick_hz: float = 20.0
) -> list[tuple[int, bool]]:
    """Age in ms at each arrival, and whether it counts as fresh; a status is (arrives at, ms; of, s; whose)."""
    told: list[Any] = page.evaluate(AGES, [statuses, tick_hz])
    return [(age_ms, fresh) for age_ms, fresh in told]


@pytest.fixture
def page(cooled: Showing, pages: Pages) -> Page:
    """Any page of the panel."""
    opened = pages(cooled.where.link(viewer=True))
    Operator(opened).sees("SAFE")
    return opened


def test_what_was_held_up_is_as_old_as_it_is(page: Page) -> None:
    steady = [(1000.0 + 50 * n, 500.0 + 0.05 * n, 1) for n in range(20)]
    held = [(5000.0 + n, steady[-1][1] + 0.05 * (1 + n), 1) for n in range(40)]  # all at once, after three seconds
    told = ages(page, [*steady, *held])
    assert told[19] == (0, True)
    assert told[20][0] == pytest.approx(2980, abs=20)
    assert not told[20][1]
    assert [age_ms for age_ms, _ in told[20:]] == sorted((age_ms for age_ms, _ in told[20:]), reverse=True)


@pytest.mark.parametrize("drift", [5e-4, -5e-4], ids="{:+g}".format)
@pytest.mark.parametrize("tick_hz", [20.0, 1.0])
def test_clocks_that_drift_apart_make_nothing_old(page: Page, tick_hz: float, drift: float) -> None:
    """A viewer behind a tunnel for twenty minutes: its clock runs as fast as another computer's may at most."""
    step_s = max(1.0 / tick_hz, 0.5)  # of two a second: the others add nothing
    statuses = [(1000 * n * step_s * (1 + drift), 500.0 + n * step_s, 1) for n in range(round(1200 / step_s))]
    told = ages(page, statuses, tick_hz)
    assert max(age_ms for age_ms, _ in told) <= 40
    assert all(fresh for _, fresh in told)


@pytest.mark.parametrize("first_s", [501.0, 9000.0, 3.0])
def test_another_daemon_has_a_clock_of_its_own(page: Page, first_s: float) -> None:
    """In BOOT it tells neither its pid nor a time; the panel then tells its own."""
    before = [(1000.0 + 50 * n, 500.0 + 0.05 * n, 1) for n in range(20)]
    boot = [(3000.0 + 50 * n, 502.0 + 0.05 * n, None) for n in range(5)]
    after = [(3250.0 + 50 * n, first_s + 0.05 * n, 2) for n in range(20)]
    assert all(told == (0, True) for told in ages(page, [*before, *boot, *after]))


def test_a_bench_that_ticks_slowly_is_not_stale_between_two_ticks(page: Page) -> None:
    told = page.evaluate(
        """async () => {
          const { Stream } = await import("/static/stream.js");
          return [undefined, 200, 20, 5, 2, 1].map((tick_hz) => {
            const store = Object.create(Stream.prototype);
            store.bench = tick_hz && { tick_hz };
            return store.stale_ms;
          });
        }"""
    )
    assert told == [500, 500, 500, 500, 1250, 2500]
