"""What was run is bound to what it was run from: runs of another program are refused, not taken for this one's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from controller.cli import run as ablate
from controller.evidence import store
from controller.evidence.revision import digest, origin
from sim.campaign import evidence, plan, pool, trial
from tests.campaign.test_evidence import ROWS

KEY = "rf/nominal/steady/0us/1001"
OLD = {"program": "0123456789ab", "commit": "2ca474a59ac7"}
HERE = origin()


def keep(folder: Path, *rows: dict[str, object]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / pool.RUNS
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def nothing_runs(case: plan.Case, out: Path | None = None) -> None:
    raise AssertionError(case.key)


@pytest.mark.parametrize(
    ("rows", "whose"),
    [
        ([OLD, {**ROWS[0], "program": OLD["program"]}], "1 runs of another program (2ca474a59ac7, files 0123456789ab)"),
        ([ROWS[0], ROWS[1]], "2 runs of another program (no revision told, files unknown)"),  # before rows said it
        (
            [{**ROWS[0], "program": HERE.program}, ROWS[1]],
            "1 runs of another program (no revision told, files unknown)",
        ),
    ],
)
def test_runs_of_another_program_are_refused(
    rows: list[dict[str, object]], whose: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """By the command, which runs nothing then, and where evidence is made of a folder."""
    monkeypatch.setattr(trial, "run", nothing_runs)
    path = keep(tmp_path, *rows)
    was = path.read_bytes()
    assert ablate(["campaign", "--runs", "1", "--nominal", "0", "--jobs", "1", "--out", str(tmp_path)]) == 3
    monkeypatch.setattr("sys.argv", ["x", str(tmp_path)])
    with pytest.raises(SystemExit):
        evidence.main()
    told = capsys.readouterr().err
    for said in (
        f"{path} holds {whose} than this one ({HERE.commit}, files {HERE.program})",
        "--anew",
        "another --out",
    ):
        assert told.count(said) == 2
    assert [each.name for each in tmp_path.iterdir()] == [pool.RUNS]
    assert path.read_bytes() == was


def test_anew_throws_them_away(tmp_path: Path) -> None:
    path = keep(tmp_path, OLD, {**ROWS[0], "program": OLD["program"]})
    wanted = ["campaign", "--runs", "1", "--nominal", "0", "--jobs", "1", "--out", str(tmp_path), "--json"]
    assert ablate([*wanted, "--anew"]) == 0
    header, row = map(json.loads, path.read_text().splitlines())
    assert header == {"program": HERE.program, "commit": HERE.commit}
    assert row["program"] == HERE.program
    assert store.read(tmp_path.parent).evidence[tmp_path.name].commit == HERE.commit


def test_evidence_names_a_revision_that_holds_the_program_that_ran(tmp_path: Path) -> None:
    """The first of those under which it was begun; tests or pages that changed before it went on do not count."""
    begun = {"program": HERE.program, "commit": "2ca474a59ac7"}
    keep(tmp_path, {**begun, "commit": "111111111111-dirty"}, begun, {**ROWS[0], "program": HERE.program})
    before = pool.done_before(tmp_path, HERE)
    assert before.made_from.stamp == "2ca474a59ac7"
    path = evidence.write(tmp_path, list(before.rows.values()), "ablate campaign", before.made_from)
    assert json.loads(path.read_text())["commit"] == "2ca474a59ac7"


@pytest.mark.parametrize("row", [{"program": OLD["program"]}, {}])
def test_a_worker_with_another_program_ends_the_campaign(
    row: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a cluster, or of this machine when files change while processes start: nothing of it is kept."""
    monkeypatch.setattr(pool, "one", lambda case: {**ROWS[5], "case": case.key, **row})
    with pytest.raises(pool.OtherProgram, match="was run by another program"):
        pool.run_all([plan.parse(KEY)], tmp_path, jobs=1, made_from=HERE)
    assert pool.done_before(tmp_path, HERE).rows == {}


def test_a_comment_in_the_kernel_is_another_program(tmp_path: Path) -> None:
    """And a page or a test is not."""
    for name in ("safety/turn.py", "docs/campaign.md", "tests/campaign/test_trial.py"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("a = 1\n")
    first = origin(root=tmp_path)
    (tmp_path / "docs/campaign.md").write_text("b\n")
    (tmp_path / "tests/campaign/test_trial.py").write_text("b\n")
    keep(tmp_path / "out", {**ROWS[0], "program": first.program})
    assert len(pool.done_before(tmp_path / "out", origin(root=tmp_path)).rows) == 1
    (tmp_path / "safety/turn.py").write_text("a = 1  # one\n")
    assert digest(tmp_path) != first.program
    with pytest.raises(pool.OtherProgram):
        pool.done_before(tmp_path / "out", origin(root=tmp_path))
