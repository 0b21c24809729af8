"""What is left of a commissioning: a file for programs, a page for people, and a note by which the bench is known."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from controller.commissioning.job import Seen
from controller.commissioning.live import Found
from controller.commissioning.run import result_of, row_of
from controller.commissioning.table import PROVEN_S, Step
from controller.config import setup
from controller.config.loading import LoadedBench
from controller.records.ids import account, utc_now
from controller.versions import software

SCHEMA = "openablate/commissioning/1"
MARKS = {"passed": "passed", "failed": "**FAILED**", "skipped": "skipped"}


def summary(loaded: LoadedBench, found: Found, left: Sequence[Step], who: str) -> dict[str, Any]:
    """The record of what was ``found``; ``left`` are the steps that were not gone through."""
    rows = [*found.done, *(row_of(step, Seen("skipped", ("not gone through",))) for step in left)]
    return {
        "schema": SCHEMA,
        "bench": loaded.bench.bench,
        "bench_file": str(loaded.path.resolve()),
        "bench_sha256": setup.config_hash(loaded),
        "utc": utc_now(),
        "who": who,
        "user": account(),
        "host": platform.node(),
        "simulated": found.emulated,
        "software": {key: value for key, value in software().items() if key != "plugins"},
        "off_proven_within_s": PROVEN_S,
        "result": result_of(rows),
        "steps": rows,
        "session_files": list(found.sessions),
    }


def write(record: Mapping[str, Any], folder: Path) -> tuple[Path, Path]:
    """``<bench>-<utc>.json`` and ``.md`` in ``folder``. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{record['bench']}-{re.sub('[-:]', '', str(record['utc']))[:15]}Z"
    told, page = folder / f"{stem}.json", folder / f"{stem}.md"
    told.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    page.write_text(in_words(record), encoding="utf-8")
    return told, page


def in_words(record: Mapping[str, Any]) -> str:
    """The page for people."""
    revision = record["software"].get("revision")
    by = f"{record['who']} ({record['user']} on {record['host']})"
    lines = [
        f"# Proof of trip: {record['bench']}",
        "",
        f"**{str(record['result']).upper()}**, {record['utc']}, by {by}.",
        "",
        f"- bench file: `{record['bench_file']}`, SHA-256 of what it says: `{record['bench_sha256']}`",
        f"- software: Openablate {record['software'].get('openablate')}{f', revision {revision}' if revision else ''}",
        f"- off must be proven within {record['off_proven_within_s'] * 1000:g} ms",
    ]
    lines += ["- SIMULATED: emulated devices; this proves nothing about any hardware"] * bool(record["simulated"])
    lines += [f"- session: `{path}`" for path in record["session_files"]]
    lines += ["", "| step | | what was done | what must be seen | what was seen |", "|---|---|---|---|---|"]
    for row in record["steps"]:
        seen = "<br>".join(map(_cell, row["seen"]))
        lines.append(
            f"| {_cell(row['title'])} ({row['step']}) | {MARKS[row['result']]} | {_cell(row['do'])} | "
            f"{_cell(row['see'])} | {seen} |"
        )
    return "\n".join([*lines, "", "Signed: ____________________________", ""])


def _cell(text: object) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def typed_name() -> str:
    """Who is taken to have done it when nobody says."""
    return os.environ.get("SUDO_USER") or account()
