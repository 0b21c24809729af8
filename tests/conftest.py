"""Rules for every test: no task and no thread outlives it, nothing is written outside a scratch folder."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from pathlib import Path

import hypothesis
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from tests.support.clocked import by_clock
from tests.support.virtual_loop import VirtualLoop

pytest.register_assert_rewrite("tests.safety.rig", "tests.watchdog.rules")  # helpers that assert for several files
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ["NO_COLOR"] = "1"

hypothesis.settings.register_profile("gate", derandomize=True, deadline=None, max_examples=100)
hypothesis.settings.register_profile("explore", deadline=None, max_examples=2000)
hypothesis.settings.register_profile("nightly", deadline=None, max_examples=10_000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))

THREAD_GRACE_S = 2.0
THREADS = pytest.StashKey[set[threading.Thread]]()
BEGUN = pytest.StashKey[bool]()


def pytest_configure(config: pytest.Config) -> None:
    """One scratch folder for sockets, pids and latches; its path is short because a Unix socket's must be."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background; programs that are tried inherit it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    scratch = tempfile.mkdtemp(prefix="abl-")
    os.environ["ABLATE_RUNTIME_DIR"] = f"{scratch}/run"
    os.environ["ABLATE_STATE_DIR"] = f"{scratch}/state"
    config.add_cleanup(lambda: shutil.rmtree(scratch, ignore_errors=True))


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """``@pytest.mark.virtual`` puts a test on virtual time."""
    if item.get_closest_marker("virtual"):
        return {"virtual": VirtualLoop}
    return {"real": asyncio.new_event_loop}


class SideBySide(LoadFileScheduling):
    """Who runs what in ``make test``: all files that are judged by the wall clock in one process, one after the other,
    from the beginning; the rest file by file in the others."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return "by the clock" if by_clock(self.config.rootpath / file) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> SideBySide:
    return SideBySide(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Stable: within both halves the order stays."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: not by_clock(item.path))


def pytest_sessionstart(session: pytest.Session) -> None:
    session.stash[BEGUN] = False


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> None:
    """The wall clock's tests are handed out first: a process that begins with anything else makes way for them."""
    if not item.session.stash[BEGUN] and "PYTEST_XDIST_WORKER" in os.environ and not by_clock(item.path):
        os.nice(10)
    item.session.stash[BEGUN] = True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    item.stash[THREADS] = set(threading.enumerate())
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """A thread that outlives its test, its fixtures and its loop spoils a later one: it fails where it began (P41).

    A fixture of a wider scope may keep threads whose names begin with ``shared-``.
    """
    result = yield
    until = time.monotonic() + THREAD_GRACE_S
    leaked = [t for t in threading.enumerate() if t not in item.stash[THREADS] and not t.name.startswith("shared-")]
    for thread in leaked:
        thread.join(max(0.0, until - time.monotonic()))
    names = sorted(t.name for t in leaked if t.is_alive())
    if names:
        pytest.fail(f"threads left running: {', '.join(names)}", pytrace=False)
    return result


@pytest.fixture(autouse=True)
def tasks_are_watched(request: pytest.FixtureRequest) -> None:
    """Asynchronous tests get :func:`no_leaked_tasks` before any other fixture; others need no loop for it."""
    if request.node.get_closest_marker("asyncio"):
        request.getfixturevalue("no_leaked_tasks")


@pytest.fixture
async def no_leaked_tasks() -> AsyncIterator[None]:
    """Fails when a task that began after this point is still pending after the test and its fixtures."""
    before = asyncio.all_tasks()
    yield
    for _ in range(20):  # a task that was cancelled needs some turns to end
        leaked = {t for t in asyncio.all_tasks() - before if t is not asyncio.current_task()}
        if not leaked:
            return
        await asyncio.sleep(0)
    names = sorted(f"{t.get_name()} ({t.get_coro()})" for t in leaked)
    for task in leaked:
        task.cancel()
    await asyncio.gather(*leaked, return_exceptions=True)
    pytest.fail(f"tasks left running: {', '.join(names)}", pytrace=False)


@pytest.fixture
def short_dir() -> Iterator[Path]:
    """A scratch folder whose path leaves room for a Unix socket's name (the system allows 107 bytes in all)."""
    path = Path(tempfile.mkdtemp(prefix="abl-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The folder that holds pyproject.toml."""
    return Path(__file__).resolve().parent.parent
