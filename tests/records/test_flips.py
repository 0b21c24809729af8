"""A changed byte anywhere in samples or events is found: a few dozen here, a thousand by ``python -m
tests.records.flips``."""

from __future__ import annotations

from pathlib import Path

from controller.records.verify import verify
from tests.records.flips import flip, pages, session


def test_changed_bytes_are_found(tmp_path: Path) -> None:
    path = session(tmp_path, ticks=400)
    assert verify(path).verdict == "recorded"
    counts = flip(path, 60, seed=3)
    assert counts.total() == 60
    assert not [what for what in counts if what.endswith("missed")]
    assert counts["samples: found"] > 20
    assert counts["events: found"] > 20


def test_every_row_lies_on_a_page_that_is_tried(tmp_path: Path) -> None:
    """The walk over the b-tree reaches the first and the last sample, and the event that overflows its page."""
    path = session(tmp_path, ticks=400)
    whole = path.read_bytes()
    text = {
        table: b"".join(whole[p.start : p.start + p.length] for p in pages(path, table))
        for table in ("samples", "events")
    }
    assert b'"alarm 0"' in text["events"] and b'"alarm 395"' in text["events"]
    assert len(text["samples"]) >= 800 * 20  # two samples a tick
