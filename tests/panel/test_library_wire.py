"""The panel's library at the wire: what is asked, who may ask, what is sent, and the processes behind it."""

from __future__ import annotations

import io
import json
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest
from yarl import URL

from controller.panel.library_aside import Aside
from controller.panel.library_links import LASTS_S, Links
from controller.records.session import Recorder
from tests.panel.shelf import Shelf, furnished, ids_of, shelf

HOSTILE = (
    "../../etc/passwd", "..", "%2e%2e", "/etc/passwd", "last", "x-0000000000000000", "0" * 26, "00VHNC*", "a" * 5000,
    "00VHNCZB00DQ2X9N22PMYK30TJ.ablate", "C:\\boot.ini", "\u202e\x00", "' OR 1=1 --",
)  # fmt: skip


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return furnished(tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="module")
def ids(records: Path) -> dict[str, str]:
    return ids_of(records)


@pytest.fixture
async def panel(records: Path) -> AsyncIterator[Shelf]:
    async with shelf(records) as served:
        yield served


async def test_an_id_is_never_a_path(panel: Shelf) -> None:
    for name in HOSTILE:
        for place in ("sessions/{}", "sessions/{}/samples", "sessions/{}/verify", "protocols/{}", "dry-runs/{}"):
            address = f"{panel.url}/api/v1/{place.format(quote(name, safe=''))}"
            async with panel.http.get(URL(address, encoded=True), allow_redirects=False) as answer:
                assert answer.status in (400, 404), (place, name)
                assert "root:" not in await answer.text()


async def test_what_was_verified_is_remembered_until_the_file_changes(
    tmp_path: Path, records: Path, ids: dict[str, str]
) -> None:
    (path,) = records.rglob(f"*{ids['completed']}.ablate")
    mine = tmp_path / path.name
    mine.write_bytes(path.read_bytes())
    async with shelf(tmp_path) as panel:
        status, told = await panel.get(f"sessions/{ids['completed']}/verify")
        assert (status, told["integrity"]["verdict"], told["problems"]) == (200, "recorded", [])
        _, listed = await panel.get("sessions")
        assert listed["sessions"][0]["integrity"] == told["integrity"]
        with sqlite3.connect(mine) as db:
            db.execute("UPDATE samples SET value = 31 WHERE id = 100")
        db.close()
        _, listed = await panel.get("sessions")
        assert listed["sessions"][0]["integrity"]["verdict"] == "unchecked"
        _, told = await panel.get(f"sessions/{ids['completed']}/verify")
        assert told["integrity"]["verdict"] == "changed"
        assert "was changed after it was recorded" in told["problems"][0]


async def test_a_session_that_is_still_written(tmp_path: Path) -> None:
    recorder = Recorder.create(tmp_path, {"bench": "b", "simulated": True}, [{"name": "gen.power_w"}])
    try:
        async with shelf(tmp_path) as panel:
            _, told = await panel.get("sessions")
            (row,) = told["sessions"]
            assert (row["result"], row["closed"], row["being_written"]) == ("not closed", False, True)
            status, page = await panel.get(f"sessions/{row['id']}")
            assert status == 200
            assert page["links"].keys() == {"report", "csv", "xlsx"}
            _, verified = await panel.get(f"sessions/{row['id']}/verify")
            assert verified["integrity"]["verdict"] == "unfinished"
    finally:
        recorder.close({})


async def test_report_and_downloads_need_no_token_and_cannot_be_made_up(
    panel: Shelf, records: Path, ids: dict[str, str]
) -> None:
    pytest.importorskip("matplotlib")
    _, told = await panel.get(f"sessions/{ids['completed']}")
    bare = {"Authorization": ""}
    async with panel.http.get(panel.url + told["links"]["report"], headers=bare) as answer:
        assert (answer.status, answer.content_type) == (200, "text/html")
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "sandbox" in policy
        assert "three-seconds" in await answer.text()
    (path,) = records.rglob(f"*{ids['completed']}.ablate")
    async with panel.http.get(panel.url + told["links"]["file"], headers=bare) as answer:
        assert await answer.read() == path.read_bytes()
        assert answer.headers["Content-Disposition"].endswith(path.name)
    async with panel.http.get(panel.url + told["links"]["csv"], headers=bare) as answer:
        with zipfile.ZipFile(io.BytesIO(await answer.read())) as archive:
            assert any(name.endswith("datapackage.json") for name in archive.namelist())
            assert archive.testzip() is None
    other = told["links"]["file"].replace(ids["completed"], ids["tripped"])
    for link in (other, told["links"]["report"].replace("key=", "key=0"), f"/report/{ids['completed']}"):
        async with panel.http.get(panel.url + link) as answer:
            assert answer.status in (400, 403)


def test_links_end() -> None:
    now = [1000.0]
    links = Links(lambda: now[0])
    path, _, rest = links.make("/report/a").partition("?")
    until, key = (part.partition("=")[2] for part in rest.split("&"))
    assert links.good(path, int(until), key)
    assert not links.good(path, int(until) + 1, key)
    assert not Links(lambda: now[0]).good(path, int(until), key)
    now[0] += LASTS_S + 1.0
    assert not links.good(path, int(until), key)


async def test_what_is_asked_is_checked(panel: Shelf, ids: dict[str, str]) -> None:
    session = ids["completed"]
    for place, query in (
        ("sessions", {"limit": 201}),
        ("sessions", {"folder": "/etc"}),
        ("sessions", {"find": "x" * 201}),
        (f"sessions/{session}/samples", {"points": 9}),
        (f"sessions/{session}/samples", {"from_s": "nan"}),
        (f"sessions/{session}/events", {"offset": -1}),
    ):
        status, answer = await panel.get(place, **query)
        assert (status, answer["ok"]) == (400, False), (place, query)
    status, told = await panel.get(f"sessions/{session}/samples", channels="power_w,tip_c", points=50)
    assert (status, list(told["columns"])) == (200, ["t_s", "power_w", "tip_c"])
    status, told = await panel.get("sessions", find="tripped", limit=1)
    assert [row["id"] for row in told["sessions"]] == [ids["tripped"]]


async def test_nothing_without_a_token(panel: Shelf, ids: dict[str, str]) -> None:
    for place in ("sessions", f"sessions/{ids['completed']}", f"sessions/{ids['completed']}/report", "protocols"):
        for headers in ({"Authorization": ""}, {"Authorization": "", "Upgrade": "websocket", "Connection": "Upgrade"}):
            async with panel.http.get(f"{panel.url}/api/v1/{place}", headers=headers) as answer:
                assert answer.status == 401, place


async def test_a_question_that_takes_too_long_is_given_up(records: Path, ids: dict[str, str]) -> None:
    aside = Aside(str(records), "cooled-rf-sim")
    try:
        late = await aside.ask("list", 0.001, limit=1, offset=0, find="", verdicts={}, budget_s=1.0)
        assert (late.status, json.loads(late.body)["ok"]) == (504, False)
        again = await aside.ask("events", 30.0, session=ids["completed"], limit=1, offset=0, everything=False)
        assert again.status == 200
        defect = await aside.ask("events", 30.0, session=ids["completed"])
        assert defect.status == 500
        assert (await aside.ask("verify", 30.0, session=ids["completed"])).ok
    finally:
        await aside.close()


def test_the_process_ends_when_the_panel_dies(tmp_path: Path) -> None:
    argv = [sys.executable, "-P", "-m", "controller.panel.library_work", str(tmp_path), "cooled-rf-sim"]
    ended = subprocess.run(argv, input=b"", capture_output=True, timeout=30, check=False)
    assert (ended.returncode, ended.stdout) == (0, b"")
