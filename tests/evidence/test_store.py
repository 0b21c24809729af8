"""Evidence files: what is written can be read, and what cannot be read is named, not left out."""

from __future__ import annotations

import json
import math
import re
import subprocess
from pathlib import Path

import pytest

from controller.evidence import store
from controller.evidence.revision import digest, origin, program, revision, stale

NOW = origin()
GOOD = {"what": "w", "command": "c", "when": "2026-11-22T14:00:00Z", "commit": "abc", "figures": {"n": 1}, "rows": []}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    store.write(
        tmp_path / "mutation.json", "mutation gate", "make mutate", {"killed": 5}, [{"file": "kernel.py"}], origin=NOW
    )
    store.write(tmp_path / "campaign" / "evidence.json", "fault campaign", "ablate campaign", {"OK": 7}, origin=NOW)
    found = store.read(tmp_path)
    assert sorted(found.evidence) == ["campaign", "mutation"]
    assert found.evidence["mutation"].figures == {"killed": 5}
    assert found.evidence["mutation"].rows == [{"file": "kernel.py"}]
    assert found.evidence["mutation"].commit == revision()
    assert found.evidence["campaign"].command == "ablate campaign"
    assert found.missing == ("tests", "exploration", "processes", "soak")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "Invalid JSON"),
        (b"[1]", "should be an object"),
        (b"\xff\xfe", "Invalid JSON"),
        (json.dumps({**GOOD, "figures": {"n": [1]}}).encode(), "figures.n"),
        (json.dumps({**GOOD, "more": 1}).encode(), "more: Extra inputs"),
        (json.dumps({k: v for k, v in GOOD.items() if k != "commit"}).encode(), "commit: Field required"),
        (json.dumps({**GOOD, "figures": {"n": math.inf}}).encode(), "figures.n"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "tests.json").write_bytes(content)
    found = store.read(tmp_path)
    assert dict(found.evidence) == {}
    assert list(found.unreadable) == ["tests"]
    assert re.search(why, found.unreadable["tests"])
    assert "tests" not in found.missing


@pytest.mark.parametrize(
    ("name", "row", "why"),
    [
        ("tests", {"test": "a"}, "rows 0: passed: Field required"),
        ("tests", {"test": "a", "passed": "x", "failed": 0, "skipped": 0}, "rows 0: passed: "),
        ("campaign", {"fault": "a", "runs": 1, "verdicts": {"OK": None}}, "rows 0: verdicts.OK: "),
        ("campaign", {"fault": "a", "runs": 1, "verdicts": {}, "off_worst_s": "long"}, "rows 0: off_worst_s: "),
        ("processes", {"fault": "a", "max_ms": "long"}, "rows 0: max_ms: "),
        ("exploration", {"hazards": 5}, "rows 0: hazards: "),
    ],
)
def test_a_row_that_cannot_be_is_named(tmp_path: Path, name: str, row: dict[str, object], why: str) -> None:
    store.write(tmp_path / f"{name}.json", "w", "c", {}, [row], origin=NOW)
    assert store.read(tmp_path).unreadable[name].startswith(why)


def test_two_of_one_name_are_none(tmp_path: Path) -> None:
    for path in (tmp_path / "campaign.json", tmp_path / "campaign" / "evidence.json"):
        store.write(path, "w", "c", {}, origin=NOW)
    found = store.read(tmp_path)
    assert dict(found.evidence) == {}
    assert found.unreadable["campaign"].startswith("there are two of that name")


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert store.read(tmp_path / "none").missing == (
        "campaign",
        "tests",
        "exploration",
        "mutation",
        "processes",
        "soak",
    )


def test_no_value_that_is_no_json_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        store.write(tmp_path / "x.json", "w", "c", {"n": math.nan}, origin=NOW)
    with pytest.raises(ValueError):
        store.write(tmp_path / "x.json", "w", "c", {}, [{"t_s": math.inf}], origin=NOW)
    assert list(tmp_path.iterdir()) == []


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.invalid"]
    subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True)


def test_evidence_is_stale_once_the_program_has_changed(tmp_path: Path) -> None:
    (tmp_path / "safety").mkdir()
    kernel, page = tmp_path / "safety" / "kernel.py", tmp_path / "page.md"
    kernel.write_text("a = 1\n")
    page.write_text("one\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "one")
    first = revision(tmp_path)
    assert len(first) == 12
    assert stale(first, tmp_path) == ""
    page.write_text("two\n")  # no part of the program
    assert revision(tmp_path) == first
    git(tmp_path, "commit", "-qam", "two")
    assert revision(tmp_path) != first
    assert stale(first, tmp_path) == ""
    kernel.write_text("a = 2\n")
    assert revision(tmp_path).endswith("-dirty")
    assert stale(first, tmp_path) == f"made from {first}; 1 files of the program have changed since"
    assert stale(f"{first}-dirty", tmp_path) == f"made from changes to {first} that no revision holds"
    assert stale("0" * 12, tmp_path).endswith("which cannot be compared with this source")
    assert stale("--output=x", tmp_path).endswith("which cannot be compared with this source")


def program_in(root: Path) -> Path:
    """A committed program of a file, ``safety/turn.py``, with a test and a page beside it."""
    for name in ("safety/turn.py", "tests/test_turn.py", "docs/turn.md", "controller/evidence/page.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("a = 1\n")
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "one")
    return root / "safety" / "turn.py"


def test_evidence_is_of_the_program_that_the_run_began_with(tmp_path: Path) -> None:
    """A change that was committed during the run is neither hidden nor taken for what ran."""
    turn = program_in(tmp_path)
    begun = origin(root=tmp_path)
    out = tmp_path / "evidence" / "soak.json"
    (tmp_path / "docs" / "turn.md").write_text("two\n")
    git(tmp_path, "commit", "-qam", "a page")
    store.write(out, "w", "c", {}, origin=begun)
    assert store.read(out.parent).evidence["soak"].commit == begun.commit
    turn.write_text("a = 1  # one\n")
    git(tmp_path, "commit", "-qam", "a comment")
    store.write(out, "w", "c", {}, origin=begun)
    assert store.read(out.parent).evidence["soak"].commit == f"{begun.commit}-dirty"
    assert revision(tmp_path) not in (begun.commit, f"{begun.commit}-dirty")
    assert origin(root=tmp_path).stamp == revision(tmp_path)


def test_programs_are_told_apart_by_their_files(tmp_path: Path) -> None:
    """Also where no revision does: changes that were not committed, copies without git."""
    turn = program_in(tmp_path)
    first = digest(tmp_path)
    assert re.fullmatch("[0-9a-f]{12}", first)
    for name in ("tests/test_turn.py", "docs/turn.md", "controller/evidence/page.py"):
        (tmp_path / name).write_text("a = 2\n")
    (tmp_path / "safety" / "__pycache__").mkdir()
    (tmp_path / "safety" / "__pycache__" / "turn.pyc").write_text("")
    assert digest(tmp_path) == first
    turn.write_text("a = 2\n")
    second = digest(tmp_path)
    turn.write_text("a = 3\n")
    assert len({first, second, digest(tmp_path)}) == 3
    turn.rename(turn.with_name("other.py"))
    assert digest(tmp_path) not in (first, second)
    assert digest() == program() != digest(name="mutation")


def test_a_program_is_told_by_the_parts_that_evidence_is_made_from(tmp_path: Path) -> None:
    """A change of the panel while the gate ran does not touch its mutants."""
    turn = program_in(tmp_path)
    begun = origin("mutation", tmp_path)
    (tmp_path / "controller" / "panel.py").write_text("a = 1\n")
    assert begun.stamp == begun.commit
    turn.write_text("a = 2\n")
    assert begun.stamp == f"{begun.commit}-dirty"


def test_evidence_is_stale_by_what_it_was_made_from(tmp_path: Path) -> None:
    """A change of the panel does not make mutants of the kernel old; one of the page that tells of them, nothing."""
    kernel, codec, panel, page = (
        tmp_path / name
        for name in ("safety/kernel.py", "drivers/one/codec.py", "controller/panel.py", "controller/evidence/page.py")
    )
    for path in (kernel, codec, panel, page):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("a = 1\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "one")
    first = revision(tmp_path)

    def old() -> list[str]:
        return [name for name in ("campaign", "mutation", "exploration", "coverage") if stale(first, tmp_path, name)]

    page.write_text("a = 2\n")
    assert old() == []
    panel.write_text("a = 2\n")
    assert old() == ["campaign"]
    codec.write_text("a = 2\n")
    assert old() == ["campaign", "mutation"]
    kernel.write_text("a = 2\n")
    assert old() == ["campaign", "mutation", "exploration", "coverage"]


def test_without_a_checkout_nothing_can_be_compared(tmp_path: Path) -> None:
    assert revision(tmp_path).startswith("version ")
    assert stale("abc", tmp_path) == "made from abc, which cannot be compared with this source"
