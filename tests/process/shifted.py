"""The wall clock of one bench's processes alone, set as a test likes: the machine's own stays as it is.

A library that the loader puts before the system's adds so many seconds to what ``clock_gettime``, ``gettimeofday`` and
``time`` say of the wall clock, and to nothing else. It needs a compiler and no privilege. What it cannot show is the
kernel's own part, timers that were set by the wall clock: that does tests/process/test_clock.py, where it may.
"""

from __future__ import annotations

import contextlib
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.process.bench import Emulated

COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
SOURCE = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile long long *ahead_s;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("WALL_CLOCK_AHEAD");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *found = mmap(NULL, sizeof *ahead_s, PROT_READ, MAP_SHARED, file, 0);
    if (found != MAP_FAILED) ahead_s = found;
    close(file);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = (int)syscall(SYS_clock_gettime, clock, now);
    if (!failed && ahead_s && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += *ahead_s;
    return failed;
}

int gettimeofday(struct timeval *now, void *zone) {
    struct timespec exact;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &exact)) return -1;
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *told) {
    struct timespec exact;
    if (clock_gettime(CLOCK_REALTIME, &exact)) return -1;
    if (told) *told = exact.tv_sec;
    return exact.tv_sec;
}
"""


@contextlib.contextmanager
def wall_clock_of(emulated: Emulated) -> Iterator[Callable[[int], None]]:
    """For processes of this bench that start from now on; gives what sets their clock so many seconds ahead.

    Skips the test where nothing can be compiled.
    """
    if COMPILER is None:
        pytest.skip("no compiler here: apt-get install gcc")
    source, library, told = (emulated.memory / name for name in ("shift.c", "shift.so", "ahead"))
    source.write_text(SOURCE)
    made = subprocess.run(
        [COMPILER, "-shared", "-fPIC", "-O2", "-o", library, source], capture_output=True, text=True, check=False
    )
    if made.returncode != 0:
        pytest.skip(f"the compiler makes no library here: {made.stderr[-200:]}")

    def ahead(seconds: int) -> None:
        with told.open("r+b") as file:  # in place: it is mapped
            file.write(struct.pack("=q", seconds))

    told.write_bytes(struct.pack("=q", 0))
    before = dict(emulated.environment)
    preloaded = [str(library), *filter(None, [before.get("LD_PRELOAD")])]
    emulated.environment.update({"LD_PRELOAD": ":".join(preloaded), "WALL_CLOCK_AHEAD": str(told)})
    try:
        yield ahead
    finally:
        emulated.environment.clear()
        emulated.environment.update(before)
