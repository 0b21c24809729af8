"""The report: says what was asked and what happened, needs nothing else, and trusts nothing that it prints."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install 'openablate[report]'")

from controller.records.reader import open_session
from controller.records.session import Recorder
from controller.report import plots
from controller.report.digest import digest, quantity
from controller.report.page import render, write
from tests.report.applications import CHANNELS, HEADER, application

UTC = "2026-11-22T18:00:00.000Z"
HOSTILE = """</style></pre><script>alert('x')</script><img src=x onerror=alert(1)> $\\frac{ " & \u202e"""


def page_of(path: Path) -> str:
    with open_session(path) as session:
        return render(session, UTC)


class Elements(HTMLParser):
    """All tags, attributes and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_it_says_what_was_asked_and_what_happened(tmp_path: Path) -> None:
    text = Elements(page_of(application(tmp_path))).text
    assert text.count("SIMULATED: no device and no tissue took part.") == 1
    for told in (
        "cooled-rf: needle", "completed", "30 s", "4000 J", "34.3 mm", "pulsed-impedance", "110 °C (set by protocol)",
        "active tip", "ARMED → FIRING: fire", "as recorded: 600 ticks, 4200 samples, 4 events", "SN1",
        "protocol: needle", "Not a medical device",
        "power, W", "impedance, Ω", "temperature, °C", "flow, ml/min", "delivered", "tissue_10mm", "flow min limit 40",
        "edge of the zone (damage Ω = 1)", "FIRE", "Verified 2026-11-22 18:00:00.000 UTC with Openablate",
    ):  # fmt: skip
        assert told in text, told
    assert "TRIP" not in text


def test_what_only_a_replay_needs_is_left_out(tmp_path: Path) -> None:
    recorder = Recorder.create(tmp_path, {**HEADER, "kernel": {"is": "told elsewhere"}}, [], threaded=False)
    recorder.event(1.0, "kernel", {"tick": 1, "state": "told elsewhere"})
    recorder.event(1.0, "inputs", {"tick": 1, "requests": ["told elsewhere"]})
    recorder.close({"result": "aborted"})
    assert "told elsewhere" not in page_of(recorder.path)


def test_beyond_a_limit_the_plots_are_shaded(tmp_path: Path) -> None:
    with open_session(application(tmp_path)) as session:
        facts = digest(session)
    shown = {"power_w": 200.0, "impedance_high_ohm": 76.0, "flow_min_ml_min": 79.5, "coolant_c": 11.0, "tip_c": 400.0}
    told = plots.courses(replace(facts, limits=shown))
    assert told.count("opacity: 0.08") == 3  # a warm coolant is no bound of what else is plotted; 400 is off the scale
    assert "tip limit 400 (off scale)" in told
    assert "opacity: 0.08" not in plots.courses(replace(facts, limits={}))


def test_a_real_session_has_no_banner(tmp_path: Path) -> None:
    assert "SIMULATED" not in Elements(page_of(application(tmp_path, simulated=False))).text


def test_a_trip_has_its_card(tmp_path: Path) -> None:
    text = Elements(page_of(application(tmp_path, trip=True))).text
    for told in (
        "TRIP: gen.impedance_ohm is 70000 ohm, limit 500 ohm: open, char or short",
        "Check: lead, dispersive pad and applicator", "impedance_high (H50)", "70000 Ω", "500 Ω",
        "30.00 s after FIRE", "TRIP impedance_high",
    ):  # fmt: skip
        assert told in text, told


def test_nothing_comes_from_elsewhere(tmp_path: Path) -> None:
    page = Elements(page_of(application(tmp_path)))
    assert "script" not in page.tags
    assert "link" not in page.tags
    for tag, name, value in page.attributes:
        if name in ("src", "href", "xlink:href"):
            assert value.startswith(("#", "data:image/png;base64,")), (tag, name, value[:80])
    text = page_of(application(tmp_path / "again"))
    assert set(re.findall(r"https?://[^\s\"'<)]+", text)) <= {
        "http://www.w3.org/1999/xlink",
        "http://www.w3.org/2000/svg",
    }
    assert ("meta", "content", "default-src 'none'; style-src 'unsafe-inline'; img-src data:") in page.attributes


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    clean = Elements(page_of(application(tmp_path / "clean", trip=True)))
    roles = {**HEADER["roles"], "tissue": [f"tc.{HOSTILE}_c"]}
    header = dict.fromkeys(
        ("bench", "bench_text", "protocol", "protocol_text", "software", "seed", "applicator", "limits"), HOSTILE
    )
    recorder = Recorder.create(
        tmp_path,
        {**header, "roles": roles, "devices": {HOSTILE: {HOSTILE: HOSTILE}}},
        [{"name": name} for name in [*CHANNELS, f"tc.{HOSTILE}_c"]],
        threaded=False,
    )
    recorder.event(
        0.0, "protocol", {"name": HOSTILE, "text": HOSTILE, "law": {HOSTILE: HOSTILE}, "limits": {HOSTILE: 1.0}}
    )
    trip = dict.fromkeys(("hazard", "monitor", "channel", "text", "check", "value"), HOSTILE)
    recorder.event(0.5, "fire", {HOSTILE: HOSTILE})
    recorder.event(1.0, "trip", trip)
    recorder.event(1.0, HOSTILE, {"from": HOSTILE, "to": HOSTILE, "reason": HOSTILE})
    recorder.close({"result": HOSTILE, "reason": HOSTILE, "zone": {HOSTILE: HOSTILE}})
    page = Elements(page_of(recorder.path))
    assert page.tags <= clean.tags | {"ul", "li"}
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert "<script>alert('x')</script>" in page.text


def test_a_session_that_was_cut_off(tmp_path: Path) -> None:
    text = Elements(page_of(application(tmp_path, close=False))).text
    assert "not closed: it is still being written, or its writer was killed" in text


def test_a_session_without_anything(tmp_path: Path) -> None:
    recorder = Recorder.create(tmp_path, {"bench": "empty"}, [], threaded=False)
    recorder.close()
    text = Elements(page_of(recorder.path)).text
    assert "none was delivered: the bench never fired" in text
    assert "unfinished" in text


def test_tampering_is_told(tmp_path: Path) -> None:
    path = application(tmp_path)
    db = sqlite3.connect(path)
    db.execute("UPDATE samples SET value = 1 WHERE id = 77")
    db.commit()
    db.close()
    assert "NOT as recorded: batch" in Elements(page_of(path)).text


@pytest.mark.parametrize("part", ["r_mm", "temperature_c", "damage"])
def test_a_picture_that_is_none_is_left_out(part: str) -> None:
    picture = {
        "r_mm": np.arange(5.0),
        "z_mm": np.arange(6.0),
        "temperature_c": np.arange(30.0).reshape(5, 6) + 20,
        "damage": np.zeros((5, 6)),
    }
    assert (plots.zone(picture) or "").startswith("<svg")
    picture[part] = np.zeros((3, 3))
    assert (plots.zone(picture) is None) is (part != "damage")
    del picture[part]
    assert (plots.zone(picture) is None) is (part != "damage")


def test_thinning_keeps_the_extremes_and_the_gaps() -> None:
    t_s, value = np.arange(20_000.0), np.sin(np.arange(20_000.0) / 100)
    value[7_777], value[12_345] = 50.0, -50.0
    value[15_000:15_050] = np.nan
    thin_t_s, thin_value = plots.thin(t_s, value)
    assert len(thin_t_s) <= 2 * plots.MAX_POINTS
    assert (np.nanmax(thin_value), np.nanmin(thin_value)) == (50.0, -50.0)
    assert thin_t_s[np.nanargmax(thin_value)] == 7_777
    assert np.isnan(thin_value).any()
    assert (np.diff(thin_t_s) > 0).all()


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("power_max_w", 200, ("power max", "200 W")),
        ("ramp_w_per_min", 60.0, ("ramp", "60 W/min")),
        ("flow_ml_min", 80.0, ("flow", "80 ml/min")),
        ("volume_ml", 11.2, ("volume", "11.2 ml")),
        ("tip_c", {"value": 60.0, "layer": "bench"}, ("tip", "60 °C (set by bench)")),
        ("rise_ohm", 20, ("rise", "20 Ω")),
        ("kind", "rf", ("kind", "rf")),
        ("resume", 0.7, ("resume", "0.7")),
    ],
)
def test_units_move_from_the_name_to_the_value(name: str, value: object, told: tuple[str, str]) -> None:
    assert quantity(name, value) == told


def test_the_digest_counts_from_fire(tmp_path: Path) -> None:
    with open_session(application(tmp_path, trip=True)) as session:
        facts = digest(session)
    assert facts.zero_s == 102.0
    assert [(mark.t_s, mark.text, mark.bad) for mark in facts.marks] == [
        (0.0, "FIRE", False),
        (30.0, "TRIP impedance_high", True),
    ]
    assert facts.limits["tissue_c"] == 110.0
    assert [curve.label for curve in facts.temperature] == ["tip", "tissue_10mm", "coolant"]


def test_twelve_minutes_in_time_and_the_same_each_time(tmp_path: Path, repository: Path) -> None:
    path = application(tmp_path, minutes=12)
    began = time.process_time()
    first = write(path, tmp_path / "first.html", utc=UTC)
    assert time.process_time() - began < 3.0
    second = write(path, tmp_path / "second.html", utc=UTC)
    assert first.read_bytes() == second.read_bytes()
    assert first.stat().st_size < 2_000_000
    assert not list(tmp_path.glob("*.part"))
    code = "import sys, controller.report.page, controller.report.plots; print('matplotlib.pyplot' in sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=True)
    assert loaded.stdout == "False\n"
