"""What the doctor says of a bench file's claims (``loop:``)."""

from __future__ import annotations

import os
import resource
import threading
from pathlib import Path

import pytest

from controller.checkup import Finding, Verdict, claims
from controller.config.bench import Loop

REALTIME = Loop(realtime=True)


def by_subject(found: list[Finding]) -> dict[str, Finding]:
    assert len({each.subject for each in found}) == len(found)
    return {each.subject: each for each in found}


@pytest.fixture
def throttle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The kernel's bound as it is by default."""
    setting = tmp_path / "sched_rt_runtime_us"
    setting.write_text("950000\n")
    monkeypatch.setattr(claims._throttle, "__defaults__", (setting,))
    return setting


def test_what_is_not_asked_for_is_not_spoken_of() -> None:
    assert claims.claims(Loop()) == []


def test_what_is_granted(monkeypatch: pytest.MonkeyPatch, throttle: Path) -> None:
    asked: list[tuple[int, int, bool]] = []

    def schedule(pid: int, policy: int, param: os.sched_param) -> None:
        asked.append((pid, param.sched_priority, threading.current_thread() is threading.main_thread()))

    monkeypatch.setattr(os, "sched_setscheduler", schedule)
    monkeypatch.setattr(resource, "getrlimit", lambda which: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    found = by_subject(claims.claims(REALTIME))
    assert {subject: each.verdict for subject, each in found.items()} == {
        "real time": Verdict.OK,
        "locked memory": Verdict.OK,
    }
    assert "priority 5, below the watchdog's 10" in found["real time"].text
    assert asked == [(0, 10, False)]  # the watchdog's, tried by a thread: this process stays as it is


def test_what_is_refused_names_limit_and_remedy(monkeypatch: pytest.MonkeyPatch, throttle: Path) -> None:
    def schedule(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    limits = {resource.RLIMIT_RTPRIO: 0, resource.RLIMIT_MEMLOCK: 8 << 20}
    monkeypatch.setattr(os, "sched_setscheduler", schedule)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(resource, "getrlimit", lambda which: (limits[which], limits[which]))
    found = by_subject(claims.claims(REALTIME))
    for subject, limit in (
        ("real time", "is 0 (ulimit -r), 10 are needed: LimitRTPRIO=10"),
        ("locked memory", "is 8192 kB (ulimit -l), unlimited is needed: LimitMEMLOCK=infinity"),
    ):
        assert found[subject].verdict is Verdict.WARN
        assert limit in found[subject].text
        assert "rtprio 10" in found[subject].command and "memlock unlimited" in found[subject].command


def test_a_bound_that_is_switched_off_is_told(throttle: Path) -> None:
    throttle.write_text("-1\n")
    found = by_subject(claims.claims(REALTIME))["real-time bound"]
    assert found.verdict is Verdict.WARN
    assert "sched_rt_runtime_us=950000" in found.command


def test_uvloop_that_is_not_there_is_told_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "find_spec", lambda name: None)
    (found,) = claims.claims(Loop(uvloop=True))
    assert (found.verdict, found.command) == (Verdict.WARN, "pip install 'openablate[fast]'")
    monkeypatch.setattr(claims, "find_spec", lambda name: object())
    (found,) = claims.claims(Loop(uvloop=True))
    assert found.verdict is Verdict.OK
