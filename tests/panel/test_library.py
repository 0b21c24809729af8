"""The panel's library: sessions as the list and a session's page tell of them."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from controller.panel.library_samples import thinned
from controller.records.schema import SCHEMA_VERSION
from tests.panel.shelf import Desk, furnished, ids_of


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return furnished(tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="module")
def ids(records: Path) -> dict[str, str]:
    return ids_of(records)


@pytest.fixture(scope="module")
def desk(records: Path) -> Desk:
    return Desk(records)


def row_of(told: dict[str, Any], name: str) -> dict[str, Any]:
    rows: list[dict[str, Any]] = told["sessions"]
    (row,) = (row for row in rows if name in (row["id"], row["file"]))
    return row


def test_the_list_says_what_became_of_each(desk: Desk, ids: dict[str, str]) -> None:
    told = desk.list()
    assert (told["files"], told["matching"], told["complete"]) == (5, 5, True)
    done, tripped = row_of(told, ids["completed"]), row_of(told, ids["tripped"])
    assert (done["protocol"], done["bench"], done["simulated"], done["closed"]) == (
        "three-seconds", "cooled-rf", True, True,
    )  # fmt: skip
    assert done["zone"].keys() == {"long_axis_mm", "short_axis_mm", "volume_ml"}
    assert 90.0 < done["energy_j"] < 120.0  # 40 W for 3 s, less the ramp
    assert (done["result"], done["result_text"], done["integrity"]["verdict"]) == ("completed", "", "unchecked")
    assert tripped["result"] == "tripped"
    assert "flow.flow_ml_min is" in tripped["result_text"]
    assert all(len(row["id"]) <= 33 and "/" not in row["id"] for row in told["sessions"])


def test_files_that_cannot_be_read_are_listed_with_the_reason(desk: Desk) -> None:
    told = desk.list()
    for file, problem in (
        ("broken.ablate", "not a session file"),
        ("empty.ablate", "it is empty"),
        ("newer.ablate", f"schema version {SCHEMA_VERSION + 1}, this program knows up to {SCHEMA_VERSION}"),
    ):
        row = row_of(told, file)
        assert row["result"] == "unreadable"
        assert problem in row["problem"]
        assert row["remedy"]
        for verb, more in (
            ("session", {}),
            ("samples", {"channels": [], "points": 100}),
            ("events", {"limit": 1, "offset": 0, "everything": False}),
            ("report", {}),
            ("verify", {}),
            ("play", {}),
        ):
            status, answer = desk(verb, session=row["id"], **more)
            assert (status, answer["ok"]) == ((409 if file == "empty.ablate" else 422), False), (file, verb)
            assert problem in answer["error"]


def test_find_and_pages(desk: Desk, ids: dict[str, str]) -> None:
    def found(find: str = "", **page: int) -> list[str]:
        return [row["id"] for row in desk.list(find, **page)["sessions"]]

    assert found("THREE completed") == [ids["completed"]]
    assert found("flow_ml_min simulated") == [ids["tripped"]]
    assert found("2000-01-01 real") == []
    assert found("schema version") == [row_of(desk.list(), "newer.ablate")["id"]]
    both = [row for row in found() if not row.startswith("x-")]
    assert both == sorted(both, reverse=True)
    first, second = found("three", limit=1), found("three", limit=1, offset=1)
    assert sorted(first + second) == sorted(ids.values())


def test_a_search_that_takes_long_goes_on_where_it_was(records: Path, ids: dict[str, str]) -> None:
    desk = Desk(records)
    asked = {"limit": 50, "offset": 0, "find": "three", "verdicts": {}}
    _, told = desk("list", **asked, budget_s=-1.0)
    assert (told["complete"], told["sessions"]) == (False, [])
    _, told = desk("list", **asked, budget_s=10.0)
    assert told["complete"]
    _, told = desk("list", **asked, budget_s=-1.0)  # all are known now
    assert told["complete"]
    assert {row["id"] for row in told["sessions"]} == set(ids.values())


def test_what_lies_outside_the_folder_is_not_there(desk: Desk) -> None:
    assert "outside.ablate" not in {row["file"] for row in desk.list()["sessions"]}


def test_a_session_page_says_what_its_report_says(desk: Desk, ids: dict[str, str]) -> None:
    status, told = desk("session", session=ids["tripped"])
    assert status == 200
    assert (told["title"], told["banner"], told["fired"]) == ("cooled-rf", "SIMULATED", True)
    assert told["trip"]["channel"] == "flow.flow_ml_min"
    assert ["protocol", "three-seconds"] in told["asked"]
    assert {"FIRE", "TRIP coolant_flow"} <= {mark["text"] for mark in told["marks"]}
    assert told["limits"]["power_w"] == 200.0
    picture = told["picture"]
    assert np.array(picture["temperature_c"]).shape == (len(picture["r_mm"]), len(picture["z_mm"]))
    assert max(map(max, picture["temperature_c"])) > 25.0
    names = {series["name"]: series for series in told["series"]}
    assert names["tissue_c[0]"] == {
        "name": "tissue_c[0]", "label": "tissue 10mm", "unit": "°C", "group": "temperature",
    }  # fmt: skip


def test_samples_are_those_of_the_record(desk: Desk, records: Path, ids: dict[str, str]) -> None:
    wanted = ["power_w", "tc.tip_c", "setpoint_w"]
    _, told = desk("samples", session=ids["completed"], channels=wanted, points=5000)
    columns = told["columns"]
    assert told["decimated"] is False
    assert told["ticks"] == len(columns["t_s"])
    assert told["units"] == {"power_w": "W", "tc.tip_c": "°C", "setpoint_w": "W"}
    (path,) = records.rglob(f"*{ids['completed']}.ablate")
    with sqlite3.connect(path) as db:
        ticks = db.execute("SELECT seq, t_s, setpoint_w FROM ticks ORDER BY seq").fetchall()
        rows = db.execute(
            "SELECT c.name, s.tick, s.value, s.quality FROM samples s JOIN channels c ON c.id=s.channel ORDER BY s.id"
        ).fetchall()
    db.close()
    newest: dict[str, float | None] = {}
    samples = iter(rows)
    sample = next(samples)
    for i, (seq, t_s, setpoint_w) in enumerate(ticks):
        while sample is not None and sample[1] <= seq:
            newest[sample[0]] = sample[2] if sample[3] == 0 else None
            sample = next(samples, None)
        assert columns["t_s"][i] == pytest.approx(t_s, abs=1e-6)
        assert columns["setpoint_w"][i] == pytest.approx(setpoint_w)
        for series, channel in (("power_w", "gen.power_w"), ("tc.tip_c", "tc.tip_c")):
            want = newest.get(channel)
            assert columns[series][i] == (pytest.approx(want) if want is not None else None)


def test_of_too_many_samples_the_peaks_stay(desk: Desk, ids: dict[str, str]) -> None:
    def course(points: int = 5000, **more: object) -> tuple[int, Any]:
        return desk("samples", **{"session": ids["completed"], "channels": [], "points": points, **more})

    _, whole = course()
    _, few = course(20)
    assert few["decimated"]
    assert len(few["columns"]["t_s"]) == 20
    for name in ("power_w", "impedance_ohm", "tip_c", "tissue_c[0]", "flow_ml_min"):
        seen, kept = ([v for v in told["columns"][name] if v is not None] for told in (whole, few))
        assert (min(kept), max(kept)) == (min(seen), max(seen)), name
    _, part = course(span_s=(few["zero_s"], few["zero_s"] + 1.0))
    assert 19 <= part["ticks"] <= 21
    status, answer = course(channels=["power_w", "nonsense"])
    assert status == 400
    assert "no series nonsense; it has setpoint_w" in answer["error"]
    status, answer = course(channels=["power_w"] * 3)
    assert (status, list(answer["columns"])) == (200, ["t_s", "power_w"])


def test_thinning_keeps_order_and_gaps() -> None:
    columns = {
        "t_s": np.arange(8.0),
        "v": np.array([1.0, 9.0, 2.0, 3.0, 7.0, 0.0, 5.0, 4.0]),
        "gap": np.array([np.nan] * 4 + [5.0] * 4),
    }
    told = thinned(columns, 4)
    assert told["t_s"].tolist() == [0.0, 2.0, 4.0, 6.0]
    assert told["v"].tolist() == [1.0, 9.0, 7.0, 0.0]  # the greatest came before the least in the second half
    assert np.isnan(told["gap"][:2]).all()
    assert told["gap"][2:].tolist() == [5.0, 5.0]


def test_events_page_by_page(desk: Desk, ids: dict[str, str]) -> None:
    def events(limit: int = 1000, offset: int = 0, everything: bool = False) -> Any:
        return desk("events", session=ids["tripped"], limit=limit, offset=offset, everything=everything)[1]

    whole = events()
    kinds = [event["kind"] for event in whole["events"]]
    assert kinds[0] == "start"
    assert {"fire", "trip", "result"} <= set(kinds)
    assert not {"kernel", "inputs"} & set(kinds)
    page = events(2, 1)
    assert page["events"] == whole["events"][1:3]
    assert page["total"] == whole["total"] == len(kinds)
    assert events(everything=True)["total"] > page["total"]
