"""What an export costs: ``python -m benchmarks.exports [--minutes N]``.

A session of one hour at 100 Hz with 20 channels (360 000 ticks, 7.2 million samples) is recorded and exported as the
command does it: verified, read, written, described. Beside it, in the same run, the floor: pyarrow writing the same
arrays, which it is handed. Goals: Parquet <= 5 s, CSV <= 20 s.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import controller.records
from controller.exports.export import export
from controller.exports.reading import Cores
from controller.records.session import Recorder, TickRow
from controller.records.tables import need
from controller.records.verify import verify
from safety.types import Sample

RATE_HZ, CHANNELS = 100, 20
GOAL_S = {"parquet": 5.0, "csv": 20.0}


def record(folder: Path, minutes: float) -> Path:
    """A session of noise around a ramp: what real samples cost to write as text."""
    names = [f"device.quantity_{i}_c" for i in range(CHANNELS)]
    recorder = Recorder.create(folder, {"bench": "b"}, [{"name": name} for name in names], threaded=False)
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


def main() -> int:
    """Print the figures; 1 when a goal is missed (goals hold for the whole hour)."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0, help="length of the session")
    minutes = parser.parse_args().minutes
    pa, parquet, csv = need("pyarrow"), need("pyarrow.parquet"), need("pyarrow.csv")  # not in the processes of Cores
    with tempfile.TemporaryDirectory(prefix="abl-") as scratch:
        folder = Path(scratch)
        print(f"recorded in {timed(lambda: record(folder, minutes)):.1f} s ({minutes:g} min, {os.cpu_count()} cores)")
        (path,) = folder.rglob("*.ablate")
        print(f"  the file: {path.stat().st_size / 1e6:.0f} MB; verify alone {timed(lambda: verify(path)):.2f} s")
        with controller.records.open(path) as session:
            print(f"  read by one process {timed(session.long):.2f} s")
            tables = [table.arrow() for table in session.tables().values()]
        plain = [table.cast(pa.schema([_plain(pa, field) for field in table.schema])) for table in tables]
        floor = {
            "parquet": timed(lambda: [parquet.write_table(table, folder / "floor") for table in tables]),
            "csv": timed(lambda: [csv.write_csv(table, folder / "floor") for table in plain]),
        }
        reached = True
        for form, goal_s in GOAL_S.items():
            began, cpu_s = time.perf_counter(), cpu()
            with Cores() as cores:
                export(path, folder / form, form, reader=cores.read, verifier=cores.begin)
            took_s, cpu_s = time.perf_counter() - began, cpu() - cpu_s
            size = sum(file.stat().st_size for file in (folder / form).rglob("*") if file.is_file())
            print(
                f"{form}: {took_s:.2f} s ({cpu_s:.1f} s of processors), {size / 1e6:.0f} MB; "
                f"pyarrow alone {floor[form]:.2f} s (ratio {took_s / floor[form]:.1f}); goal <= {goal_s:g} s an hour"
            )
            reached &= took_s <= goal_s
    return 0 if reached else 1


def _plain(pa: Any, field: Any) -> Any:
    return pa.field(field.name, pa.string()) if pa.types.is_dictionary(field.type) else field


if __name__ == "__main__":
    raise SystemExit(main())
