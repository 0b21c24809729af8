"""What a link says is what the kernel is told: I21 and I31, over drawn answers and transcripts, in virtual time."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from controller.checkup.trace import Pair, WatchedLink
from controller.daemon.acquire import acquire
from controller.daemon.hub import Hub
from drivers.contract import BadReply, Driver, NoReply, Refused
from drivers.moxa_iologik.driver import MoxaIologik
from drivers.numato_gpio.driver import NumatoGpio
from drivers.omega_fob.driver import OmegaFob
from drivers.sensirion_slf3x.driver import SensirionSlf3x
from drivers.testing.links import Parrot, ScriptedLink
from drivers.transport.base import Link
from drivers.transport.descriptor import FdLink
from drivers.transport.port import LinkPort
from safety.types import Quality, Sample
from sim.devices.resistor import Resistor
from tests.drivers.emulated import alone
from tests.safety.properties.bench import examples
from tests.support.virtual_loop import run

# ---- I21

Answer = Callable[[bytes, int], bytes]
Fate = tuple[float, tuple[float, ...]]
"""How late an answer is, and how much later than that each of its copies; none: it is lost."""


class Numbers(Parrot):
    """A device whose every reading is its own number, counted from 1; ``made_s`` says when it was asked for it.
    ``in_order``: a cable, on which no answer overtakes another.
    """

    def __init__(self, answer: Answer, is_reading: Callable[[bytes], bool], in_order: bool) -> None:
        super().__init__(b"")
        self._say, self._is_reading, self._in_order = answer, is_reading, in_order
        self.made_s = [0.0]
        self.fates: list[Fate] = []
        self._free_s = 0.0

    def write(self, data: bytes) -> None:
        """See :class:`~drivers.transport.base.Link`."""
        loop = asyncio.get_running_loop()
        if self._is_reading(data):
            self.made_s.append(loop.time())
        answer = self._say(data, len(self.made_s) - 1)
        late_s, copies = self.fates.pop(0) if self.fates else (0.002, (0.0,))
        for more_s in sorted(set(copies)):
            due_s = loop.time() + late_s + more_s
            if self._in_order:
                due_s = self._free_s = max(due_s, self._free_s)
            loop.call_at(due_s, self.tell, answer * copies.count(more_s))


def thermometer(data: bytes, number: int) -> bytes:
    """As an Omega FOB101 answers."""
    said = {b"t\r": b"%+.1f\r*" % (number / 10), b"b\r": b"b: +25.0\r*", b"i\r": b"FOB101\r*"}
    return said.get(data, b"*")


class Trusting(OmegaFob):
    """Without the driver's own doubt, which would ask again behind what went wrong: the port alone has to see it."""

    async def poll(self) -> list[Sample]:
        """One reading, whatever came before it."""
        try:
            return [Sample("d.tip_c", (await self._read())[0], self.port.t_request_s)]
        except (NoReply, BadReply, Refused):
            return []


def contacts(data: bytes, number: int) -> bytes:
    """As a Moxa ioLogik answers over Modbus TCP: 16 inputs, which are the number's bits."""
    return data[:4] + b"\0\5" + data[6:8] + b"\2" + number.to_bytes(2, "little")


async def heard(link: Numbers, kind: type[Driver], options: dict[str, Any], fates: list[Fate]) -> list[Sample]:
    """All that acquisition brings while answers have those fates, and for some seconds after it."""
    driver, hub = kind("d", LinkPort(link, "memory"), kind.OPTIONS.model_validate(options)), Hub()
    await driver.connect()
    link.fates = list(fates)
    polling = asyncio.ensure_future(acquire(driver, hub, 0.05))
    await asyncio.sleep(16.0)
    polling.cancel()
    await asyncio.gather(polling, return_exceptions=True)
    samples, faults = hub.take()
    assert faults == ()
    return samples


LATE_S = st.sampled_from([0.0, 0.002, 0.002]) | st.floats(0.0, 0.9)
IN_MARKERS_TIME_S = st.sampled_from([0.0, 0.002, 0.002]) | st.floats(0.0, 0.45)
AT_ONCE = st.sampled_from([(0.0,), (0.0,), (0.0,), (), (0.0, 0.0), (0.0, 0.0, 0.0)])


@examples(60)
@given(st.sampled_from([OmegaFob, Trusting]), st.lists(st.tuples(IN_MARKERS_TIME_S, AT_ONCE), max_size=12))
def test_i21_a_late_lost_or_doubled_answer_is_as_old_as_its_question(kind: type[Driver], fates: list[Fate]) -> None:
    """On a cable, with questions that are all alike, so that only time and the marker tell answers apart. The marker's
    own answer may be late as well, but comes within its half second; copies come together.
    """
    link = Numbers(thermometer, lambda data: data == b"t\r", in_order=True)
    samples = run(heard(link, kind, {"channels": {1: "tip_c"}, "inputs": 1}, fates))
    assert len(samples) > 50
    for sample in samples:
        assert sample.t_request_s <= link.made_s[round(sample.value * 10)] + 1e-9


PINS = {f"bit_{bit}_closed": bit for bit in range(16)}
ANYWHEN = st.lists(st.floats(0.0, 0.6), max_size=3).map(tuple)


@examples(40)
@given(st.lists(st.tuples(LATE_S, ANYWHEN), max_size=12))
def test_i21_answers_that_overtake_each_other_are_as_old_as_their_questions(fates: list[Fate]) -> None:
    """On a network that keeps no order, copies whenever they come: each answer has its question's number."""
    link = Numbers(contacts, lambda data: True, in_order=False)
    samples = run(heard(link, MoxaIologik, {"pins": PINS, "inputs": 16}, fates))
    assert len(samples) > 50 * 16
    for k in range(0, len(samples), 16):
        number = sum(int(sample.value) << bit for bit, sample in enumerate(samples[k : k + 16]))
        assert {sample.t_request_s for sample in samples[k : k + 16]} == {samples[k].t_request_s}
        assert samples[k].t_request_s <= link.made_s[number] + 1e-9


# ---- I31

KINDS: dict[str, tuple[type[Driver], dict[str, Any]]] = {
    "fibres": (OmegaFob, {"channels": {1: "tissue_5mm_c", 2: "tissue_10mm_c", 4: "shaft_c"}}),
    "flow": (SensirionSlf3x, {"model": "slf3s-1300f"}),
    "inputs": (NumatoGpio, {"pins": {"estop_a_closed": 0, "estop_b_closed": 1, "door_closed": 2}, "ports": 8}),
}
Told = list[tuple[str, float | None, Quality]]


class Drawn(Resistor):
    """A room in which everything has the value that was drawn."""

    celsius = 22.0

    def temperature_c(self, name: str) -> float:
        return self.celsius


async def told(driver: Driver, polls: int, before: Callable[[int], None] = lambda k: None) -> list[Told]:
    """What the kernel is told after each of some polls: the snapshot, but for its times."""
    hub, found = Hub(), []
    await driver.connect()
    for k in range(polls):
        before(k)
        await asyncio.sleep(0.3)
        hub.put(driver.name, await driver.poll())
        assert all(sample.t_request_s <= asyncio.get_running_loop().time() for sample in hub.latest.values())
        found.append([(s.channel, None if s.value != s.value else s.value, s.quality) for s in hub.latest.values()])
    await driver.close()
    return found


async def simulated(name: str, room: list[tuple[float, float, bool]]) -> tuple[list[Told], list[Pair]]:
    """On the emulated device; and what was said."""
    kind, options = KINDS[name]
    world = Drawn()
    bench = alone(kind.MODEL, options, world=world)
    watched = WatchedLink(bench.open_link("sim://dut", kind.BAUD))

    def change(k: int) -> None:
        world.celsius, flow_ml_min, closed = room[k]
        world.coolant_c = world.celsius
        world.pump(flow_ml_min)
        world.inputs.update(dict.fromkeys(("estop_a", "door"), closed))

    driver = kind("d", LinkPort(watched, "sim://dut"), kind.OPTIONS.model_validate(options))
    found = await told(driver, len(room), change)
    bench.stop()
    return found, watched.pairs


async def real(name: str, pairs: list[Pair], polls: int, piece: int) -> list[Told]:
    """On a socket, behind which somebody says the same, in pieces of so many bytes."""
    kind, options = KINDS[name]
    ours, theirs = socket.socketpair()
    loop, left, buffer = asyncio.get_running_loop(), list(pairs), bytearray()
    for sock in (ours, theirs):
        sock.setblocking(False)

    def answer() -> None:
        buffer.extend(theirs.recv(4096))
        while left and buffer.startswith(left[0][0]):
            request, reply = left.pop(0)
            del buffer[: len(request)]
            for at in range(0, len(reply), piece):
                theirs.send(reply[at : at + piece])

    loop.add_reader(theirs, answer)
    link: Link = FdLink(ours.fileno(), ours.close)
    found = await told(kind("d", LinkPort(link, "tcp://x:1"), kind.OPTIONS.model_validate(options)), polls)
    loop.remove_reader(theirs)
    theirs.close()
    assert left == []
    return found


async def scripted(name: str, pairs: list[Pair], polls: int) -> list[Told]:
    """On a link that plays the table of a recording."""
    kind, options = KINDS[name]
    link = ScriptedLink(pairs)
    found = await told(kind("d", LinkPort(link, "script"), kind.OPTIONS.model_validate(options)), polls)
    link.done()
    return found


ROOMS = st.tuples(st.floats(-20.0, 90.0), st.floats(0.0, 60.0), st.booleans())


@examples(100)
@given(st.sampled_from(sorted(KINDS)), st.lists(ROOMS, min_size=1, max_size=6), st.integers(1, 40))
def test_i31_the_same_transcript_gives_the_same_inputs(
    name: str, rooms: list[tuple[float, float, bool]], piece: int
) -> None:
    """What was said on a simulated link is said again on a real one, and as a test's table."""
    found, pairs = run(simulated(name, rooms))
    assert all(len(snapshot) == 3 for snapshot in found)
    assert run(real(name, pairs, len(rooms), piece)) == found
    assert run(scripted(name, pairs, len(rooms))) == found
