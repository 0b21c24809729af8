"""Has somebody proven, on record, that this bench trips as it must, and is it still the bench that he proved?"""

from __future__ import annotations

from pathlib import Path

from controller.checkup import Finding, ok, warn
from controller.commissioning.note import noted
from controller.config import setup
from controller.config.loading import LoadedBench
from controller.providers import Providers

SUBJECT = "commissioning"


def commissioned(loaded: LoadedBench) -> list[Finding]:
    """A bench on whose ports nothing real hangs needs none."""
    bench, remedy = loaded.bench.bench, f"ablate commission {loaded.path}"
    note = noted(bench)
    if note is None:
        urls = loaded.bench.ports()
        if Providers(urls).provides(urls):
            return [ok(SUBJECT, "none; nothing real hangs on these ports")]
        return [warn(SUBJECT, "never: nobody has proven on record that E-stop, enable line and limits act", remedy)]
    when = f"{note['utc'][:10]} by {note['who']}"
    if note["bench_sha256"] != setup.config_hash(loaded):
        return [warn(SUBJECT, f"the bench file has changed since {when}", remedy)]
    if note["result"] != "passed":
        return [warn(SUBJECT, f"{note['result']} on {when}: see {note['file']}", remedy)]
    if not Path(note["file"]).is_file():
        return [
            warn(SUBJECT, f"passed on {when}, but its record {note['file']} is gone", f"bring it back, or: {remedy}")
        ]
    return [ok(SUBJECT, f"passed on {when}: {note['file']}")]
