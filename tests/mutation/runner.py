"""Runs mutants: a child each, answers collected, verdicts kept for as long as sources and tests are the same."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import select
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from tests.mutation import child, total
from tests.mutation.canaries import CANARIES, Canary
from tests.mutation.operators import Mutant, mutants, mutated
from tests.mutation.targets import ROOT, SLOWEST_S, source, tests

FOLDER = ROOT / "build" / "mutation"
CANARY_S = 3.0
WALL_S = 60.0  # for one child, whatever it waits for
TRUSTED = "trusted"  # in the place of the digest: these are of no one source
KILLERS = 6  # the tests that killed last are asked first


class Row(NamedTuple):
    """What became of one mutant."""

    module: str
    mutant: str
    line: int
    operator: str
    verdict: str
    by: str  # the test that killed or crashed first
    crashes: tuple[str, ...]
    seconds: float


class Job(NamedTuple):
    """One child to start. ``tag`` comes back with its answer."""

    tag: Any
    module: str
    code: Any
    phases: Sequence[Sequence[str]]
    judge: child.Judge
    cpu_s: float


def run_all(jobs: Iterable[Job], at_once: int, done: Callable[[Any, dict[str, Any], float], None]) -> None:
    """Start ``jobs`` as they come, ``at_once`` of them; ``done(tag, answer, seconds)`` for each."""
    waiting = iter(jobs)
    out: dict[int, tuple[Job, int, float, bytes]] = {}
    job = next(waiting, None)
    try:
        while job is not None or out:
            while job is not None and len(out) < at_once:
                pid, fd = child.fork(job.module, job.code, job.phases, job.judge, job.cpu_s)
                out[fd] = (job, pid, time.monotonic(), b"")
                job = next(waiting, None)
            ready, _, _ = select.select(list(out), [], [], 1.0)
            for fd in list(out):
                was, pid, begin_s, data = out[fd]
                late = time.monotonic() - begin_s > WALL_S
                chunk = os.read(fd, 1 << 16) if fd in ready else b""
                if chunk and not late:
                    out[fd] = (was, pid, begin_s, data + chunk)
                elif fd in ready or late:
                    del out[fd]
                    done(was.tag, _answer(fd, pid, data, late), time.monotonic() - begin_s)
    finally:
        for fd, (_, pid, _, _) in out.items():
            _answer(fd, pid, b"", True)


def _answer(fd: int, pid: int, data: bytes, late: bool) -> dict[str, Any]:
    """Reap the child, end what it has left behind, and read what it said."""
    os.close(fd)
    if late:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    with suppress(ValueError):
        return dict(json.loads(data))
    out_of_time = late or (os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL))
    return {"verdict": child.TIMEOUT if out_of_time else child.INFRA, "by": "", "crashes": [f"status {status}"]}


class Module:
    """One module under mutation: its mutants, the order of its tests, and what is known already."""

    def __init__(self, name: str, fresh: bool = False, trust: bool = False) -> None:
        self.name, self.tests = name, tests(name)
        self._judged = self._digest()  # before the text is read: what changes from here on is not what is judged
        self.text = source(name).read_text(encoding="utf-8")
        self.mutants: Mapping[str, Mutant] = {m.name: m for m in mutants(self.text)}
        self._kept = FOLDER / f"{name}.json"
        kept: dict[str, Any] = {}
        with suppress(OSError, ValueError):
            kept = json.loads(self._kept.read_text(encoding="utf-8"))
        self.killers: dict[str, str] = kept.get("killers", {})  # mutant -> test
        self.recent: list[str] = kept.get("recent", [])
        same = kept.get("digest") == self._judged and not fresh
        told = {n: Row(*r) for n, r in kept.get("rows", {}).items() if n in self.mutants}
        if trust:
            if told and not same:
                self._judged = TRUSTED  # a run that trusts nothing must not find them as verdicts of this source
            told, same = {n: r for n, r in told.items() if r.verdict == child.KILLED}, False
        self.rows: dict[str, Row] = told if same or trust else {}
        self.seconds: dict[str, float] = kept.get("seconds", {}) if same else {}
        self.red: list[str] = kept.get("red", []) if same else []

    def _digest(self) -> str:
        """Of everything that may bear on a verdict: the module, what it may import, its tests and their helpers."""
        digest = hashlib.sha256()
        imported = (ROOT / self.name.split(".")[0]).rglob("*.py")
        folders = ("drivers",) if self.name.startswith("drivers.") else ("safety", "watchdog")
        helpers = (p for f in folders for p in (ROOT / "tests" / f).glob("[!t]*.py"))
        asked = (ROOT / path for path in self.tests)
        for file in sorted({*imported, *helpers, *asked, Path(child.__file__), Path(total.__file__)}):
            digest.update(file.read_bytes())
        return digest.hexdigest()

    def keep(self) -> None:
        """Write down what is known."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        kept = {
            "digest": self._judged, "rows": self.rows, "killers": self.killers, "recent": self.recent,
            "seconds": self.seconds, "red": self.red,
        }  # fmt: skip
        draft = self._kept.with_suffix(".new")
        draft.write_text(json.dumps(kept), encoding="utf-8")
        draft.replace(self._kept)

    def baseline(self) -> Job | None:
        """The unchanged module under all its tests; None: done before."""
        if self.seconds:
            return None
        code = child.compiled(self.name, ast.parse(self.text))
        return Job(None, self.name, code, [self.tests], child.Judge(frozenset(), {}), 600.0)

    def take_baseline(self, answer: Mapping[str, Any]) -> None:
        """Learn how long each test takes and which fail without any mutant."""
        self.seconds, self.red = dict(answer.get("seconds", {})), list(answer.get("failed", []))
        if not self.seconds:
            raise SystemExit(f"{self.name}: no test ran without a mutant: {answer}")

    def jobs(self, wanted: Iterable[str]) -> Iterable[Job]:
        """A job for each mutant that is wanted and not judged yet."""
        slow = {node for node, took in self.seconds.items() if took > SLOWEST_S and "test_mutants" not in node}
        left_out = frozenset(slow | set(self.red))
        whole_s = sum(took for node, took in self.seconds.items() if node not in left_out)
        for name in wanted:
            if name in self.rows:
                continue
            code = child.compiled(self.name, mutated(self.text, self.mutants[name]))
            before = [self.killers[name]] if name in self.killers else []
            first = [node for node in dict.fromkeys([*before, *self.recent[:KILLERS]]) if node in self.seconds]
            judge = child.Judge(left_out, self.seconds, stops=True)
            yield Job((self, name), self.name, code, [first, self.tests], judge, 10.0 + 3.0 * whole_s)

    def take(self, name: str, answer: Mapping[str, Any], seconds: float) -> Row:
        """Keep the verdict on one mutant."""
        mutant, by = self.mutants[name], str(answer["by"])
        crashes = tuple(answer["crashes"])
        row = Row(self.name, name, mutant.line, mutant.operator, answer["verdict"], by, crashes, round(seconds, 3))
        self.rows[name] = row
        if row.verdict == child.KILLED:
            self.killers[name] = by
            self.recent = [by, *(node for node in self.recent if node != by)][: 4 * KILLERS]
        return row


def canaries(at_once: int) -> list[str]:
    """What went wrong with the canaries; nothing must."""
    wrong: list[str] = []

    def made() -> Iterator[Job]:
        for canary in CANARIES:
            text = source(canary.module).read_text(encoding="utf-8")
            if text.count(canary.old) != 1:
                wrong.append(f"{canary.module}: {canary.old!r} stands there {text.count(canary.old)} times, not once")
                continue
            code = child.compiled(canary.module, ast.parse(text.replace(canary.old, canary.new)))
            yield Job(canary, canary.module, code, [[canary.test]], child.Judge(frozenset(), {}, stops=True), CANARY_S)

    def done(canary: Canary, answer: dict[str, Any], _: float) -> None:
        if answer["verdict"] != canary.verdict:
            found = f"{answer['verdict']} {answer['crashes']} {answer['by']}"
            wrong.append(f"{canary.module}: {canary.old!r} => {canary.new!r}: {found}, must be {canary.verdict}")

    run_all(made(), at_once, done)
    return wrong
