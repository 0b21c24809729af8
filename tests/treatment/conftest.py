"""A working folder, and rehearsals of plans."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from controller.treatment.loading import join
from controller.treatment.runner import earlier
from sim import rehearsal


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder, so that messages hold plain file names."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def rehearse(here: Path) -> Callable[..., dict[str, Any]]:
    """``rehearse(text, faults=…, resume=session)`` of a plan on ``cooled-rf-sim``: the ``--json`` object."""

    def run(text: str, *, faults: Sequence[str] = (), resume: str | None = None, **more: Any) -> dict[str, Any]:
        (here / "plan.yaml").write_text(text, encoding="utf-8")
        setup = join("cooled-rf-sim", "plan.yaml")
        before = earlier(setup, Path(resume)) if resume is not None else None
        return rehearsal.rehearse(setup, faults=faults, out=here, before=before, **more)

    return run
