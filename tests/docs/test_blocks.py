"""Every block of code of README.md and docs/ runs, in virtual time and a scratch folder, or says why it does not."""

from __future__ import annotations

import contextlib
import glob
import io
import os
import re
import shlex
import shutil
import textwrap
from pathlib import Path
from typing import Any

import pytest

from controller import cli
from tests.docs import judge
from tests.docs.blocks import ROOT, Block, Mark, blocks, commands, count, fate, guess, pages, summary

FILES = {
    "bench.yaml": "controller/data/benches/cooled-rf-sim.yaml",
    "my-bench.yaml": "controller/data/benches/cooled-rf-sim.yaml",
    "protocol.yaml": "controller/data/protocols/demo-30s.yaml",
    "my-protocol.yaml": "controller/data/protocols/demo-30s.yaml",
    "collector.yaml": "examples/lab/collector.yaml",
}
"""What pages call a reader's own files, and what they are here."""
PLAN = """plan: two-short-ones
specimen: {organ: liver, label: "bovine 37, lobe 2", tissue: exvivo_bovine}
targets:
  - target: t1
    lesion: {long_mm: 20, short_mm: 20, depth_mm: 40}
    margin_mm: 2
    applications:
      - {protocol: demo-30s, tip_mm: [-5, 0, -15], axis: [0, 0, 1]}
      - {protocol: demo-30s, tip_mm: [5, 0, -15], axis: [0, 0, 1]}
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader's folder: a bench, a protocol, a plan, and two recorded sessions."""
    folder = tmp_path_factory.mktemp("lab")
    for name, source in FILES.items():
        shutil.copy(ROOT / source, folder / name)
    for name in ("plan.yaml", "my-plan.yaml"):
        (folder / name).write_text(PLAN)
    for name, more in (("before", []), ("after", ["--seed", "2"])):
        run(["rehearse", "cooled-rf-sim", "demo-30s", "--out", str(folder / name), *more], 0)
        (session,) = (folder / name).rglob("*.ablate")
        day = folder / "sessions" / "2026" / "11" / "22"
        day.mkdir(parents=True, exist_ok=True)
        shutil.copy(session, folder / f"{name}.ablate")
        shutil.copy(session, day / session.name)
        shutil.rmtree(folder / name)
    shutil.copy(folder / "after.ablate", folder / "my.ablate")
    return folder


@pytest.fixture
def here(lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it for one page; nothing opens a browser."""
    folder = tmp_path / "here"
    shutil.copytree(lab, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setattr("webbrowser.open", lambda *_: True)
    return folder


def run(arguments: list[str], code: int) -> str:
    """One `ablate` command in this process; its output."""
    told = io.StringIO()
    with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
        got = cli.run(arguments)
    assert got == code, f"ablate {shlex.join(arguments)}: exit code {got}, not {code}\n{told.getvalue()[-2000:]}"
    return told.getvalue()


def type_in(block: Block) -> None:
    """Types the lines of a block. A remark may announce another exit code than 0."""
    for line in commands(block):
        if line.not_run is not None:
            continue
        first, *words = shlex.split(f"{line.typed} {line.added}")
        if first == "cd":
            os.chdir(words[0])
            continue
        expected = re.search(r"exit code (\d+)", line.remark)
        arguments = [found for word in words for found in (sorted(glob.glob(word)) if "*" in word else [word])]
        run(arguments, int(expected[1]) if expected else 0)


@pytest.mark.parametrize("path", pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_block_of_the_page_runs(path: Path, here: Path) -> None:
    names: dict[str, Any] = {}
    for block in blocks(path):
        if "run" not in fate(block):
            continue
        try:
            match block.language:
                case "sh":
                    type_in(block)
                case "yaml":
                    judge.yaml_block(block.text, here)
                    if (name := re.match(r"# (\S+\.yaml)\n", block.text)) is not None:
                        (here / name[1]).write_text(block.text, encoding="utf-8")  # for the lines that follow
                case "json":
                    judge.json_block(block.text)
                case _:
                    judge.python_block(block.text, block.where, names)
        except (Exception, SystemExit) as error:
            raise AssertionError(f"{block.where}: {error}") from error


def test_what_is_not_run_is_counted_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    told = count()
    with capsys.disabled():
        print(f"\nblocks and commands of the pages:\n{summary(told)}")
    assert told["run"] > 60
    assert sum(many for what, many in told.items() if what.startswith("not run")) < told["run"]


def test_make_targets_that_are_named_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = {
        line.typed.split()[1]
        for path in pages()
        for block in blocks(path)
        if block.language == "sh"
        for line in commands(block)
        if line.typed.startswith("make ")
    }
    assert named
    assert [name for name in sorted(named) if not re.search(rf"^{name}:", makefile, re.MULTILINE)] == []


def parsed(tmp_path: Path, text: str) -> list[Block]:
    path = tmp_path / "page.md"
    path.write_text(textwrap.dedent(text))
    return list(blocks(path, tmp_path))


def test_how_blocks_are_found(tmp_path: Path) -> None:
    found = parsed(
        tmp_path,
        """\
        Text.

            ablate version      a remark
                that goes on

        <!-- not run: needs a real port -->
        <!-- run with (ablate campaign): --runs 2 -->

            ablate doctor b.yaml

        - item

              key: 1

          ```python
          x = 1
          ```
        """,
    )
    assert [(b.line, b.language, b.text) for b in found] == [
        (3, "sh", "ablate version      a remark\n    that goes on\n"),
        (9, "sh", "ablate doctor b.yaml\n"),
        (13, "yaml", "key: 1\n"),
        (16, "python", "x = 1\n"),
    ]
    assert found[1].marks == (
        Mark("run with", ("ablate campaign",), "--runs 2"),
        Mark("not run", (), "needs a real port"),
    )
    assert [(line.typed, line.remark, line.not_run) for line in commands(found[0])] == [
        ("ablate version", "a remark", None)
    ]


def test_a_block_that_nobody_runs_must_say_why(tmp_path: Path) -> None:
    for text in ("    make test", "```sql\nSELECT 1\n```", "    E = m c2"):
        (block,) = parsed(tmp_path, f"Text.\n\n{text}\n")
        with pytest.raises(ValueError, match="no comment"):
            fate(block)
        (block,) = parsed(tmp_path, f"Text.\n\n<!-- not run: no reader's -->\n\n{text}\n")
        assert fate(block) == {"not run: no reader's": 1}
    (block,) = parsed(tmp_path, "<!-- run by tests/docs/nowhere.py -->\n```sql\nSELECT 1\n```\n")
    with pytest.raises(ValueError, match="nothing in the folder"):
        fate(block)


def test_a_block_that_is_wrong_is_found(tmp_path: Path) -> None:
    for text in ("records: {folder: 3}", "recods: {folder: x}", "gen: {driver: tc-cxn}"):
        assert guess(text) == "yaml"
        with pytest.raises(ValueError):
            judge.yaml_block(text, tmp_path)
    with pytest.raises(ValueError, match="first_batch"):
        judge.json_block('{"schema": "abl/backfill/1", "request": "r"}')
    with pytest.raises(AssertionError, match="exit code 2"):
        run(["rehearse", "--no-such-option"], 0)
