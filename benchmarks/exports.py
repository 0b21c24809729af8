"""What an export costs: ``python -m benchmarks.exports [--minutes N]``.

A session of one hour at 100 Hz with 20 channels (360 000 ticks, 7.2 million samples) is recorded and exported as the
command does it: verified, read, written, described. Beside it, in the same run, the floor: pyarrow writing the same
arrays, which it is handed. Goals: Parquet <= 5 s, CSV <= 20 s.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import controller.records
from benchmarks.rows import Row, beside, command
from controller.exports.export import export
from controller.exports.reading import Cores
from controller.records.session import Recorder, TickRow
from controller.records.tables import need
from controller.records.verify import verify
from safety.types import Sample

RATE_HZ, CHANNELS = 100, 20
GOAL_S = {"parquet": 5.0, "csv": 20.0}


def record(folder: Path, minutes: float, bench: str = "b") -> Path:
    """A session of noise around a ramp: what real samples cost to write as text."""
    names = [f"device.quantity_{i}_c" for i in range(CHANNELS)]
    recorder = Recorder.create(folder, {"bench": bench}, [{"name": name} for name in names], threaded=False)
    noise = np.random.default_rng(1)
    for block in range(round(minutes)):
        values = (60 + noise.normal(0, 1, (60 * RATE_HZ, CHANNELS))).tolist()
        for i, row in enumerate(values):
            seq = block * 60 * RATE_HZ + i
            t_s = seq / RATE_HZ
            samples = [Sample(name, value, t_s - 0.004) for name, value in zip(names, row, strict=True)]
            recorder.tick(TickRow(seq, t_s, "FIRING", 30.0, 50.0, 30.0, 3, samples, {"phase": "hold", "power_w": 30.0}))
    recorder.close()
    return recorder.path


def timed(what: Callable[[], object]) -> float:
    began = time.perf_counter()
    what()
    return time.perf_counter() - began


def cpu() -> float:
    """Seconds of processors that this process and its ended children have used."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def measured(minutes: float) -> Iterator[Row]:
    """A row a format; targets hold for the whole hour."""
    pa, parquet, csv = need("pyarrow"), need("pyarrow.parquet"), need("pyarrow.csv")  # not in the processes of Cores
    with tempfile.TemporaryDirectory(prefix="abl-") as scratch:
        folder = Path(scratch)
        note = f"{minutes:g} min at {RATE_HZ} Hz x {CHANNELS}"
        yield Row("recording of the session", timed(lambda: record(folder, minutes)), "s", note=note)
        (path,) = folder.rglob("*.ablate")
        yield Row("verify", timed(lambda: verify(path)), "s", note=f"{path.stat().st_size / 1e6:.0f} MB")
        with controller.records.open(path) as session:
            yield Row("read by one process", timed(session.long), "s")
            tables = [table.arrow() for table in session.tables().values()]
        plain = [table.cast(pa.schema([_plain(pa, field) for field in table.schema])) for table in tables]
        floor = {
            "parquet": timed(lambda: [parquet.write_table(table, folder / "floor") for table in tables]),
            "csv": timed(lambda: [csv.write_csv(table, folder / "floor") for table in plain]),
        }
        for form, goal_s in GOAL_S.items():
            began, cpu_s = time.perf_counter(), cpu()
            with Cores() as cores:
                export(path, folder / form, form, reader=cores.read, verifier=cores.begin)
            took_s, cpu_s = time.perf_counter() - began, cpu() - cpu_s
            size = sum(file.stat().st_size for file in (folder / form).rglob("*") if file.is_file())
            row = beside(f"export to {form}", took_s, "s", "pyarrow, of arrays that it is handed", floor[form], None)
            note = f"{cpu_s:.1f} s of processors, {size / 1e6:.0f} MB"
            yield row._replace(target=f"<= {goal_s:g} s", met=took_s <= goal_s, note=note)


def _plain(pa: Any, field: Any) -> Any:
    return pa.field(field.name, pa.string()) if pa.types.is_dictionary(field.type) else field


def main() -> int:
    """Print the table; 1 when a target was missed."""
    return command(__doc__, lambda given: measured(given.minutes), minutes=(float, 60.0, "length of the session"))


if __name__ == "__main__":
    raise SystemExit(main())
