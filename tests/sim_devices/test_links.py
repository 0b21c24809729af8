"""The wire between an emulator and whoever asks: what its bits cost, and that no reply overtakes another."""

from __future__ import annotations

import asyncio

import pytest

from drivers.transport.port import LinkPort
from sim.bench import SimBench
from sim.devices.resistor import Resistor

pytestmark = pytest.mark.virtual

STATUS = bytes.fromhex("43 00 47 53 00 00 00 00 00 DD")
PING = bytes.fromhex("43 00 42 50 00 00 00 00 00 D5")


def bench_of(driver: str, **options: object) -> SimBench:
    device = {"driver": driver, "port": "sim://dut", "options": options}
    bench = SimBench({"devices": {"dut": device}}, world=Resistor())
    bench.start(asyncio.get_running_loop())
    return bench


@pytest.mark.parametrize(
    "driver, baud, request_, length, wire_s",
    [
        ("tc-cxn", 9600, STATUS, 15, 0.0260417),  # 25 characters of 10 bits
        ("tc-cxn", 115200, STATUS, 15, 0.0021701),
        ("tc-cxn", 9600, PING, 1, 0.0114583),
        ("kmtronic-relay", 9600, b"\xff\x09\x00", 4, 0.0072917),  # 7 characters
        ("ae-bus", 9600, b"\x08\xa2\xaa", 8, 0.0126042),  # odd parity: 11 characters of 11 bits
    ],
)
async def test_a_line_costs_the_time_of_its_bits(
    driver: str, baud: int, request_: bytes, length: int, wire_s: float
) -> None:
    bench = bench_of(driver, baud=baud, latency_s=0.0)
    port = LinkPort(bench.open_link("sim://dut"), "dut")
    began_s = port.now()
    reply = await port.exchange(request_, lambda buffer: bytes(buffer) if len(buffer) >= length else None)
    assert (len(reply), port.now() - began_s) == (length, pytest.approx(wire_s, abs=1e-6))
    bench.stop()


class Heard:
    """What comes back, and when."""

    def __init__(self, bench: SimBench) -> None:
        self.replies: list[tuple[float, bytes]] = []
        self.wire = bench.wires["dut"]
        self._bench = bench

    def ask(self, request: bytes) -> None:
        self.wire.feed(request, lambda reply: self.replies.append((self._bench.now_s(), reply)), at_once=True)


async def test_a_device_that_takes_no_time_answers_at_once() -> None:
    bench = bench_of("tc-cxn", baud=10**10, latency_s=0.0)
    heard = Heard(bench)
    heard.ask(PING)
    assert heard.replies == [(0.0, b"*")]
    bench.stop()


async def test_in_memory_no_answer_comes_within_the_write() -> None:
    """Whoever asks in a loop must let others run."""
    bench = bench_of("tc-cxn", baud=10**10, latency_s=0.0)
    heard: list[bytes] = []
    link = bench.open_link("sim://dut")
    link.start(heard.append, lambda error: None)
    link.write(PING)
    assert heard == []
    await asyncio.sleep(0.001)
    assert heard == [b"*"]
    bench.stop()


async def test_an_answer_at_once_waits_for_the_one_that_is_under_way() -> None:
    bench = bench_of("tc-cxn", baud=10**10, latency_s=0.0)
    heard = Heard(bench)
    heard.wire.set_fault("delay", 0.5)
    heard.ask(STATUS)
    heard.wire.clear_fault("delay")
    heard.ask(PING)
    assert heard.replies == []
    await asyncio.sleep(1.0)
    assert [(round(t_s, 6), len(reply)) for t_s, reply in heard.replies] == [(0.5, 15), (0.5, 1)]
    heard.ask(PING)
    assert len(heard.replies) == 3
    bench.stop()


@pytest.mark.parametrize("fault", ["drop", "disconnect"])
async def test_a_device_that_takes_no_time_has_the_faults_of_a_line(fault: str) -> None:
    bench = bench_of("tc-cxn", baud=10**10, latency_s=0.0)
    heard = Heard(bench)
    heard.wire.set_fault(fault, 1.0)
    heard.ask(PING)
    await asyncio.sleep(1.0)
    assert heard.replies == []
    bench.stop()


@pytest.mark.parametrize("commands", [0, 1, 2, 3])
async def test_one_reply_in_twenty_is_late_however_many_commands_have_none(commands: int) -> None:
    heard = Heard(bench_of("kmtronic-relay"))
    heard.wire.set_fault("late", 0.5)
    for _ in range(40):
        for _ in range(commands):
            heard.ask(b"\xff\x01\x01")
        heard.ask(b"\xff\x09\x00")
        await asyncio.sleep(1.0)
    assert [k for k, (t_s, _) in enumerate(heard.replies) if t_s % 1.0 > 0.5] == [0, 20]
