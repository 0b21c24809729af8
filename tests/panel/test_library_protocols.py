"""The picker's protocols: which fit this bench, whose limits hold, and own ones beside the bench file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.panel.shelf import PROTOCOL, Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_protocols_that_fit_this_bench(desk: Desk) -> None:
    status, told = desk("protocols")
    rows = {row["name"]: row for row in told["protocols"]}
    assert (status, told["bench"], told["predicts"]) == (200, "cooled-rf", True)
    assert rows["demo-30s"]["fits"]
    assert rows["demo-30s"]["use"] == "demo-30s"
    assert not rows["microwave-100w-5min"]["fits"]
    assert "written for microwave, but tc-cxn is rf" in rows["microwave-100w-5min"]["problems"][0]
    _, page = desk("protocol", name="demo-30s")
    limits = {limit["name"]: limit for limit in page["limits"]}
    assert (limits["tissue_c"]["value"], limits["tissue_c"]["layer"]) == (110.0, "protocol")
    assert limits["tissue_c"]["where"].endswith("demo-30s.yaml:20")
    assert limits["shaft_c"]["layer"] == "compiled ceiling"
    assert page["text"].startswith("protocol: demo-30s") or "\nprotocol: demo-30s" in page["text"]
    _, other = desk("protocol", name="microwave-100w-5min")
    assert other["protocol"]["fits"] is False


def test_own_protocols_lie_beside_the_bench_file(tmp_path: Path, repository: Path) -> None:
    bench = tmp_path / "bench.yaml"
    bench.write_text((repository / "examples" / "benches" / "cooled-rf-sim.yaml").read_text())
    (tmp_path / "protocols").mkdir()
    (tmp_path / "protocols" / "ours.yaml").write_text(PROTOCOL)
    (tmp_path / "demo-30s.yaml").write_text(PROTOCOL)
    (tmp_path / "wrong.yaml").write_text("protocol: wrong\nlaw: {kind: nonsense}\n")
    (tmp_path / "secret.yaml").write_text("password: 1234\n")
    desk = Desk(tmp_path / "sessions", str(bench))
    _, told = desk("protocols")
    own = {row["name"]: row["use"] for row in told["protocols"] if row["origin"] == "own"}
    assert own == {
        "ours": str(tmp_path / "protocols" / "ours.yaml"),
        "demo-30s~own": str(tmp_path / "demo-30s.yaml"),
    }
    (unreadable,) = told["unreadable"]
    assert "wrong.yaml" in unreadable
    assert desk("protocol", name="secret")[0] == 404
    assert desk("protocol", name="ours")[1]["file"] == own["ours"]
    assert desk.list()["files"] == 0  # there is no such folder yet


def test_a_bench_file_that_was_broken_meanwhile(tmp_path: Path) -> None:
    (tmp_path / "bench.yaml").write_text("bench: b\n")
    status, told = Desk(tmp_path, str(tmp_path / "bench.yaml"))("protocols")
    assert (status, told["ok"]) == (422, False)
    assert "bench.yaml:1" in told["error"]
