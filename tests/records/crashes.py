"""What is left when a writer dies: ``python -m tests.records.crashes [--kills N] [--cuts N] [--seed S]``.

**Kills**: a child process records 200 ticks a second and is killed (``kill -9``) at a random moment of its life, while
it begins, writes, or closes. It had said which ticks it handed over, when, and which of them it was told are durable.

**Power cuts**: a session is written, and the disk as each commit left it is kept. A power cut during the next commit
leaves of what was not yet synced any part: each sector (512 bytes) of the log old, new, torn, or filled with anything
where new bytes were being written; the same for the pages of the session file while a checkpoint copies to them; the
index of the log (-shm), which is never synced, full of anything. SQLite syncs the log before a commit returns and
before a checkpoint begins, and the file before the log is used again (``synchronous=FULL``; sqlite.org/wal.html).

Each time the file must open and verify, lack no committed row, and hold no part of a batch; and it must still be so
after the log was folded in and one clean file is left (beside it perhaps the log under another name, where a power
cut left in it what looks like more than one commit).
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import signal
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from controller.records.fold import fold
from controller.records.ids import SUFFIX
from controller.records.session import Recorder
from controller.records.store import NothingRecorded
from controller.records.verify import VerifyResult, verify
from tests.records.recording import CHANNELS, HEADER, UTC, row

SECTOR = 512
RATE_HZ = 200.0
PROMISED_S = 0.1


def judged(path: Path) -> VerifyResult:
    """Verify, fold in, verify again; both must say the same, and one file must be left."""
    first = verify(path)
    assert first.ok, first.problems
    assert fold(path), f"{path} was not folded in"
    assert {part.name for part in path.parent.iterdir()} <= {path.name, f"{path.name}-wal.cut"}
    second = verify(path)
    assert (second.ok, second.head, second.ticks, second.closed) == (True, first.head, first.ticks, first.closed)
    return second


# -- kills


def kill(folder: Path, chance: random.Random) -> tuple[str, float]:
    """One child, killed. Returns what was left (``nothing``, ``unfinished``, ``closed``) and for how long the oldest
    tick that is not in the file had been handed over, in s."""
    ticks, after_s = chance.randrange(20, 80), chance.uniform(0.0, 0.3)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _record(folder, ticks, writing)
    os.close(writing)
    early = chance.random() < 0.2  # perhaps before there is a file
    begun = b"" if early else os.read(reading, 4096)
    time.sleep(after_s)
    os.kill(child, signal.SIGKILL)
    killed_s = time.monotonic()
    os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as pipe:
        said = [line.split() for line in (begun + pipe.read()).splitlines(keepends=True) if line.endswith(b"\n")]
    paths = list(folder.rglob(f"*{SUFFIX}"))
    try:
        result = judged(paths[0]) if paths else None
    except NothingRecorded:
        result = None
    if result is None:
        assert not said
        return "nothing", 0.0
    held = -1 if result.last_tick is None else result.last_tick
    assert result.ticks == held + 1
    durable = max((int(durable) for _, durable, _ in said), default=-1)
    assert held >= durable, f"tick {durable} was told to be durable, the file ends with {held}"
    lost = [float(at_s) for seq, _, at_s in said if int(seq) > held]
    return "closed" if result.closed else "unfinished", killed_s - lost[0] if lost else 0.0


def _record(folder: Path, ticks: int, pipe: int) -> None:
    """What the child does; it never returns."""
    recorder = Recorder.create(folder, HEADER, CHANNELS, t_s=-0.05)
    began_s = time.monotonic()
    for seq in range(ticks):
        durable = round(recorder.status().t_durable_s / 0.05)
        recorder.tick(row(seq))
        os.write(pipe, f"{seq} {durable} {time.monotonic()}\n".encode())
        time.sleep(max(0.0, began_s + (seq + 1) / RATE_HZ - time.monotonic()))
    recorder.close({"result": "completed"})
    os._exit(0)


# -- power cuts


class Disk(NamedTuple):
    """The session file and its log after a commit, and the number of the newest batch."""

    file: bytes
    log: bytes
    batch: int


def commits(folder: Path, chance: random.Random, count: int) -> list[Disk]:
    """Write a session of ``count`` commits of any size, with a checkpoint now and then; the disk after each."""
    recorder = Recorder.create(folder, HEADER, CHANNELS, utc=lambda: UTC, threaded=False)
    recorder._store._db.execute("PRAGMA wal_autocheckpoint=40")
    log, seq = Path(f"{recorder.path}-wal"), itertools.count()
    disks = [Disk(recorder.path.read_bytes(), b"", -1), Disk(recorder.path.read_bytes(), log.read_bytes(), 0)]
    while len(disks) <= count:
        for _ in range(chance.choice((1, 1, 4, 20, 80))):
            recorder.tick(row(next(seq)))
        recorder.cursor("mqtt", max(0, recorder.head - 1))
        recorder.event(recorder.status().t_durable_s, "trip")
        assert recorder.head == disks[-1].batch + 1
        disks.append(Disk(recorder.path.read_bytes(), log.read_bytes(), recorder.head))
    recorder.close()
    return disks


def cut(folder: Path, disks: list[Disk], chance: random.Random) -> str:
    """The power fails once. Returns when: ``commit`` or ``checkpoint``."""
    k = chance.randrange(len(disks) - 1)
    before, after = disks[k], disks[k + 1]
    checkpoint = before.file != after.file and chance.random() < 0.5
    path = folder / f"cut{SUFFIX}"
    path.write_bytes(torn(before.file, after.file, chance) if checkpoint else before.file)
    log = after.log if checkpoint else torn(before.log, after.log, chance)
    if log or chance.random() < 0.5:
        Path(f"{path}-wal").write_bytes(log)
        if chance.random() < 0.3:
            Path(f"{path}-shm").write_bytes(chance.randbytes(32768))
    try:
        result = judged(path)
        held = result.batches - 1
    except NothingRecorded:
        held = -1
    assert held in ((after.batch,) if checkpoint else (before.batch, after.batch)), (k, held)
    for part in folder.iterdir():
        part.unlink()
    return "checkpoint" if checkpoint else "commit"


def torn(before: bytes, after: bytes, chance: random.Random) -> bytes:
    """A file that was being changed from ``before`` to ``after``, with any part of the change on the disk. Bytes that
    were not being written stay as they were."""
    size = max(len(before), len(after))
    old, new = before.ljust(size, b"\0"), after.ljust(size, b"\0")
    out, last, luck = bytearray(old), len(before), chance.random()
    for at in range(0, size, SECTOR):
        was, will = old[at : at + SECTOR], new[at : at + SECTOR]
        if was == will and at + SECTOR <= len(before):
            continue
        fate = chance.random()
        if fate < luck:
            got = will
        elif fate < 0.9 + 0.1 * luck:
            continue
        else:
            split = chance.randrange(SECTOR)
            noise = bytes(chance.randrange(256) if a != b else a for a, b in zip(was, will, strict=True))
            rest = chance.choice((was, noise))
            got = will[:split] + rest[split:]
        out[at : at + len(got)] = got
        last = max(last, at + len(got))
    return bytes(out[:last])


def main() -> int:
    """Print what was left; an assertion ends it where that is not enough."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--cuts", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    chance = random.Random(args.seed)
    left: dict[str, int] = {}
    lacking: list[float] = []
    for _ in range(args.kills):
        with tempfile.TemporaryDirectory(prefix="abl-") as folder:
            what, lost_s = kill(Path(folder), chance)
        left[what] = left.get(what, 0) + 1
        lacking.append(lost_s)
    lacking.sort()
    if lacking:
        print(f"{args.kills} kills: " + ", ".join(f"{n} {what}" for what, n in sorted(left.items())))
        print("every file opened and verified, no tick that was told durable was missing; handed over and lost:")
        print(f"  median {lacking[len(lacking) // 2]:.3f} s, 99 % {lacking[len(lacking) * 99 // 100]:.3f} s,"
              f" longest {lacking[-1]:.3f} s; 100 ms are promised")  # fmt: skip
    cuts: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="abl-") as folder, tempfile.TemporaryDirectory(prefix="abl-") as scratch:
        disks = commits(Path(folder), chance, 60)
        for _ in range(args.cuts):
            when = cut(Path(scratch), disks, chance)
            cuts[when] = cuts.get(when, 0) + 1
    print(f"{args.cuts} power cuts: " + ", ".join(f"{n} in a {what}" for what, n in sorted(cuts.items())))
    print("every file opened and verified, no committed row was missing, no part of a batch was there")
    many = len(lacking) >= 100  # of fewer, one that the scheduler held up says nothing
    return 1 if many and lacking[len(lacking) * 99 // 100] > PROMISED_S else 0


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        raise SystemExit(main())
