"""One browser and one bench for all of these tests, and pages that must not complain.

Playwright's synchronous calls keep an event loop of their own in this thread, so the browser ends with the last test of
this folder: asynchronous tests of other folders, which share the process, come before it or after.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Error

from tests.browser.pages import CHROMIUM, Pages, chromium
from tests.browser.served import Served
from tests.browser.showing import Showing
from tests.browser.takes import Take, every_state
from tests.process.bench import STARTS_REPEATED


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One for the folder."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: apt install chromium")
    before = set(threading.enumerate())
    with chromium() as browser:
        for thread in set(threading.enumerate()) - before:
            thread.name = f"shared-{thread.name}"  # waits for playwright's own process; ends with it
        yield browser


@pytest.fixture(scope="package")
def served() -> Iterator[Served]:
    """A bench with its panel."""
    with Served() as bench:
        yield bench


@pytest.fixture
def bench(served: Served) -> Iterator[Served]:
    """The bench, in SAFE, and back there afterwards."""
    served.settle()
    yield served
    served.settle()


@pytest.fixture(scope="package")
def take(tmp_path_factory: pytest.TempPathFactory) -> Take:
    """The cooled needle in every state, rehearsed once."""
    return every_state(tmp_path_factory.mktemp("take"))


@pytest.fixture
def cooled(take: Take) -> Iterator[Showing]:
    """A panel that shows any of these states, however busy this machine is; in SAFE."""
    with Showing(take) as shown:
        yield shown


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """A test whose bench was tripped by the load of this machine is repeated, twice at most, and counted."""
    given = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    bench = pyfuncitem.funcargs.get("bench")
    if not isinstance(bench, Served):
        return None
    for attempt in range(3):
        try:
            pyfuncitem.obj(**given)
            break
        except (AssertionError, OSError, Error) as error:
            why = bench.overloaded()
            if not why or attempt == 2:
                error.add_note(f"the bench: {bench.last_words()}")
                raise
            STARTS_REPEATED.append(f"{pyfuncitem.name}: {why}")
            if isinstance(opened := pyfuncitem.funcargs.get("pages"), Pages):
                opened.close()
            bench.settle()
    return True


@pytest.fixture
def pages(browser: Browser) -> Iterator[Pages]:
    """See :class:`Pages`; a page that complains fails the test."""
    opened = Pages(browser)
    yield opened
    assert opened.close() == []
