"""One export from start to end: verify, read, write under a passing name, describe, rename.

Nothing half-written is ever seen under its name, nothing that exists is replaced unless that is asked for, and a record
that does not verify is not exported unless that is asked for; what was found stands in the export either way.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from controller.exports import csv_files, datapackage, hdf5, parquet, xlsx
from controller.exports.resource import Options, Resource
from controller.records.frames import Reader, Recording, read_samples
from controller.records.past import VerificationError
from controller.records.store import RecordError
from controller.records.tables import Table, need
from controller.records.verify import VerifyResult, verify

Writer = Callable[[Recording, Mapping[str, Table], Path, Options], list[Resource]]

FORMATS: dict[str, Writer] = {
    "csv": csv_files.write,
    "xlsx": xlsx.write,
    "parquet": parquet.write,
    "hdf5": hdf5.write,
}
WANTED: dict[str, tuple[str, ...]] = {
    "csv": (),
    "xlsx": ("openpyxl",),
    "parquet": ("pyarrow", "pyarrow.parquet"),
    "hdf5": ("h5py",),
}
"""What each has to import."""

Verifier = Callable[[Path], Callable[[], VerifyResult]]


class ExportError(Exception):
    """An export cannot be made; the text says what to do."""


class Exported(NamedTuple):
    """What an export is: its folder with ``files`` in it, what verification found, rows of each table."""

    folder: Path
    files: tuple[str, ...]
    verified: VerifyResult
    rows: dict[str, int]


def export(
    path: str | Path,
    out: str | Path,
    form: str,
    *,
    options: Options = Options(),  # noqa: B008 - a frozen tuple
    force: bool = False,
    unverified: bool = False,
    reader: Reader = read_samples,
    verifier: Verifier = lambda path: partial(verify, path),
) -> Exported:
    """Export the session ``path`` below the folder ``out``.

    Args:
        path: The session file; may still be being written: what it holds at this moment is exported.
        out: Made when missing. Parquet goes to ``bench=…/date=…/session=…/``, everything else to ``<name>-<form>/``.
        form: A key of :data:`FORMATS`.
        options: What the formats may do differently.
        force: Replace an export that is there.
        unverified: Export although the file is not as it was recorded; the export says so.
        reader: How samples are fetched.
        verifier: Begins to verify the file; what it returns gives the result, and may wait for it.

    Raises:
        RecordError: no such file, not a session, of a newer version.
        VerificationError: it does not verify, and ``unverified`` is not set.
        ExportError: the export is there already, or cannot be written.
        Missing: a library is needed that is not installed.
    """
    path = Path(path)
    for module in WANTED[form]:
        need(module)  # said before the work
    with Recording(path, reader) as recording:
        target = Path(out) / _place(recording, form, options)
        if target.exists() and not force:
            raise ExportError(f"{target} is there already; --force replaces it, --out names another place")
        result = verifier(path)  # after it was opened: what is exported is part of what is verified
        tables = recording.tables()
        found = result()
        if not found.ok and not unverified:
            raise VerificationError(
                f"{path}: {found.text}; `ablate sessions verify` says where. It is exported with --unverified, and the "
                "export will say so"
            )
        try:
            with _making(target, force) as folder:
                resources = FORMATS[form](recording, tables, folder, options)
                datapackage.write(folder, recording, found, resources)
                files = tuple(sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()))
        except OSError as error:
            raise ExportError(f"{target} cannot be written ({error}); check the folder and its disk") from error
    return Exported(target, files, found, {name: len(table) for name, table in tables.items()})


def _place(recording: Recording, form: str, options: Options) -> Path:
    if form != "parquet":
        return Path(f"{recording.path.stem}-{form}{'-excel' if options.excel else ''}")
    bench, date, session = (str(recording.header.get(key, "")) for key in ("bench", "utc", "id"))
    for what, value in (("bench", bench), ("date", date[:10]), ("session", session)):
        if not value:
            raise RecordError(recording.path, f"its header has no {what}", "export it as csv, xlsx or hdf5")
    return Path(f"bench={quote(bench, safe='')}", f"date={date[:10]}", f"session={quote(session, safe='')}")


@contextlib.contextmanager
def _making(target: Path, force: bool) -> Iterator[Path]:
    """A folder beside ``target`` that takes its name when the block has ended well, and vanishes otherwise."""
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        folder.chmod(0o755)
        yield folder
        if force and target.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{target.name}.old.", dir=target.parent))
            target.rename(old / target.name)
            folder.rename(target)
            shutil.rmtree(old)
        else:
            folder.rename(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
