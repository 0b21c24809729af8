"""The launcher's end: a panel that cannot be is a sentence, and the bench goes on."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from pathlib import Path

import pytest

from controller import beside_panel
from controller.beside_panel import NO_EXTRA, BesidePanel, PanelFailed, Where, of_bench, where
from controller.client import Unreachable

TOLD = {"url": "http://127.0.0.1:8480/", "port": 8480, "pid": os.getpid(), "token": "c", "viewer_token": "v"}


class Said(list[str]):
    def __call__(self, text: str) -> None:
        self.append(text)


def beside(folder: Path, said: Said, port: int | None = None, bench: str = "cooled-rf-sim") -> BesidePanel:
    return BesidePanel(Path(bench), folder, folder / "out", port, said)


async def test_without_the_extra_the_bench_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside_panel, "find_spec", lambda name: None)
    said = Said()
    panel = beside(tmp_path, said)
    await panel.start()
    assert (said, panel.where) == ([NO_EXTRA], None)
    assert "pip install 'openablate[panel]'" in NO_EXTRA
    await panel.close()


async def test_one_that_cannot_start_is_said(tmp_path: Path) -> None:
    said = Said()
    panel = beside(tmp_path, said, bench="no-such-bench")
    await panel.start()
    (text,) = said
    assert text.startswith("no panel: ")
    assert "no-such-bench" in text
    await panel.close()


async def test_a_port_that_was_named_must_be_had(tmp_path: Path) -> None:
    panel = beside(tmp_path, Said(), port=1)
    panel._argv[1:] = ["-c", "import sys; sys.exit('panel: port 1 cannot be listened on')"]
    with pytest.raises(PanelFailed, match=r"^port 1 cannot be listened on$") as raised:
        await panel.start()
    assert raised.value.code == 4
    await panel.close()


def test_links() -> None:
    told = Where(**TOLD)  # type: ignore[arg-type]
    assert told.link() == "http://127.0.0.1:8480/#token=c"
    assert told.link(viewer=True) == "http://127.0.0.1:8480/#token=v"
    assert told.alive
    assert not told._replace(pid=2**22 + 1).alive


@pytest.mark.parametrize("text", ["", "{", "[]", '{"url": "x"}'])
def test_a_file_that_says_nothing_is_no_panel(tmp_path: Path, text: str) -> None:
    (tmp_path / "panel.json").write_text(text)
    assert where(tmp_path) is None


def test_whose_panel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ABLATE_RUNTIME_DIR", str(tmp_path))
    with pytest.raises(Unreachable, match="no bench is running"):
        of_bench(None)
    with contextlib.ExitStack() as running:
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
            daemon = running.enter_context(socket.socket(socket.AF_UNIX))
            daemon.bind(str(tmp_path / name / "control.sock"))
            daemon.listen()
        with pytest.raises(Unreachable, match="a, b: running without a panel"):
            of_bench(None)
    with pytest.raises(Unreachable, match="no bench is running"):
        of_bench(None)  # both were killed, and left their sockets
    (tmp_path / "b" / "panel.json").write_text(json.dumps(TOLD))
    assert of_bench(None)[0] == "b"
    (tmp_path / "a" / "panel.json").write_text(json.dumps(TOLD))
    with pytest.raises(Unreachable, match=r"several benches are running \(a, b\); name one with --bench NAME"):
        of_bench(None)
    assert of_bench("a")[0] == "a"
    with pytest.raises(Unreachable, match="no bench is running"):
        of_bench("c")
