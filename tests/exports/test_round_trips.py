"""What was exported, read back by the programs it was exported for: values, NaN, quality, units, marks and times."""

from __future__ import annotations

import csv
import hashlib
import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from controller.exports import csv_files, xlsx
from controller.exports.export import Exported, export
from controller.exports.resource import EXCEL_TEXT, FORMULA, Options, fitted
from controller.exports.xlsx import TooLarge
from controller.records.tables import Missing
from tests.exports.sessions import HOSTILE, POWER, write

pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install 'openablate[export]'")
VALUES = [30.0, 20.0, 45.5, math.nan, 21.0, 45.5, 0.1, 22.0, 45.5, 99.25, 1e-7, 23.0, -math.inf, 12345678.901234567]
QUALITY = [0, 2, 0, 0, 2, 0, 0, 2, 0, 1, 0, 2, 0, 0]
T_REQUEST = [9.99, 9.98, 9.97, 10.04, 10.03, 10.02, 10.09, 10.08, 10.07, 10.099, 10.14, 10.13, 10.12, 10.19]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path)


def made(path: Path, form: str, excel: bool = False) -> Exported:
    return export(path, path.parents[3] / "out", form, options=Options(excel))


def package(made: Exported) -> dict[str, Any]:
    loaded = json.loads((made.folder / "datapackage.json").read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


@pytest.mark.parametrize("arrow", [True, False], ids=["pyarrow", "standard library"])
def test_csv(path: Path, arrow: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    if not arrow:

        def gone(name: str) -> Any:
            raise Missing(name)

        monkeypatch.setattr(csv_files, "need", gone)
    out = made(path, "csv")
    assert out.folder.name == f"{path.stem}-csv"
    assert out.files == ("channels.csv", "datapackage.json", "events.csv", "samples.csv", "ticks.csv")
    samples = pandas.read_csv(out.folder / "samples.csv")
    assert np.array_equal(samples["value"], VALUES, equal_nan=True)
    assert samples["quality"].tolist() == QUALITY
    assert samples["t_request_s"].tolist() == pytest.approx(T_REQUEST, abs=1e-12)
    ticks = pandas.read_csv(out.folder / "ticks.csv", keep_default_na=False, na_values=[""])
    assert np.array_equal(ticks["gen.power_w"], POWER, equal_nan=True)
    assert ticks["utc"].tolist()[1] == "2026-11-22T04:25:00.050000Z"
    assert ticks["events"].tolist()[2] == f"state;{HOSTILE}"
    events = pandas.read_csv(out.folder / "events.csv")
    assert events["kind"].tolist() == ["state", HOSTILE, "trip"]  # a program gets what was recorded
    assert json.loads(events["data"][1])["text"] == 'Übertemperatur; 5 Ω, "laut"\nnext\x07'
    assert (out.folder / "ticks.csv").read_text(encoding="utf-8").count("\n") == 6


def test_csv_in_polars_and_duckdb(path: Path) -> None:
    polars = pytest.importorskip("polars", reason="polars is not installed")
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    folder = made(path, "csv").folder
    frame = polars.read_csv(folder / "samples.csv")
    assert np.array_equal(frame["value"].cast(polars.Float64).to_numpy(), VALUES, equal_nan=True)
    told = duckdb.sql(f"SELECT count(*), count(value), max(quality) FROM read_csv('{folder}/samples.csv')").fetchall()
    assert told == [(14, 13, 2)]


def test_parquet_of_two_sessions_is_one_data_set(path: Path, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    polars = pytest.importorskip("polars", reason="polars is not installed")
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    first = made(path, "parquet")
    lake = tmp_path / "out"
    assert first.folder.relative_to(lake).as_posix() == f"bench=cooled%20rf/date=2026-11-22/session={'0' * 26}"
    frame = pandas.read_parquet(first.folder / "samples.parquet", partitioning=None)
    assert np.array_equal(frame["value"], VALUES, equal_nan=True)
    assert frame["quality"].tolist() == QUALITY
    assert frame["t_request_s"].tolist() == pytest.approx(T_REQUEST, abs=1e-12)
    other = write(tmp_path)  # the same session number: another file
    second = export(other, tmp_path / "other", "parquet")
    second.folder.rename(first.folder.with_name("session=SECOND"))
    glob = f"{lake}/*/*/*/samples.parquet"
    rows = duckdb.sql(
        "SELECT bench, date::VARCHAR, session, count(*), max(value) "
        f"FROM read_parquet('{glob}', hive_partitioning=true) WHERE channel = 'tc.tip_c' GROUP BY ALL ORDER BY session"
    ).fetchall()
    assert rows == [("cooled rf", "2026-11-22", "0" * 26, 5, 99.25), ("cooled rf", "2026-11-22", "SECOND", 5, 99.25)]
    lazy = polars.scan_parquet(f"{lake}/**/ticks.parquet", hive_partitioning=True)
    assert lazy.filter(polars.col("events").cast(str) == "trip").collect()["seq"].to_list() == [4, 4]


def test_parquet_says_units_and_session_in_its_own_metadata(path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    folder = made(path, "parquet").folder
    schema = pq.read_schema(folder / "ticks.parquet")
    assert schema.field("tc.tip_c").metadata[b"unit"] == b"degC"
    assert schema.metadata[b"simulated"] == b"true"
    assert json.loads(schema.metadata[b"openablate"])["summary"] == {"result": "tripped"}
    table = pq.read_table(folder / "ticks.parquet", partitioning=None)
    assert table["utc"][1].as_py() == datetime(2026, 11, 22, 4, 25, 0, 50_000, tzinfo=UTC)
    assert table["gen.power_w"].null_count == 1


def test_hdf5(path: Path) -> None:
    h5py = pytest.importorskip("h5py", reason="h5py is not installed: pip install 'openablate[export]'")
    out = made(path, "hdf5")
    with h5py.File(out.folder / f"{path.stem}.h5") as file:
        tip = file["samples/tc.tip_c"]
        assert tip["value"][:].tolist() == [20.0, 21.0, 22.0, 99.25, 23.0]
        assert tip["quality"][:].tolist() == [2, 2, 2, 1, 2]
        assert tip["value"].attrs["units"] == "degC"
        assert tip["t_request_s"].attrs["units"] == "s"
        assert file["samples/rig_a.flow_ml_min"].attrs["channel"] == "rig/a.flow_ml_min"
        assert file["samples/=gen.never_read_v/value"].shape == (0,)
        assert np.array_equal(file["ticks/gen.power_w"][:], POWER, equal_nan=True)
        assert file["ticks/utc"].asstr()[1] == "2026-11-22T04:25:00.050000Z"
        assert file["events/kind"].asstr()[:].tolist() == ["state", HOSTILE, "trip"]
        assert file["arrays/picture/1/temperature_c"][:].tolist() == [[37.0], [99.5]]
        assert file["arrays/picture/1"].attrs["t_s"] == 10.2
        assert json.loads(file.attrs["header"])["bench"] == "cooled rf"
        assert file.attrs["chain_head"] == out.verified.head


def test_xlsx(path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is not installed: pip install 'openablate[export]'")
    out = made(path, "xlsx")
    book = openpyxl.load_workbook(out.folder / f"{path.stem}.xlsx")
    assert book.sheetnames == ["session", "columns", "ticks", "samples", "events", "channels"]
    rows = list(book["samples"].values)
    assert rows[0] == ("tick", "channel", "t_request_s", "value", "quality")
    values = [math.nan if row[3] is None else float(row[3]) for row in rows[1:]]
    assert values == pytest.approx(VALUES, rel=1e-15, nan_ok=True)  # a cell has 16 digits
    assert rows[13][3] == "-inf"  # a number that no cell holds
    assert [row[4] for row in rows[1:]] == QUALITY
    ticks = book["ticks"]
    assert ticks["C3"].value == datetime(2026, 11, 22, 4, 25, 0, 50_000)  # noqa: DTZ001 - Excel knows no time zones
    assert ticks["D2"].value == "=FIRING"
    formulas = [cell.value for sheet in book for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    assert formulas == []
    assert book["events"]["D3"].value == HOSTILE
    assert "next\ufffd" in json.loads(json.dumps(book["events"]["E3"].value)) or "\\u0007" in book["events"]["E3"].value
    units = {(row[0], row[1]): row[2] for row in book["columns"].values}
    assert units["ticks", "tc.tip_c"] == "degC"
    assert dict(list(book["session"].values))["protocol"] == "=1+1"


def test_a_workbook_goes_on_in_further_sheets_and_refuses_what_is_too_much(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is not installed: pip install 'openablate[export]'")
    monkeypatch.setattr(xlsx, "EXCEL_ROWS", 5)
    book = openpyxl.load_workbook(made(path, "xlsx").folder / f"{path.stem}.xlsx")
    assert [name for name in book.sheetnames if name.startswith("s")] == [
        "session", "samples", "samples 2", "samples 3", "samples 4",
    ]  # fmt: skip
    values = [row[3] for name in book.sheetnames if name.startswith("samples") for row in list(book[name].values)[1:]]
    assert values[-1] == pytest.approx(12345678.901234567, rel=1e-15)
    assert len(values) == 14
    monkeypatch.setattr(xlsx, "EXCEL_ROWS", 3)
    with pytest.raises(
        TooLarge, match=r"14 rows and 5 columns of samples are too much for a workbook .*parquet, or csv"
    ):
        export(path, path.parents[3] / "other", "xlsx")
    assert not list((path.parents[3] / "other").iterdir())


def test_csv_for_excel(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_files, "EXCEL_ROWS", 11)
    out = made(path, "csv", excel=True)
    assert out.folder.name.endswith("-csv-excel")
    raw = (out.folder / "samples.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbftick;channel;t_request_s;value;quality\r\n0;gen.power_w;9,99;30,0;0\r\n")
    rows: list[list[str]] = []
    for name in ("samples.csv", "samples-2.csv"):
        with (out.folder / name).open(encoding="utf-8-sig", newline="") as file:
            rows += list(csv.reader(file, delimiter=";"))[1:]
    back = [float(row[3].replace(",", ".")) if row[3] else math.nan for row in rows]
    assert np.array_equal(back, VALUES, equal_nan=True)
    with (out.folder / "ticks.csv").open(encoding="utf-8-sig", newline="") as file:
        ticks = list(csv.DictReader(file, delimiter=";"))
    assert ticks[1]["utc"] == "2026-11-22 04:25:00,050"
    assert ticks[0]["state"] == "'=FIRING"  # shown, not executed
    assert "'=gen.never_read_v" in ticks[0]
    with (out.folder / "events.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["kind"] for row in csv.DictReader(file, delimiter=";")] == ["state", f"'{HOSTILE}", "trip"]
    samples = next(resource for resource in package(out)["resources"] if resource["name"] == "samples")
    assert samples["path"] == ["samples.csv", "samples-2.csv"]
    assert samples["dialect"]["delimiter"] == ";"
    described = next(resource for resource in package(out)["resources"] if resource["name"] == "ticks")
    assert [field["name"] for field in described["schema"]["fields"]] == list(ticks[0])
    assert samples["schema"]["fields"][3]["decimalChar"] == ","


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\t=1", "\r=1"])
def test_a_formula_is_disarmed(text: str) -> None:
    assert not csv_files._harmless(text).startswith(FORMULA)


def test_text_that_no_cell_holds_is_cut_and_says_so() -> None:
    assert fitted("a" * EXCEL_TEXT) == "a" * EXCEL_TEXT
    cut = fitted("a" * (EXCEL_TEXT + 1))
    assert len(cut) == EXCEL_TEXT
    assert cut.endswith("… (cut here: whole in the session file)")
    assert fitted("a\x00b\nc") == "a\ufffdb\nc"


def test_who_made_the_data_and_what_may_be_done_with_them(tmp_path: Path) -> None:
    made_by = {"name": "A. Lab", "orcid": "0000-0002-1825-0097", "affiliation": "University"}
    told = {"title": "Livers", "licence": "CC-BY-4.0", "creators": [made_by], "keywords": ["liver"]}
    described = package(export(write(tmp_path, metadata=told), tmp_path / "out", "csv"))
    assert described["title"] == "Livers"
    assert described["licenses"] == [{"name": "CC-BY-4.0"}]
    assert described["contributors"] == [
        {
            "title": "A. Lab",
            "path": "https://orcid.org/0000-0002-1825-0097",
            "organization": "University",
            "roles": ["creator"],
        }
    ]
    assert described["keywords"] == ["liver", "ablation", "simulated"]


@pytest.mark.parametrize("form", ["csv", "xlsx", "parquet", "hdf5"])
def test_each_has_a_datapackage(path: Path, form: str) -> None:
    out = made(path, form)
    told = package(out)
    assert told["name"] == f"session-{'0' * 26}"
    assert {resource["name"] for resource in told["resources"]} == {"ticks", "samples", "events", "channels"}
    for resource in told["resources"]:
        file = out.folder / resource["path"]
        assert resource["hash"] == f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"
        assert resource["bytes"] == file.stat().st_size
    ticks = {f["name"]: f for f in next(r for r in told["resources"] if r["name"] == "ticks")["schema"]["fields"]}
    assert ticks["tc.tip_c"]["unit"] == "degC"
    assert ticks["seq"]["type"] == "integer"
    assert told["openablate"]["chain_head"] == out.verified.head
    assert told["openablate"]["verification"]["ok"] is True
    assert told["openablate"]["closed"] is True
    assert told["openablate"]["session"]["simulated"] is True
    assert "bench_text" not in told["openablate"]["session"]
