"""Lines without a checksum: a damaged answer takes those beside it with it, however much they look like readings."""

from __future__ import annotations

import asyncio

import pytest

from drivers.contract import Driver
from drivers.keysight_34970a.driver import Keysight34970a
from drivers.numato_gpio.driver import NumatoGpio
from drivers.omega_fob.driver import OmegaFob
from drivers.testing.links import RoughLink
from drivers.transport.port import LinkPort
from tests.drivers.emulated import alone

FIBRES = {"channels": {1: "shaft_c", 2: "tissue_c"}, "inputs": 4}
SCANNER = {"channels": {101: "tip_c", 102: "tissue_c"}, "nplc": 0.2}
CONTACTS = {"pins": {"estop_closed": 0, "door_closed": 1}}

CASES = [  # driver, options, its question, an answer that is none, one that looks like one, what the device says
    (OmegaFob, FIBRES, b"t\r", b"+22.0\r+2t.0\r*", b"+22.0\r+72.0\r*", [22.0, 22.0]),
    (
        Keysight34970a, SCANNER, b"READ?\n", b"+2.20000000E+01,+2.2000 000E+01\n", b"+2.20000000E+01,+7.20000000E+01\n",
        [22.0, 22.0],
    ),
    (NumatoGpio, CONTACTS, b"gpio readall\r", b"gpio readall\n\r0g\n\r>", b"gpio readall\n\r03\n\r>", [0.0, 1.0]),
]  # fmt: skip


class Bench:
    """One connected device behind a line that noise is on: ``said`` are the next answers to its question."""

    def __init__(self, kind: type[Driver], options: dict[str, object], question: bytes) -> None:
        link = RoughLink(alone(kind.MODEL, options).open_link("sim://dut", kind.BAUD))
        link.answer_as = self._answer
        self.port = LinkPort(link, "sim://dut")
        self.driver = kind("dut", self.port, kind.OPTIONS.model_validate(options))
        self.said: list[bytes] = []
        self.asked_s: list[float] = []
        self._question = question

    def _answer(self, request: bytes, answer: bytes) -> bytes:
        if request != self._question:
            return answer
        self.asked_s.append(self.port.now())
        return self.said.pop(0) if self.said else answer

    async def poll(self, *said: bytes) -> tuple[list[float], int]:
        """The values of one poll that first hears ``said``, and how many questions it took."""
        self.said, self.asked_s = list(said), []
        samples = await self.driver.poll()
        return [sample.value for sample in samples], len(self.asked_s)


@pytest.mark.virtual
@pytest.mark.parametrize("kind, options, question, damaged, wrong, right", CASES)
async def test_a_wrong_reading_behind_a_damaged_one_is_not_believed(
    kind: type[Driver], options: dict[str, object], question: bytes, damaged: bytes, wrong: bytes, right: list[float]
) -> None:
    bench = Bench(kind, options, question)
    await bench.driver.connect()
    assert await bench.poll() == (right, 1)
    assert await bench.poll(damaged, wrong) == (right, 4)  # the damaged one, and three in a row
    assert await bench.poll() == (right, 1)
    assert await bench.poll(damaged, wrong, damaged) == ([], 3)
    assert await bench.poll(wrong, wrong, damaged) == ([], 3)
    assert await bench.poll(wrong) == (right, 3)
    assert await bench.poll() == (right, 1)


@pytest.mark.virtual
@pytest.mark.parametrize("kind, options, question, damaged, wrong, right", CASES)
async def test_one_damaged_answer_makes_no_reading_too_old(
    kind: type[Driver], options: dict[str, object], question: bytes, damaged: bytes, wrong: bytes, right: list[float]
) -> None:
    bench = Bench(kind, options, question)
    await bench.driver.connect()
    period_s = bench.driver.declaration().channels[0].period_s
    before_s = bench.port.now()
    assert (await bench.poll())[0] == right
    await asyncio.sleep(before_s + period_s - bench.port.now())
    assert (await bench.poll(damaged))[0] == right
    assert bench.port.now() - before_s <= 0.25


@pytest.mark.virtual
async def test_a_slow_scan_is_asked_for_once_more_only() -> None:
    four = {"channels": {101: "a_c", 102: "b_c", 103: "c_c", 104: "d_c"}, "nplc": 0.2}
    bench = Bench(Keysight34970a, four, b"READ?\n")
    await bench.driver.connect()
    assert await bench.poll(b"x\n") == ([22.0, 22.0, 22.0, 22.0], 2)
