"""JUnit XML: a case for each application, a failure for a trip, figures as properties."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from xml.etree import ElementTree

import pytest

from controller import cli
from controller.records.session import Recorder
from controller.report import junit

TRIP = {"hazard": "H38", "monitor": "coolant_flow", "text": "flow is 45 ml/min", "check": "pump, tubing"}


def session(folder: Path, *results: str, cut: bool = False, **told: str) -> Path:
    """A session with an application for each result."""
    recorder = Recorder.create(folder, {"bench": "rf\x07", "simulated": True, "seed": 1}, [], threaded=False)
    for number, result in enumerate(results, 1):
        head = {"number": number, "target": "t1", "index": number, "protocol": "ours\x00"}
        recorder.event(number, "application", head)
        if cut and number == len(results):
            break
        end = {"result": result, "energy_j": 100.0 * number, "on_time_s": 10.5, "rolloffs": 1, **told}
        trip = TRIP["text"] if result == "tripped" else None
        recorder.event(number + 0.5, "application_end", {**head, **end, "trip": trip})
        data = {"result": result, "trip": TRIP if result == "tripped" else None, "zone": {"volume_ml": 3.5}, "ticks": 7}
        recorder.event(number + 0.6, "result", data)
    recorder.close({"result": results[-1] if results else "aborted", "reason": None if results else "nobody armed"})
    return recorder.path


def written(*paths: Path) -> ElementTree.Element:
    return ElementTree.parse(junit.write(paths, paths[0].with_suffix(".xml"))).getroot()


def figures(case: ElementTree.Element) -> dict[str, str]:
    return {p.get("name", ""): p.get("value", "") for p in case.findall("properties/property")}


def test_a_case_for_each_application_with_its_figures(tmp_path: Path):
    root = written(session(tmp_path, "completed", "tripped"))
    assert (root.get("tests"), root.get("failures"), root.get("errors"), root.get("time")) == ("3", "1", "0", "21.000")
    first, second, record = root.findall("testsuite/testcase")
    assert (first.get("classname"), first.get("name"), first.get("time")) == ("rf?", "1 t1 1 ours?", "10.500")
    assert figures(first) == {"energy_j": "100.0", "on_time_s": "10.5", "rolloffs": "1"}
    assert first.find("failure") is None
    failure = second.find("failure")
    assert failure is not None
    assert (failure.get("type"), failure.get("message"), failure.text) == (
        "H38 coolant_flow", "flow is 45 ml/min", "check: pump, tubing",
    )  # fmt: skip
    assert {"volume_ml": "3.5", "ticks": "7"}.items() <= figures(second).items()
    assert record.get("name") == "record is as it was written"
    assert len(figures(record)["head"]) == 64


def test_an_application_that_was_aborted_failed(tmp_path: Path):
    failure = written(session(tmp_path, "aborted", reason="let go")).find("testsuite/testcase/failure")
    assert failure is not None
    assert (failure.get("type"), failure.get("message")) == ("aborted", "let go")


def test_an_application_without_its_end_is_an_error(tmp_path: Path):
    root = written(session(tmp_path, "completed", "completed", cut=True))
    assert (root.get("failures"), root.get("errors")) == ("0", "1")


def test_a_session_that_never_fired_failed(tmp_path: Path):
    failure = written(session(tmp_path)).find("testsuite/testcase/failure")
    assert failure is not None
    assert failure.get("message") == "no energy was delivered: nobody armed"


def test_a_changed_record_failed(tmp_path: Path):
    path = session(tmp_path, "completed")
    db = sqlite3.connect(path)
    db.execute("UPDATE events SET data = '{}' WHERE kind = 'result'")
    db.commit()
    db.close()
    failure = written(path).findall("testsuite/testcase")[-1].find("failure")
    assert failure is not None
    assert failure.get("type") == "verification"


def test_as_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = tmp_path / "out.xml"
    rehearsed = ["rehearse", "cooled-rf-sim", "demo-30s", "--fault", "pump.stall@6", "--json", "--junit", str(file)]
    assert cli.run(rehearsed) == 5
    case = ElementTree.parse(file).getroot().find("testsuite/testcase/failure")
    assert case is not None
    assert case.get("type") == "H38 coolant_flow"
    several = [str(session(tmp_path / name, "completed")) for name in "ab"]
    assert cli.run(["sessions", "report", *several, "--junit", str(file)]) == 0
    assert len(ElementTree.parse(file).getroot()) == 2
    assert capsys.readouterr().out.strip().endswith(str(file))
