"""One mutant in one process: the changed module is served from memory, the tests run, and what they say is judged.

Only an assertion kills: an AssertionError, or a failure that pytest or hypothesis states, raised by a test or its
helpers. Any other exception is a crash, and so is an assertion of the code under test; a crash ends nothing, the next
tests still may kill.
"""

from __future__ import annotations

import gc
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import CodeType, ModuleType
from typing import Any

import pytest

from tests.mutation.targets import ROOT, source

KILLED, SURVIVED, CRASHED, TIMEOUT, NO_TESTS, INFRA = "killed", "survived", "crashed", "timeout", "no tests", "infra"
MEMORY_MAX = 4 << 30
OPTIONS = (
    "-q", "--assert=plain", "--tb=native", "--continue-on-collection-errors", "-p", "no:cacheprovider",
    "-p", "no:unraisableexception", "-o", "timeout=0", "-o", "addopts=--import-mode=importlib",
)  # fmt: skip
WARM = (
    "hypothesis", "hypothesis.strategies", "pytest_asyncio.plugin", "pytest_timeout", "_hypothesis_pytestplugin",
    "tests.support.virtual_loop",
)  # fmt: skip
PHASES = ("explicit", "generate")  # a failure is a failure: it need not be shrunk

Answer = dict[str, Any]


class Served(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the changed code to whoever imports the module, and nothing else."""

    def __init__(self, module: str, code: CodeType) -> None:
        self.module, self.code, self.used = module, code, False

    def find_spec(self, name: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:
        """See :class:`importlib.abc.MetaPathFinder`."""
        if name != self.module:
            return None
        file = source(name)
        folders = [str(file.parent)] if file.name == "__init__.py" else None
        return importlib.util.spec_from_file_location(name, file, loader=self, submodule_search_locations=folders)

    def exec_module(self, module: ModuleType) -> None:
        """See :class:`importlib.abc.Loader`."""
        self.used = True
        exec(self.code, vars(module))


class Judge:
    """A pytest plug-in: says who kills at the first assertion that fails; remembers crashes, times every test.

    ``left_out`` are not asked; ``order``: seconds that tests took, the quick go first. Without ``stops`` all are asked,
    as is done once with the unchanged module. ``killed`` does not return.
    """

    def __init__(self, left_out: frozenset[str], order: Mapping[str, float], stops: bool = False) -> None:
        self.left_out, self.order, self.stops = left_out, order, stops
        self.killed: Callable[[str], None] | None = None
        self.crashes: dict[str, str] = {}
        self.seconds: dict[str, float] = {}
        self.failed: list[str] = []

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """The quick first, each once."""
        items[:] = [item for item in items if item.nodeid not in self.seconds and item.nodeid not in self.left_out]
        items.sort(key=lambda item: self.order.get(item.nodeid, 0.0))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        """Measure."""
        begin_s = time.process_time()
        try:
            return (yield)
        finally:
            self.seconds[item.nodeid] = round(time.process_time() - begin_s, 4)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        """Judge a test."""
        if call.excinfo is not None and not isinstance(call.excinfo.value, pytest.skip.Exception):
            self._judge(item.nodeid, call.excinfo.value, call.when == "call")

    def pytest_exception_interact(self, node: pytest.Collector, call: pytest.CallInfo[None]) -> None:
        """Judge what was raised while a test module was imported: some drive the kernel there."""
        if call.when == "collect" and call.excinfo is not None:
            self._judge(node.nodeid, call.excinfo.value, True)

    def _judge(self, node: str, error: BaseException, may_kill: bool) -> None:
        self.failed.append(node)
        if not (may_kill and asserted(error)):
            self.crashes.setdefault(type(error.__cause__ or error).__name__, node)
        elif self.killed is not None:
            self.killed(node)


def asserted(error: BaseException) -> bool:
    """True when a test states that something is not so."""
    if isinstance(error, BaseExceptionGroup):
        return any(asserted(one) for one in error.exceptions)
    if not isinstance(error, AssertionError | pytest.fail.Exception):
        return False
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    raised_in = "" if frame is None else frame.tb_frame.f_code.co_filename
    return not raised_in.startswith((f"{ROOT}/safety/", f"{ROOT}/drivers/"))


def fork(module: str, code: CodeType, phases: Sequence[Sequence[str]], judge: Judge, cpu_s: float) -> tuple[int, int]:
    """Start a child; its process id, and the descriptor from which its answer comes. Each of ``phases`` are test files
    or nodes."""
    answer, theirs = os.pipe()
    pid = os.fork()
    if pid:
        os.close(theirs)
        return pid, answer

    def say(verdict: str, by: str) -> None:
        told = {"verdict": verdict, "by": by, "crashes": sorted(judge.crashes), "failed": judge.failed}
        with os.fdopen(theirs, "w") as pipe:
            json.dump({**told, "seconds": judge.seconds}, pipe)
        os._exit(0)

    try:
        os.setsid()
        os.close(answer)
        if "MUTATION_SHOW" not in os.environ:
            silent = os.open(os.devnull, os.O_RDWR)
            for fd in (0, 1, 2):
                os.dup2(silent, fd)
        resource.setrlimit(resource.RLIMIT_CPU, (round(cpu_s) + 1, round(cpu_s) + 3))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))
        if judge.stops:
            judge.killed = lambda node: say(KILLED, node)
        say(*_run(module, code, phases, judge))
    finally:
        os._exit(1)


def _run(module: str, code: CodeType, phases: Sequence[Sequence[str]], judge: Judge) -> tuple[str, str]:
    served = Served(module, code)
    sys.meta_path.insert(0, served)
    sys.dont_write_bytecode = True
    for nodes in phases:
        if nodes:
            pytest.main([*OPTIONS, *nodes], plugins=[judge])
    if judge.crashes:
        return CRASHED, next(iter(judge.crashes.values()))
    return (SURVIVED if served.used and judge.seconds else NO_TESTS), ""


def warm() -> None:
    """Import what every child needs and none mutates."""
    for name in WARM:
        importlib.import_module(name)
    import hypothesis

    phases = [hypothesis.Phase[name] for name in PHASES]
    hypothesis.settings.register_profile(
        "mutation", derandomize=True, deadline=None, max_examples=100, phases=phases, database=None
    )
    os.environ["HYPOTHESIS_PROFILE"] = "mutation"
    taken = [name for name in sys.modules if name.split(".")[0] in ("safety", "drivers", "sim", "controller")]
    if taken:
        raise RuntimeError(f"already imported, so it could not be mutated: {taken}")
    gc.collect()
    gc.freeze()


def compiled(module: str, tree: Any) -> CodeType:
    """The code of a tree under its module's own file name."""
    return compile(tree, str(source(module)), "exec", dont_inherit=True)
