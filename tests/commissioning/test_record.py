"""What is left of a commissioning, and how the bench is known by it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from controller.checkup import Verdict
from controller.checkup.commissioned import commissioned
from controller.cli import run
from controller.commissioning import note, record
from controller.commissioning.job import Seen
from controller.commissioning.live import Found
from controller.commissioning.run import row_of
from controller.commissioning.table import Step, steps, table
from controller.config.loading import LoadedBench, load_bench
from controller.records.reader import open_session

DOCS = Path(__file__).parents[2] / "docs" / "commissioning.md"


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LoadedBench:
    monkeypatch.setenv("ABLATE_STATE_DIR", str(tmp_path / "state"))
    text = load_bench("cooled-rf-sim").document.text.replace("sim://", "/dev/serial/by-id/")
    (tmp_path / "bench.yaml").write_text(text)
    return load_bench(tmp_path / "bench.yaml")


def kept(bench: LoadedBench, folder: Path, *results: Any) -> dict[str, Any]:
    """The record of steps that ended so; the others were not gone through."""
    known = steps(bench.bench)
    rows = [row_of(step, Seen(result, ("seen | so",))) for step, result in zip(known, results, strict=False)]
    told = record.summary(bench, Found(rows, ["a.ablate"]), known[len(rows) :], "A. Meyer")
    file, _ = record.write(told, folder)
    note.note(told, file)
    return told


def test_the_record_says_who_when_what_and_on_which_bench(bench: LoadedBench, tmp_path: Path) -> None:
    told = kept(bench, tmp_path / "c", *["passed"] * 20)
    (file,) = (tmp_path / "c").glob("*.json")
    assert json.loads(file.read_text()) == told
    assert (told["result"], told["who"], told["bench"]) == ("passed", "A. Meyer", "cooled-rf")
    assert len(told["bench_sha256"]) == 64
    page = file.with_suffix(".md").read_text()
    assert f"**PASSED**, {told['utc']}, by A. Meyer" in page
    assert "| Both contacts of the E-stop (estop) | passed | Press the E-stop" in page
    assert "seen \\| so" in page


@pytest.mark.parametrize(
    "results, result",
    [
        (["passed"] * 20, "passed"),
        (["passed"] * 3, "incomplete"),
        (["passed", "failed"], "failed"),
        (["skipped"] * 20, "incomplete"),
    ],
)
def test_only_a_whole_and_good_one_has_passed(
    results: list[str], result: str, bench: LoadedBench, tmp_path: Path
) -> None:
    assert kept(bench, tmp_path / "c", *results)["result"] == result


def test_the_doctor_knows_never_passed_changed_failed_and_gone(bench: LoadedBench, tmp_path: Path) -> None:
    (never,) = commissioned(bench)
    assert (never.verdict, never.remedy) == (Verdict.WARN, f"ablate commission {bench.path}")
    assert never.text.startswith("never: ")
    kept(bench, tmp_path / "c", *["passed"] * 20)
    (passed,) = commissioned(bench)
    assert passed.verdict is Verdict.OK
    assert "by A. Meyer" in passed.text
    bench.path.write_text(bench.document.text.replace("tip_c: 60", "tip_c: 59"))
    (changed,) = commissioned(load_bench(bench.path))
    assert changed.verdict is Verdict.WARN
    assert "the bench file has changed since" in changed.text
    bench.path.write_text("# a comment changes nothing\n" + bench.document.text)
    assert commissioned(load_bench(bench.path))[0].verdict is Verdict.OK
    for file in (tmp_path / "c").iterdir():
        file.unlink()
    assert "is gone" in commissioned(bench)[0].text
    kept(bench, tmp_path / "c", "passed", "failed")
    assert commissioned(bench)[0].text.startswith("failed on ")


def test_nothing_real_needs_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ABLATE_STATE_DIR", str(tmp_path))
    assert commissioned(load_bench("cooled-rf-sim"))[0].verdict is Verdict.OK


@pytest.mark.parametrize("text", ["", "[]", '{"utc": 1}', "{"])
def test_a_note_that_cannot_be_read_is_none(text: str, tmp_path: Path) -> None:
    (tmp_path / note.NOTE).write_text(text)
    assert note.noted("b", tmp_path) is None


# ---- the command


def test_the_steps_can_be_read_beforehand(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["commission", "cooled-rf-sim", "--list"]) == 0
    told = capsys.readouterr().out
    assert "estop              Both contacts of the E-stop" in told
    assert "see: Both contacts open, each by its own input; preparing is withheld." in told
    assert run(["commission", "cooled-rf-sim", "--list", "--json", "--only", "door"]) == 0
    assert [row["step"] for row in json.loads(capsys.readouterr().out)] == ["door"]


def test_a_step_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["commission", "cooled-rf-sim", "--only", "estp"]) == 2
    assert "no step 'estp' on this bench; there are identity, rest, estop" in capsys.readouterr().err


def test_real_ports_need_hands_and_a_terminal(
    bench: LoadedBench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.isatty", lambda fd: False)
    assert run(["commission", str(bench.path)]) == 2
    assert "commissioning needs hands at the bench and a terminal; nothing was touched" in capsys.readouterr().err
    assert not (tmp_path / "commissioning").exists()


@pytest.mark.process
@pytest.mark.timeout(120)
def test_on_real_processes_a_killed_watchdog_is_seen_and_the_bench_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ABLATE_STATE_DIR", str(tmp_path / "state"))
    earlier = {"utc": "2026-01-01", "who": "B", "result": "passed", "bench_sha256": "0", "simulated": False}
    note.note({**earlier, "bench": "cooled-rf"}, tmp_path / "page.json")
    names = ["identity", "door", "watchdog"]
    argv = [word for name in names for word in ("--only", name)]
    assert run(["commission", "cooled-rf-sim", *argv, "--json", "--who", "test"]) == 0
    told = json.loads(capsys.readouterr().out)
    rows = {row["step"]: row for row in told["steps"]}
    assert [rows[name]["result"] for name in names] == ["passed"] * 3
    assert told["result"] == "incomplete"  # the others were not gone through
    assert any("gen.interlock_open_flag: the line opened" in seen for seen in rows["watchdog"]["seen"])
    assert told["simulated"] is True
    noted = {**earlier, "file": str(tmp_path / "page.json")}
    assert note.noted("cooled-rf") == noted  # steps that were picked prove no bench
    with open_session(told["session_files"][0]) as session:
        assert session.header["commissioning"] == noted


# ---- the page


def test_the_page_holds_the_table() -> None:
    assert DOCS.read_text(encoding="utf-8").endswith(documented())


def documented() -> str:
    """The last part of docs/commissioning.md; `python -m tests.commissioning.test_record` writes it."""
    lines = ["## The steps", ""]
    for row in table():
        lines += [f"### {row.title}", "", f"`{row.step}`{_when(row)}", ""]
        lines += [f"- Do: {_plain(row.do)}", f"- Must be seen: {_plain(row.see)}"]
        lines += [f"- Then: {_plain(row.undo)}"] * bool(row.undo) + [""]
    return "\n".join(lines)


def _when(row: Step) -> str:
    parts = [f"for {' / '.join(row.role)}"] if row.role else []
    parts += ["once for each"] * row.each + ["with energy"] * row.energy
    return f" ({', '.join(parts)})" if parts else ""


def _plain(text: str) -> str:
    return text.format(channel="CHANNEL", power_w="10", proven_ms="500")


if __name__ == "__main__":
    before, _, _ = DOCS.read_text(encoding="utf-8").partition("## The steps")
    DOCS.write_text(before + documented(), encoding="utf-8")
