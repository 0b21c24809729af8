"""The daemon alone in a control group that is frozen, or that has no memory left (H24): what a container's runtime or a
service manager can do to it.

Skipped where control groups cannot be made (that takes root).
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.process.bench import Emulated, firing
from tests.process.ends import alive, wait_for
from tests.process.trials import by_watchdog

pytestmark = pytest.mark.process

MOUNTS = Path("/proc/mounts")
LEASE_S = 0.220


def hierarchy(kind: str, option: str = "") -> Path:
    """Where control groups of this kind are made."""
    for mount in MOUNTS.read_text().splitlines():
        _, place, what, options, *_ = mount.split()
        if what == kind and (not option or option in options.split(",")):
            return Path(place)
    pytest.skip(f"there are no control groups of {kind} {option} here")


@contextlib.contextmanager
def group(root: Path, *pids: int) -> Iterator[Path]:
    """A control group with these processes. They are out of it, or dead, before it is removed."""
    folder = root / f"abl-test-{os.getpid()}"
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"a control group cannot be made here: {error}")
    try:
        for pid in pids:
            (folder / "cgroup.procs").write_text(f"{pid}\n")
        yield folder
    finally:
        wait_for(lambda: not (folder / "cgroup.procs").read_text(), "an empty control group")
        folder.rmdir()


def frozen_now(folder: Path) -> Callable[[], object]:
    """Freeze; what thaws."""
    (folder / "cgroup.freeze").write_text("1\n")
    return lambda: (folder / "cgroup.freeze").write_text("0\n")


def frozen_formerly(folder: Path) -> Callable[[], object]:
    """The same in the first version of control groups, where not even SIGKILL ends what is frozen."""
    (folder / "freezer.state").write_text("FROZEN\n")
    return lambda: (folder / "freezer.state").write_text("THAWED\n")


def without_memory(folder: Path) -> Callable[[], object]:
    """What the kernel can take back it takes, and then there is no page more."""
    limit, held = folder / "memory.limit_in_bytes", folder / "memory.usage_in_bytes"
    with contextlib.suppress(OSError):  # EBUSY: it cannot go down further
        for _ in range(100):
            limit.write_text(f"{max(4096, int(held.read_text()) - 4096)}\n")
    return lambda: limit.write_text("-1\n")


FROZEN = {("H24", "lease")}
STARVED = {("H23", "death"), *FROZEN}
"""The kernel kills it at the next page that it needs, or lets it wait for that page."""


@pytest.mark.parametrize(
    ("kind", "option", "take", "causes"),
    [
        ("cgroup2", "", frozen_now, FROZEN),
        ("cgroup", "freezer", frozen_formerly, FROZEN),
        ("cgroup", "memory", without_memory, STARVED),
    ],
    ids=["frozen", "frozen, first version", "no memory"],
)
def test_a_daemon_whose_group_is_taken_from_under_it_is_cut_and_never_comes_back_into_power(
    emulated: Emulated,
    kind: str,
    option: str,
    take: Callable[[Path], Callable[[], object]],
    causes: set[tuple[str, str]],
) -> None:
    with firing(emulated) as live, group(hierarchy(kind, option), live.pids.daemon) as folder:
        begin_s = time.monotonic()
        give_back = take(folder)
        taken_s = time.monotonic()
        try:
            trip = by_watchdog(live, begin_s)
        finally:
            give_back()
        wait_for(lambda: not alive(live.pids.daemon), "the daemon's end")
        time.sleep(0.3)
        off_s = emulated.log.off_s(begin_s)
    assert (trip.hazard, trip.channel) in causes
    assert off_s is not None and off_s - taken_s <= LEASE_S
