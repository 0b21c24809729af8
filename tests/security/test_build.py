"""A program that no revision holds is called so, at the check and in the record."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.checkup import host
from controller.config import setup as setups
from controller.daemon import describe
from controller.records.reader import open_session
from sim import rehearsal


@pytest.mark.parametrize(
    ("revision", "level"),
    [("4de6eea68d68-dirty", "WARN"), ("4de6eea68d68", "OK"), (None, "OK")],
)
def test_doctor_warns_of_a_source_that_was_changed(
    monkeypatch: pytest.MonkeyPatch, revision: str | None, level: str
) -> None:
    monkeypatch.setattr(host, "source_revision", lambda: revision)
    (found,) = [finding for finding in host.versions() if finding.subject == "openablate"]
    assert found.verdict.value == level
    assert (revision or "") in found.text
    assert found.remedy.startswith("commit the changes" if level == "WARN" else "")


def test_the_record_says_which_source_it_was(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(describe, "source_revision", lambda: "4de6eea68d68-dirty")
    describe.revision.cache_clear()
    try:
        setup = setups.load("cooled-rf-sim", "demo-30s")
        result = rehearsal.rehearse(setup, out=tmp_path, faults=["inputs.door@5"])
    finally:
        describe.revision.cache_clear()
    with open_session(result["session_file"]) as session:
        assert session.header["software"]["revision"] == "4de6eea68d68-dirty"
