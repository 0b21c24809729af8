"""The tools that tests rest on: virtual time and the leak fixtures."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.__main__ import again
from tests.support.virtual_loop import Deadlock, VirtualLoop, run

pytest_plugins = ["pytester"]


@pytest.mark.virtual
async def test_thirty_virtual_seconds_are_exact_and_cost_no_real_ones() -> None:
    real = time.monotonic()
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    began = loop.time()
    for _ in range(600):
        await asyncio.sleep(0.05)
    assert loop.time() - began == pytest.approx(30.0, abs=1e-6)
    assert time.monotonic() - real < 15.0


@pytest.mark.virtual
async def test_a_jump_does_not_overtake_a_thread() -> None:
    def slow() -> str:
        time.sleep(0.05)
        return "answer"

    async with asyncio.timeout(30.0):
        assert await asyncio.to_thread(slow) == "answer"
    assert asyncio.get_running_loop().time() < 30.0


@pytest.mark.virtual
async def test_a_socket_that_is_ready_is_served_before_time_moves() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"hello\n")
        assert await reader.readline() == b"hello\n"
        writer.close()
        await writer.wait_closed()


def test_a_program_that_can_never_go_on_is_named_instead_of_hanging() -> None:
    async def for_ever() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Deadlock, match="nothing can wake one"):
        run(for_ever())


def test_a_start_time_is_honoured() -> None:
    async def now() -> float:
        return asyncio.get_running_loop().time()

    assert run(now(), start_s=1e6) == 1e6


def test_a_leaked_task_fails_its_test(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("from tests.conftest import *  # noqa: F403")
    pytester.makepyfile(
        """
        import asyncio, threading, time

        async def test_task_left():
            global kept
            kept = asyncio.create_task(asyncio.sleep(60))

        async def test_clean():
            await asyncio.create_task(asyncio.sleep(0))

        def test_thread_left():
            threading.Thread(target=time.sleep, args=(3,), name="stray", daemon=True).start()
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "--asyncio-mode=auto", "-q")
    result.stdout.fnmatch_lines(["*tasks left running*", "*threads left running: stray*"])
    result.assert_outcomes(passed=3, errors=2)


def test_who_gets_a_second_run(monkeypatch, repository):
    """Only what the wall clock judges, and only a few of it."""
    monkeypatch.chdir(repository)
    clocked = ["tests/process/test_foreground.py::test_a", "tests/browser/test_records.py::test_b[chromium]"]
    assert again(clocked) == clocked
    assert again([*clocked, "tests/house/test_support.py::test_c"]) == []
    assert again([f"{clocked[0]}{n}" for n in range(5)]) != []
    assert again([f"{clocked[0]}{n}" for n in range(6)]) == []
