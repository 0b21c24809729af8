"""On paper: with a browser that is there a PDF, without one a sentence that says what to do."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install 'openablate[report]'")

from controller import cli
from controller.report import pdf
from tests.report.applications import application

BROWSER = next((found for name in pdf.BROWSERS if (found := shutil.which(name))), None)


@pytest.mark.process
@pytest.mark.skipif(BROWSER is None, reason="no browser of Chromium's family is installed")
def test_a_browser_prints_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = application(tmp_path)
    assert cli.run(["sessions", "report", str(path), "--pdf"]) == 0
    made = Path(capsys.readouterr().out.strip())
    assert made == path.with_suffix(".pdf")
    assert made.read_bytes().startswith(b"%PDF-")
    assert made.stat().st_size > 20_000


def test_without_a_browser_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(pdf.VARIABLE, raising=False)
    path = application(tmp_path)
    assert cli.run(["sessions", "report", str(path), "--pdf"]) == 3
    told = capsys.readouterr().err
    assert "no browser that can print was found" in told
    assert "install Chromium" in told
    assert str(path.with_suffix(".html")) in told
    assert path.with_suffix(".html").is_file()


@pytest.mark.parametrize(("script", "said"), [("exit 3", "exit code 3"), ("echo broken >&2", "broken")])
def test_a_browser_that_prints_nothing_is_said(script: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    program = tmp_path / "browser"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv(pdf.VARIABLE, str(program))
    with pytest.raises(pdf.PdfError, match=f"printed nothing \\({said}\\)"):
        pdf.write(tmp_path / "page.html", tmp_path / "page.pdf")


def test_a_browser_that_is_none_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(pdf.VARIABLE, "netscape")
    with pytest.raises(pdf.PdfError, match="names netscape, and there is no such program"):
        pdf.browser()
