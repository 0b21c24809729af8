"""What the watchdog asks of the system: each thing once, as it should be, and none of them needed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.mutation.total import raises_nothing

UNLIMITED, LIMITED = -1, 65536


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """One that grants everything and has no limit of locked memory; ``asked`` is what it was asked, in order."""
    from safety.watchdog import hardening

    log: list[Any] = []
    score = tmp_path / "oom_score_adj"
    libc = SimpleNamespace(mlockall=lambda flags: log.append(("mlockall", flags)))
    limits = {"memlock": (UNLIMITED, LIMITED)}

    def library(name: Any, use_errno: bool = False) -> Any:
        log.append(("libc", name, use_errno))
        return libc

    def schedule(pid: int, policy: int, param: Any) -> None:
        log.append(("scheduler", pid, policy, param))

    monkeypatch.setattr(hardening, "ctypes", SimpleNamespace(CDLL=library))
    monkeypatch.setattr(
        hardening,
        "resource",
        SimpleNamespace(RLIMIT_MEMLOCK="memlock", RLIM_INFINITY=UNLIMITED, getrlimit=limits.__getitem__),
    )
    system = SimpleNamespace(
        sched_setscheduler=schedule, SCHED_FIFO="fifo", SCHED_OTHER="other", sched_param=lambda priority: priority
    )
    monkeypatch.setattr(hardening, "os", system)
    monkeypatch.setattr(
        hardening,
        "gc",
        SimpleNamespace(collect=lambda: log.append("collect"), freeze=lambda: log.append("freeze")),
    )
    monkeypatch.setattr(hardening, "Path", {"/proc/self/oom_score_adj": score}.__getitem__)
    return SimpleNamespace(asked=log, libc=libc, limits=limits, os=system, score=score)


@raises_nothing
def test_the_flags_are_those_of_mman() -> None:
    from safety.watchdog import hardening

    assert (hardening.MCL_CURRENT, hardening.MCL_FUTURE) == (1, 2)


@raises_nothing
def test_everything_is_asked_for(system: Any) -> None:
    from safety.watchdog import hardening

    hardening.harden()
    scheduler = ("scheduler", 0, "fifo", 10)
    assert system.asked == ["collect", "freeze", ("libc", None, True), ("mlockall", 3), scheduler]
    assert system.score.read_text() == "-1000"


@raises_nothing
def test_at_the_end_it_is_ordinary_again(system: Any) -> None:
    from safety.watchdog import hardening

    hardening.soften()
    assert system.asked == [("scheduler", 0, "other", 0)]


@raises_nothing
def test_with_a_limit_only_what_is_there_is_locked(system: Any) -> None:
    from safety.watchdog import hardening

    system.limits["memlock"] = (LIMITED, UNLIMITED)
    hardening.harden()
    assert ("mlockall", 1) in system.asked


@raises_nothing
def test_a_system_that_refuses_all_of_it_is_no_obstacle(system: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from safety.watchdog import hardening

    def refuse(*_: Any) -> None:
        raise PermissionError

    monkeypatch.setattr(system.libc, "mlockall", refuse)
    monkeypatch.setattr(system.os, "sched_setscheduler", refuse)
    system.score.mkdir()
    hardening.harden()
    hardening.soften()
    assert system.asked == ["collect", "freeze", ("libc", None, True)]


@raises_nothing
def test_a_system_that_has_none_of_it_is_no_obstacle(system: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from safety.watchdog import hardening

    monkeypatch.delattr(system.libc, "mlockall")
    monkeypatch.delattr(system.os, "sched_setscheduler")
    hardening.harden()
    hardening.soften()
    assert system.score.read_text() == "-1000"
