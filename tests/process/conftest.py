"""One emulated bench for each module, and the measured times at the end of the run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from tests.mqtt.conftest import broker as broker
from tests.process.bench import STARTS_REPEATED, Emulated
from tests.process.orphan import Orphan
from tests.process.trials import FIGURES


@pytest.fixture(scope="module")
def emulated() -> Iterator[Emulated]:
    """The bench on the wire, by ``ablate emulate``."""
    with Emulated() as bench:
        yield bench


@pytest.fixture(scope="module")
def benches() -> Iterator[list[Emulated]]:
    """Four benches on the wire. Only where the bound leaves room for it do several work at a time."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(Emulated()) for _ in range(4)]


@pytest.fixture(scope="session")
def orphan() -> Iterator[Orphan]:
    """A run on ``sim://`` ports whose launcher was killed in FIRING. Its neighbour outlives it by half a minute."""
    with Emulated(serve=False) as bench:
        made = Orphan.make(bench)
        yield made
        made.wait_out()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if FIGURES:
        terminalreporter.section("time to 0 W, from the emulator's power log")
        for figure in FIGURES.values():
            terminalreporter.line(figure.text)
    if STARTS_REPEATED:
        terminalreporter.section("starts that were repeated: the machine was overloaded before anything was injected")
        for text in STARTS_REPEATED:
            terminalreporter.line(text)
