"""What goes into the archive, and the list of it."""

from __future__ import annotations

import json
import tempfile
import zipfile
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from controller.bundle import session as sessions
from controller.bundle.secrets import Secrets, known
from controller.records.ids import utc_now
from controller.versions import software

LOG_BYTES = 1_000_000
"""Of each log the end."""
SESSION_BYTES = 500_000_000
LOGS = ("daemon.log", "daemon.error", "neighbour.log", "panel.log")
STATE = ("latch*.json", "ledger.json", "cuts.jsonl", "resets.jsonl", "last-record.json", "commissioning.json")
NEVER = {
    "panel.json": "tokens of a running panel",
    "*.key": "a private key",
    "*.pem": "a certificate or key",
    "*password*": "a password",
}


class StillThere(Exception):
    """A known secret was found in what would have been written; nothing was written (exit code 1)."""

    code = 1


@dataclass
class Bundle:
    """What is gathered: name in the archive -> bytes; and what was left out, with the reason."""

    secrets: Secrets
    inside: dict[str, bytes] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def text(self, name: str, text: str) -> None:
        """Put a text in, without secrets."""
        self.inside[name] = self.secrets.text(text).encode()

    def told(self, name: str, value: Any) -> None:
        """Put a JSON value in, without secrets."""
        self.inside[name] = (json.dumps(self.secrets.value(value), indent=2, default=str) + "\n").encode()

    def file(self, name: str, path: Path) -> None:
        """Put the end of a text file in."""
        try:
            with path.open("rb") as file:
                size = file.seek(0, 2)
                file.seek(max(0, size - LOG_BYTES))
                text = file.read().decode(errors="replace")
        except OSError as error:
            self.left_out.append(f"{path.name}: cannot be read ({error.strerror})")
            return
        cut = f"[the first {size - LOG_BYTES} bytes are left out]\n" if size > LOG_BYTES else ""
        self.text(name, cut + text)

    def listing(self) -> str:
        """What is inside, what is not, and what was taken out of it, for people."""
        lines = [f"made by `ablate bundle`, {utc_now()}", "", "inside:"]
        lines += [f"  {name}  ({len(data)} bytes)" for name, data in sorted(self.inside.items())]
        lines += ["", "left out:", *(f"  {line}" for line in self.left_out or ["nothing"])]
        removed = [f"  {label}: {times} times" for label, times in sorted(self.secrets.removed.items()) if times]
        lines += ["", "removed from what is inside, and replaced by:", *(removed or ["  nothing"])]
        lines += ["", "Look through it before you send it: what a log says in words of its own, no program knows."]
        return "\n".join(lines) + "\n"

    def write(self, out: Path) -> None:
        """Write the archive, whole or not at all.

        Raises:
            StillThere: a known secret is in it.
            OSError: it cannot be written.
        """
        self.inside["CONTENTS.txt"] = self.listing().encode()
        for name, data in self.inside.items():
            if left := self.secrets.left_in(data) or self.secrets.left_in(name.encode()):
                raise StillThere(f"{name} still holds {', '.join(left)}; nothing was written. Please report this")
        new = out.with_name(f".{out.name}.new")
        with zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in sorted(self.inside.items()):
                archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
        new.replace(out)


def gather(
    runtime: Path, state: Path, doctor: Any, bench_files: list[Path], session: Path | None, why_none: str
) -> Bundle:
    """Everything that may help.

    Args:
        runtime: of running benches: their logs.
        state: of all benches: latches, resets, cuts.
        doctor: its findings, as JSON.
        bench_files: as they are now.
        session: the record to put in; None: ``why_none`` says why there is none.
    """
    used = sessions.texts(session) if session is not None else {}
    now = {path.name: path.read_text(encoding="utf-8", errors="replace") for path in bench_files}
    bundle = Bundle(Secrets(known([*used.values(), *now.values()], runtime)))
    bundle.told("versions.json", {**software(), "installed": _installed()})
    bundle.told("doctor.json", doctor)
    for name, text in now.items():
        bundle.text(f"files/{name}", text)
    for name, text in used.items():
        bundle.text(f"session/{name}", text)
    for root, kinds in ((runtime, LOGS), (state, STATE)):
        for kind in kinds:
            for path in sorted(root.glob(f"*/{kind}")):
                bundle.file(f"{'logs' if root is runtime else 'state'}/{path.parent.name}/{path.name}", path)
        for kind, why in NEVER.items():
            bundle.left_out += [f"{path.parent.name}/{path.name}: {why}" for path in sorted(root.glob(f"*/{kind}"))]
    if session is None:
        bundle.left_out.append(f"a session: {why_none}")
    elif (size := session.stat().st_size) > SESSION_BYTES:
        bundle.left_out.append(f"{session.name}: {size / 1e6:.0f} MB; send it by another way")
    else:
        _put_session(bundle, session)
    return bundle


def _put_session(bundle: Bundle, path: Path) -> None:
    from controller.records.past import doubt

    with tempfile.TemporaryDirectory(prefix="abl-") as folder:
        copy = Path(folder) / path.name
        sessions.copied(path, copy, bundle.secrets)
        bundle.inside[f"session/{path.name}"] = copy.read_bytes()
    found = doubt(path)
    said = f"it does not verify: {found}" if found else "it verifies"
    text = f"The original of {path.name}: {said}. This copy does not: names and secrets were taken out of it.\n"
    bundle.text("session/README.txt", text)


def _installed() -> dict[str, str]:
    """Every distribution of this environment, ours and others'."""
    return dict(sorted((str(one.metadata["Name"]), one.version) for one in metadata.distributions()))
