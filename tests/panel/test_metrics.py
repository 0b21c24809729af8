"""``/metrics``: in the published format, fresh values only, and to nobody without a token."""

from __future__ import annotations

import asyncio
import math
import re
from pathlib import Path
from typing import Any

import pytest

from controller.daemon.histogram import Histogram
from controller.panel.exposition import EDGES_S, Distribution, Exposition
from safety.types import State
from tests.panel.prometheus import Family, read, series
from tests.panel.rig import TOKENS, Rig, rigged
from tests.panel.scraping import Looked, Seen, manual, scraped


async def test_a_bench_is_told_whole(short_dir: Path, seen: Seen, now: None) -> None:
    status, look = seen
    async with rigged(short_dir, operator=Looked(seen)) as rig:
        found = await scraped(rig)
    assert found["openablate_up"].of() == 1
    (info,) = found["openablate_build_info"].samples
    labels = dict(info[1])
    assert (labels["bench"], labels["simulated"], labels["version"] > "") == ("cooled-rf", "true", True)
    assert found["openablate_state"].by("state") == {state.value: float(state is State.SAFE) for state in State}
    assert found["openablate_setpoint_watts"].of() == 0.0
    assert found["openablate_permit_watts"].of() == status["permit_w"]
    assert found["openablate_energy_joules"].of() == status["energy_j"]
    assert (found["openablate_trip_latched"].of(), sum(found["openablate_alarms"].by("priority").values())) == (0, 0)
    assert found["openablate_ticks_total"].of() > 0 == found["openablate_late_ticks_total"].of()
    assert found["openablate_record_healthy"].of() == 1
    assert 0 <= found["openablate_record_age_seconds"].of() < 1
    for name, unit in (("power_watts", "_w"), ("temperature_celsius", "_c")):
        wanted = {
            channel: each["value"]
            for channel, each in look["channels"].items()
            if channel.endswith(unit) and each["good"]
        }
        assert found[f"openablate_{name}"].by("channel") == wanted and wanted
    assert found["openablate_sample_age_seconds"].by("channel").keys() == look["channels"].keys()
    assert found["openablate_realtime_priority"].of() == found["openablate_memory_locked"].of() == 0
    assert not [name for name in found if "mqtt" in name]


async def test_distributions_are_those_of_the_daemon(short_dir: Path, seen: Seen, now: None) -> None:
    times = seen[1]["times"]
    async with rigged(short_dir, operator=Looked(seen)) as rig:
        found = await scraped(rig)
    polls = {labels["device"]: (total, count) for labels, _, total, count in told(found, "openablate_poll_seconds")}
    assert polls == {
        name.removeprefix("poll "): (each["sum_s"], each["count"])
        for name, each in times.items()
        if name.startswith("poll ")
    }
    assert {"gen", "pump"} < polls.keys()
    for name, key in (("tick_lateness", "lateness"), ("tick_cost", "tick")):
        ((_, buckets, _, count),) = told(found, f"openablate_{name}_seconds")
        assert count == times[key]["count"] > 40
        assert [edge for edge, _ in buckets] == [*EDGES_S, math.inf]


def told(found: dict[str, Family], name: str) -> list[Any]:
    assert found[name].kind == "histogram"
    return list(series(name, found[name]))


def test_a_bucket_counts_what_is_at_most_its_edge() -> None:
    taken, times_s = Histogram(), [0.0, 3e-6, 7.9e-6, 9e-6, 0.002, 0.05, 1.0, 20.0, 100.0]
    for time_s in times_s:
        taken.add(time_s)
    told = [[edge if math.isfinite(edge) else None, count] for edge, count in taken.buckets()]
    out = Exposition()
    out.histogram("x_seconds", "Test.", [({"device": "a"}, Distribution(told, taken.count, taken.sum_s))])
    ((labels, buckets, total, count),) = series("x_seconds", read(out.text())["x_seconds"])
    assert labels == {"device": "a"}
    assert buckets == [(edge, sum(time_s <= edge for time_s in times_s)) for edge in (*EDGES_S, math.inf)]
    assert (total, count) == (sum(times_s), len(times_s))


def test_words_of_devices_are_escaped_and_what_is_no_number_is_left_out() -> None:
    out = Exposition()
    out.gauge("a", 'back\\slash\nand "line"', ({"x": 'say "\\n"\n'}, 1.5), ({"x": "b"}, math.nan), ({"x": "c"}, None))
    out.gauge("b", "Nothing is known.", ({}, None))
    out.gauge("c", "Much.", ({}, math.inf), ({"x": "less"}, -math.inf))
    text = out.text()
    assert text.splitlines()[0] == '# HELP a back\\\\slash\\nand "line"'
    found = read(text)
    assert found["a"].by("x") == {'say "\\n"\n': 1.5}
    assert found["c"].samples.keys() == {("c", frozenset()), ("c", frozenset({("x", "less")}))}
    assert "b" not in found


async def test_an_old_or_bad_sample_has_an_age_and_no_value(short_dir: Path, seen: Seen, now: None) -> None:
    status, look = seen
    channels = {name: dict(each) for name, each in look["channels"].items()}
    temperatures = [name for name, each in channels.items() if name.endswith("_c") and each["good"]]
    old, bad, *fresh = temperatures
    channels[old]["age_s"], channels[bad]["good"] = 60.0, False
    channels["gen.impedance_ohm"] = {"value": 97.5, "t_s": 1.0, "age_s": 0.1, "good": True}
    async with rigged(short_dir, operator=Looked((status, {**look, "channels": channels}))) as rig:
        found = await scraped(rig)
    assert set(found["openablate_temperature_celsius"].by("channel")) == set(fresh)
    assert found["openablate_impedance_ohms"].by("channel") == {"gen.impedance_ohm": 97.5}
    assert found["openablate_sample_age_seconds"].of(channel=old) == 60.0


async def test_a_daemon_that_does_not_answer_is_down_and_nothing_else_is_told(short_dir: Path, now: None) -> None:
    async with rigged(short_dir, daemon=False) as rig:
        found = await scraped(rig)
    assert found.keys() == {"openablate_up", "openablate_build_info"}
    assert found["openablate_up"].of() == 0


async def test_one_that_has_only_begun_is_up_in_boot(short_dir: Path, seen: Seen, now: None) -> None:
    boot = {"ok": True, "state": "BOOT"}
    refused = {"ok": False, "error": "the daemon has only begun", "state": "BOOT"}
    async with rigged(short_dir, operator=Looked((boot, refused))) as rig:
        found = await scraped(rig)
    assert (found["openablate_up"].of(), found["openablate_state"].of(state="BOOT")) == (1, 1)
    assert "openablate_permit_watts" not in found and "openablate_tick_lateness_seconds" not in found


async def test_mqtt_and_trip_and_claim_are_told_where_there_are(short_dir: Path, seen: Seen, now: None) -> None:
    more = {
        "mqtt": {"broker": "b:1883", "connected": False, "lag_batches": 3, "lag_rows": 40, "lag_s": 2.5},
        "trip": {"hazard": "H15"},
        "alarms": {"list": [{"priority": "high"}, {"priority": "low"}, {"priority": "low"}]},
        "loop": {"event_loop": "uvloop", "fifo_priority": 5, "memory_locked": True, "refused": []},
    }
    async with rigged(short_dir, operator=Looked(({**seen[0], **more}, seen[1]))) as rig:
        found = await scraped(rig)
    assert [found[f"openablate_mqtt_{name}"].of() for name in ("connected", "lag_seconds", "lag_rows")] == [0, 2.5, 40]
    assert found["openablate_trip_latched"].of() == 1
    assert found["openablate_alarms"].by("priority") == {"high": 1, "medium": 0, "low": 2}
    assert (found["openablate_realtime_priority"].of(), found["openablate_memory_locked"].of()) == (5, 1)


async def test_a_flood_of_scrapes_reaches_the_daemon_twice_a_second(short_dir: Path, seen: Seen) -> None:
    operator = Looked(seen)
    async with rigged(short_dir, operator=operator) as rig:
        await asyncio.gather(*(scraped(rig) for _ in range(20)))
    assert operator.looks <= 2


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer old"}, 401),
        ({"Authorization": f"Bearer {TOKENS.viewer}", "Origin": "http://evil.example"}, 403),
        ({"Authorization": f"Bearer {TOKENS.viewer}", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Authorization": f"Bearer {TOKENS.viewer}", "Host": "evil.example"}, 403),
    ],
)
async def test_without_a_token_or_from_elsewhere_nothing_is_told(
    rig: Rig, headers: dict[str, str], status: int
) -> None:
    async with rig.client.get(f"{rig.origin}/metrics", headers=headers) as answer:
        assert answer.status == status
        assert "openablate" not in (await answer.text())


async def test_both_tokens_may(rig: Rig, now: None) -> None:
    for token in TOKENS:
        assert (await scraped(rig, token))["openablate_up"].of() == 1


async def test_the_page_of_the_manual_scrapes_it(short_dir: Path, repository: Path, seen: Seen, now: None) -> None:
    """The configuration in docs/panel-api.md, followed as Prometheus does; and every metric has a row there."""
    (job,) = manual(repository)["scrape_configs"]
    usual = {"job_name", "scrape_interval", "honor_labels", "authorization", "static_configs"}  # path and kind as usual
    assert job.keys() == usual
    assert job["authorization"].keys() == {"credentials_file"}
    ((target,),) = (each["targets"] for each in job["static_configs"])
    operator = Looked(({**seen[0], "mqtt": {"connected": True, "lag_s": 0.0, "lag_rows": 0}}, seen[1]))
    async with rigged(short_dir, operator=operator) as rig:
        assert target.partition(":")[0] in rig.origin
        found = await scraped(rig)
    page = (repository / "docs" / "panel-api.md").read_text()
    section = page.partition("## Metrics for Prometheus")[2].partition("\n## ")[0]
    rows = "\n".join(line for line in section.splitlines() if line.startswith("| `"))
    listed = {name.partition("{")[0] for name in re.findall(r"`([a-z_]+(?:\{[a-z]+\})?)`", rows)}
    in_the_file, under_power = {"record_rows"}, {"impedance_ohms"}
    assert listed == {name.removeprefix("openablate_") for name in found} | in_the_file | under_power
