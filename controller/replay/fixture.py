"""A session as a regression test: a pytest file, and beside it what a replay needs of the session, compact."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

from controller.records.words import ORIGIN
from controller.replay.recording import SUFFIX, Happened, Reading, Recording, ReplayError, Row

VERSION = 1

TEST = '''"""{name}: recorded {utc} on {bench} ({origin}). Made by `ablate sessions replay --as-fixture`.

Fails when today's kernel or law decides otherwise than it did, and names the first tick. Where that is meant,
make the fixture anew from the session, or delete both files.
"""

from pathlib import Path

from controller.replay import read, replay

DATA = Path(__file__).with_name("{data}")


def test_{test}_is_decided_as_it_was() -> None:
    found = replay(read(DATA))
    assert found.equal, found.text
    assert found.ticks == {ticks}
'''


def write(recording: Recording, ticks: int, folder: Path) -> tuple[Path, Path]:
    """The test and its data, in ``folder``, which is made when missing; ``ticks``: how many a replay compares.

    Raises:
        OSError: they cannot be written.
    """
    stem = (
        re.sub(r"\W+", "_", Path(recording.name).name.removesuffix(SUFFIX).removesuffix(".ablate")).strip("_").lower()
    )
    header = recording.header
    folder.mkdir(parents=True, exist_ok=True)
    data, test = folder / f"{stem}{SUFFIX}", folder / f"test_{stem}.py"
    plain = json.dumps(_plain(recording), separators=(",", ":"), allow_nan=True)
    data.write_bytes(gzip.compress(plain.encode(), mtime=0))
    origin = ORIGIN[bool(header.get("simulated"))]
    told = {"name": _word(recording.name), "utc": _word(header.get("utc")), "bench": _word(header.get("bench"))}
    test.write_text(TEST.format(**told, origin=origin, data=data.name, test=stem, ticks=ticks), encoding="utf-8")
    return test, data


def load(path: Path) -> Recording:
    """The recording that :func:`write` kept.

    Raises:
        ReplayError: it is no such file, or one of a later version.
    """
    try:
        told = json.loads(gzip.decompress(path.read_bytes()))
        if told["version"] > VERSION:
            raise ReplayError(path, f"it is of version {told['version']}", "read it with a newer openablate")
        return Recording(
            path.name,
            told["header"],
            dict(enumerate(told["channels"], 1)),
            [Row(*row) for row in zip(*told["ticks"], strict=True)],
            [Reading(*row) for row in zip(*told["samples"], strict=True)],
            [Happened(*row) for row in told["events"]],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReplayError(path, f"it is no fixture ({error})", "make it anew with --as-fixture") from error


def _plain(recording: Recording) -> dict[str, Any]:
    """Columns, of which gzip makes a tenth; times and values are exact."""
    numbers = {old: new for new, old in enumerate(recording.channels, 1)}
    samples = [reading._replace(channel=numbers[reading.channel]) for reading in recording.samples]
    return {
        "version": VERSION,
        "header": dict(recording.header),
        "channels": list(recording.channels.values()),
        "ticks": [list(column) for column in zip(*recording.ticks, strict=True)],
        "samples": [list(column) for column in zip(*samples, strict=True)],
        "events": [list(event) for event in recording.events],
    }


def _word(value: object) -> str:
    """For the text of a Python file: what a record says must not end a string."""
    return re.sub(r"[^\w .,:+~-]", "?", str(value))
