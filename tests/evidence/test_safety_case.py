"""The safety case says what was shown, what was not, and nothing else."""

from __future__ import annotations

import html.parser
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from controller import cli
from controller.evidence import layers, page
from controller.evidence.argument import claims, failures, table
from controller.evidence.store import Evidence, Found
from controller.hazards import Hazard

STALL = Hazard(
    id="H38",
    title="the pump stalls <- motor",
    kind="interlock",
    action=("TRIP",),
    alarm="high",
    latch="latched",
    interlock=("safety.monitors.coolant: flow_low",),
    threshold="below 70 % for 0.3 s",
    trips_within_s=0.6,
    injection=("pump.stall",),
    proof=("tests/a.py::test_flow", "tests/a.py::test_other"),
)
OPEN = Hazard(id="H79", title="a web page", kind="open", action=(), alarm="low", latch="none", missing="all of it")


def evidence(rows: list[dict[str, Any]], **figures: int) -> Evidence:
    return Evidence(what="w", command="c", when="2026-11-22T14:00:00Z", commit="abc", figures=figures, rows=rows)


def run(test: str, passed: int = 1, failed: int = 0, skipped: int = 0) -> dict[str, Any]:
    return {"test": f"tests/a.py::{test}", "passed": passed, "failed": failed, "skipped": skipped}


def line(**changed: Any) -> dict[str, Any]:
    good = {"fault": "pump.stall", "class": "flow", "runs": 40, "verdicts": {"OK": 40}, "off_worst_s": 0.554}
    return {**good, "worst_j": 83.2, "allowed_s": 0.6, **changed}


BOTH = [run("test_flow", 3), run("test_other")]


@pytest.mark.parametrize(
    ("hazard", "tests", "campaign", "status"),
    [
        (STALL, BOTH, [line()], "shown"),
        (STALL, BOTH, [], "partly shown"),
        (STALL, [], [line()], "partly shown"),
        (STALL, [run("test_flow")], [line()], "partly shown"),
        (STALL, [run("test_flow"), run("test_other", 0, 0, 1)], [line()], "partly shown"),
        (STALL, [run("test_flow"), run("test_other", 5, 1)], [line()], "FAILED"),
        (STALL, BOTH, [line(verdicts={"OK": 39, "LATE": 1})], "FAILED"),
        (STALL, [], [], "not run"),
        (STALL, [], [line(fault="pump.leak")], "not run"),
        (OPEN, [], [], "open"),
    ],
)
def test_the_status_of_a_hazard(
    hazard: Hazard, tests: list[dict[str, Any]], campaign: list[dict[str, Any]], status: str
) -> None:
    found = Found({"tests": evidence(tests), "campaign": evidence(campaign)}, {})
    (claim,) = claims([hazard], found)
    assert claim.status == status


def test_what_failed_is_an_open_point() -> None:
    found = Found(
        {
            "tests": evidence([run("test_flow", 0, 1), run("test_other")]),
            "campaign": evidence([line(), line(verdicts={"OK": 38, "MISSED": 2})]),
            "processes": evidence([{"fault": "x", "hazards": ["H38"], "max_ms": 7.5}]),
        },
        {},
    )
    (claim,) = claims([STALL], found)
    assert claim.open_points == ("tests/a.py::test_flow failed", "campaign, pump.stall: 2 MISSED")
    assert [row["max_ms"] for row in claim.others] == [7.5]


def case(found: Found, stale: dict[str, str] | None = None) -> str:
    made = claims([STALL, OPEN], found)
    return page.render(made, found, when="2026-11-22T14:00:00Z", commit="abc", stale=stale or {})


def test_what_a_run_counts_as_wrong_is_said() -> None:
    found = Found(
        {
            "mutation": evidence([], killed=500, survived=19, crashed=0),
            "campaign": evidence([], OK=7, MISSED=1),
            "exploration": evidence([], states=5, violations=2),
            "tests": evidence([], passed=3, failed=0),
        },
        {},
    )
    assert failures(found) == ("w: 19 survived", "w: 1 MISSED", "w: 2 violations")
    text = case(found)
    assert text.count("w: 19 survived") == 2  # at the top, and among the open points


def test_a_case_that_holds_has_no_warning() -> None:
    good = evidence([], states=5)
    found = Found(dict.fromkeys(("campaign", "tests", "exploration", "mutation", "processes", "soak"), good), {})
    assert "<div class=warn>" not in case(found)


class Strict(html.parser.HTMLParser):
    """Tags that are open, and everything that would load or run something."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.reaching: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "img", "link", "iframe", "object", "video", "audio", "form"}:
            self.reaching.append(tag)
        self.reaching += [f"{k}={v}" for k, v in attrs if k.startswith("on") or k == "src"]
        self.reaching += [f"{k}={v}" for k, v in attrs if k == "href" and not str(v).startswith("#")]
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_without_evidence_everything_is_not_run() -> None:
    text = case(Found({}, {"mutation": "the file: Invalid JSON"}))
    assert "This case does not hold yet." in text
    for what in ("fault campaign", "tests that the hazard table names", "search of the kernel", "trials of real"):
        assert re.search(rf"{what}[^<]*: not run", text)
    assert "mutation: cannot be read (the file: Invalid JSON)" in text
    assert "<h2>Fault campaign</h2><p>Not run.</p>" in text
    assert not re.search(r"all OK|\d J,|0 W after", text)


def test_the_page_is_whole_and_reaches_nothing() -> None:
    nasty = "<script>alert(1)</script>\x1b[2J&"
    found = Found(
        {
            "tests": evidence(BOTH, tests=2),
            "campaign": evidence([line(), line(fault=nasty)], injected=80, OK=80),
            nasty: evidence([{nasty: nasty, "n": 3}]),
        },
        {},
    )
    text = case(found, {"campaign": nasty})
    parser = Strict()
    parser.feed(text)
    parser.close()
    assert parser.open == []
    assert parser.reaching == []
    assert "<script" not in text
    assert "default-src 'none'" in text
    assert "0 W after at most 0.554 s (allowed 0.6), at most 83.2 J" in text
    assert "<span class=ok>passed</span> <span class=mono>tests/a.py::test_flow</span> (3 cases)" in text
    assert "<a href=#H38>H38</a>" in text and "<section class=hazard id=H38>" in text


def test_the_shipped_table_makes_a_page() -> None:
    made = claims(table(), Found({}, {}))
    assert [claim.hazard.id for claim in made] == [f"H{n:02}" for n in range(1, 83)]
    assert {claim.status for claim in made} <= {"not run", "open", "at the bench"}
    text = page.render(made, Found({}, {}), when="2026-11-22T14:00:00Z", commit="abc", stale={})
    assert all(f"id={claim.hazard.id}>" in text for claim in made)


# ---- the layer table


TRIALS = [
    {"fault": "daemon killed", "trials": 20, "max_ms": 7.4},
    {"fault": "SIGSTOP of a cgroup", "trials": 5, "max_ms": 180.2, "layer": "watchdog"},
    {"fault": "lose_wakeup", "trials": 20, "max_ms": 157.9},
    {"fault": "wall clock jumped", "trials": 20, "bound_ms": None, "median_ms": None, "max_ms": None},
]


def test_layers_show_the_worst_of_what_was_run() -> None:
    rows = [
        line(),
        line(off_worst_s=0.4, runs=2),
        line(**{"class": "data", "off_worst_s": 0.39}),
        line(off_worst_s=None),
        line(**{"class": "data", "off_worst_s": 2.0, "latent": "enable.weld", "runs": 3}),
        line(off_worst_s=0.556, latent="enable.weld"),
    ]
    found = Found({"processes": evidence(TRIALS), "campaign": evidence(rows)}, {})
    told = {row[0]: row[4] for row in layers.rows(found)}
    assert told == {
        "law and protocol limits": "-",
        "kernel and gate": "data 390 ms (n = 40), behind a latent fault 2000 ms (n = 3); flow 554 ms (n = 42)",
        "permit lease": "lost await 158 ms (n = 20)",
        "watchdog": "SIGKILL 7 ms (n = 20); SIGSTOP of a cgroup 180 ms (n = 5)",
        "(the daemon, when its watchdog dies)": "not run",
        "enable line": "with the next row",
        "the device's own dead-man": "not run",
        "hard-wired E-stop": "-",
    }
    assert "Processes: `c`, 2026-11-22, revision abc." in layers.markdown(found)
    assert "Campaign: not run." in layers.markdown(Found({}, {}))


def test_only_what_is_between_the_markers_is_written() -> None:
    text = f"before\n{layers.BEGIN}\nold\n{layers.END}\nafter\n"
    once = layers.put(text, Found({}, {}))
    assert once.startswith(f"before\n{layers.BEGIN}\n\n| layer |")
    assert once.endswith(f"{layers.END}\nafter\n")
    assert "old" not in once
    assert layers.put(once, Found({}, {})) == once
    for wrong in ("nothing", f"{layers.END}{layers.BEGIN}", text + text):
        with pytest.raises(ValueError, match="once each"):
            layers.put(wrong, Found({}, {}))


# ---- the command


def test_the_command_writes_the_page_and_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    readme = tmp_path / "README.md"
    readme.write_text(f"{layers.BEGIN}\n{layers.END}\n")
    assert cli.run(["safety-case", "--readme", "README.md"]) == 0
    told = capsys.readouterr().out
    assert "docs/safety-case.html: 82 hazards, 0 failed" in told
    assert "not run: campaign, tests, exploration, mutation, processes, soak" in told
    assert "<h1>Openablate: safety case</h1>" in (tmp_path / "docs/safety-case.html").read_text()
    assert "| kernel and gate |" in readme.read_text()
    assert cli.run(["safety-case", "--strict"]) == 8
    readme.write_text("no markers")
    assert cli.run(["safety-case", "--readme", "README.md"]) == 3
    assert "once each" in capsys.readouterr().err


# ---- what pytest leaves


TESTS = """
import pytest
@pytest.fixture
def broken(): raise OSError
@pytest.mark.parametrize("n", [1, 2, "[x]"])
def test_many(n): assert n != 2
def test_good(): pass
def test_set_up(broken): pass
def test_skipped(): pytest.skip("no")
class TestOne:
    def test_inside(self): pass
"""


def test_pytest_leaves_what_passed_and_failed(tmp_path: Path, repository: Path) -> None:
    (tmp_path / "test_x.py").write_text(TESTS)
    (tmp_path / "test_y.py").write_text("import nothing_of_that_name\n")
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.support.evidence", "--rootdir", str(tmp_path)]
    out = tmp_path / "tests.json"
    subprocess.run(
        [sys.executable, *words, "-c", "/dev/null", "--continue-on-collection-errors", "--evidence", out, tmp_path],
        cwd=repository,
        capture_output=True,
        timeout=60,
    )
    told = json.loads(out.read_text())
    counts = {
        row["test"].removeprefix("test_x.py::"): [row[k] for k in ("passed", "failed", "skipped")]
        for row in told["rows"]
    }
    assert counts == {
        "test_many": [2, 1, 0],
        "test_good": [1, 0, 0],
        "test_set_up": [0, 1, 0],
        "test_skipped": [0, 0, 1],
        "TestOne::test_inside": [1, 0, 0],
        "test_y.py": [0, 1, 0],
    }
    assert told["figures"] == {"tests": 5, "passed": 4, "failed": 3, "skipped": 1}
