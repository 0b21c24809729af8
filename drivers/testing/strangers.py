"""Room of the kit: bad input. Something answers, and it is not what it should be: named, with the bytes seen, and never
a number."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import ClassVar

from drivers.contract import DeviceError
from drivers.testing.desk import Desk, Kit
from drivers.testing.links import Parrot
from drivers.testing.uart import MISMATCHES, misread

STRANGERS = {
    "an instrument that tells its name": b"ACME INSTRUMENTS,X-1000,0,1.02\n",
    "a meter": b"+2.25000000E+01\r\n",
    "a terminal": b"login: ",
    "an error in words": b"ERROR 3\r\n",
    "a question mark": b"?\r\n",
    "a star": b"*",
    "a prompt": b"\n\r>",
    "ACK": b"\x06",
    "NAK": b"\x15",
    "a Modbus exception": bytes.fromhex("01 83 02 C0 F1"),
    "noise": bytes.fromhex("FE 00 F8 80 FF 00"),
}
"""What other devices answer, whatever they are asked."""

POLLS = 20
_HEX = re.compile(r"\b[0-9a-f]{2}(?: [0-9a-f]{2})*\b")
_QUOTED = re.compile(r"answered '([^']+)'")
_WORD = re.compile(rb"[!-~]+")

Answer = Callable[[bytes, bytes], bytes]


def names_bytes(text: str, heard: Iterable[bytes]) -> bool:
    """Whether an error text shows something of what was heard: in hex, or as the characters that it was."""
    whole = b"".join(heard)
    shown = any(bytes.fromhex(found) in whole for found in _HEX.findall(text))
    quoted = any(found.encode() in whole for found in _QUOTED.findall(text))
    return shown or quoted or any(word.decode("ascii") in text for word in _WORD.findall(whole))


def lacks_of(desk: Desk, error: DeviceError) -> str:
    """What an error of ``connect`` lacks; nothing, when it says where, what was heard, and what to do."""
    heard = [data for data in desk.link.heard if data]
    if sum(map(len, heard)) <= sum(port.counters.unexpected_bytes for port in desk.ports):
        heard = []  # nobody was listening when it came
    lacks = {
        "where (its port)": "memory" in str(error),
        "what to do": len(error.remedy) > 10,
        "the bytes that were seen": not heard or names_bytes(str(error), heard),
    }
    return ", ".join(what for what, there in lacks.items() if not there)


class StrangerRoom(Kit):
    """Another device, another framing, another dialect, a second controller, another length."""

    bare_bytes: ClassVar[bool] = False
    """True for a protocol whose answers are bare bytes, without a sum, a shape or a word: there, one byte that became
    another in an answer of the right length cannot show, and only connecting is tested on a line that damages bytes."""

    checked: ClassVar[bool] = False
    """True where every answer carries a checksum: then no byte that became another may pass, in no place."""

    async def _refused(self, desk: Desk, why: str) -> None:
        """Connecting fails, in words."""
        desk.link.heard.clear()
        try:
            async with asyncio.timeout(60.0):
                identity = await desk.driver.connect()
        except DeviceError as error:
            self._told_well(desk, error, why)
        else:
            raise AssertionError(f"{why}: taken for {identity}; heard {desk.link.heard[:8]}")

    def _told_well(self, desk: Desk, error: DeviceError, why: str) -> None:
        lacks = lacks_of(desk, error)
        assert not lacks, f"{why}: {error} -- lacks {lacks}; heard {desk.link.heard[:8]}"

    async def _known_or_refused(self, desk: Desk, why: str, shape: Answer, names: bool = True) -> None:
        """What survives the disturbance is the device that it is; all else is told."""
        known = await desk.driver.connect()
        desk.link.heard.clear()
        limits = desk.driver.declaration()
        desk.link.answer_as = shape
        try:
            async with asyncio.timeout(60.0):
                found = await desk.driver.connect()
        except DeviceError as error:
            self._told_well(desk, error, why)
        else:
            assert desk.driver.declaration() == limits, why
            assert found == known or not names, f"{why}: taken for {found}"

    async def _true_or_nothing(self, desk: Desk, why: str, shape: Answer, times: tuple[int, ...] = (1, 2, 3)) -> None:
        """At work, each or each second or third answer disturbed, every GOOD sample is what it was before; undisturbed
        again, it polls."""
        await self.at_work(desk)
        quiet = await desk.bands()
        turn = iter(range(10**9))
        for every in times:

            def sometimes(request: bytes, answer: bytes, every: int = every) -> bytes:
                return shape(request, answer) if next(turn) % every == 0 else answer

            desk.link.answer_as = sometimes
            told = await desk.good(POLLS)
            desk.link.answer_as = None
            await desk.poll_until(bool)
            now = await desk.bands()  # something may really have changed: a dead-man that nobody fed
            for sample in told:
                true = [bands[sample.channel] for bands in (quiet, now) if sample.channel in bands]
                assert any(band.holds(sample.value) for band in true), f"{why}: {sample} where {true or 'none'} is true"
            quiet = now

    def test_wrong_device(self) -> None:
        """Another device answers: DeviceError that says where, what was heard and what to do."""
        for name, answer in STRANGERS.items():

            async def test(desk: Desk, name: str = name, answer: bytes = answer) -> None:
                desk.link.swap(Parrot(answer))
                await self._refused(desk, name)

            self.run(test, connected=False)

    def test_wrong_framing(self) -> None:
        """Parity or baud rate are not the device's: connecting is an error that shows what was heard, and no reading
        comes of NULs and shifted bytes."""
        for why, (device, host) in MISMATCHES.items():
            heard, said = misread(device, host), misread(host, device)

            def garble(_: bytes, answer: bytes, heard: Callable[[bytes], bytes] = heard) -> bytes:
                return heard(answer)

            async def both_ways(
                desk: Desk, why: str = why, said: Callable[[bytes], bytes] = said, garble: Answer = garble
            ) -> None:
                desk.link.answer_as, desk.link.request_as = garble, said
                await self._refused(desk, why)

            self.run(both_ways, connected=False)
            self.run(partial(self._known_or_refused, why=why, shape=garble), connected=False)
            if not self.bare_bytes:
                self.run(partial(self._true_or_nothing, why=why, shape=garble))

    def test_second_controller(self) -> None:
        """Somebody else asks the same device: its answers to our other questions come before ours, whole, and never
        become our numbers."""

        async def test(desk: Desk) -> None:
            said: dict[bytes, bytes] = {}

            def listen(request: bytes, answer: bytes) -> bytes:
                said[request] = answer
                return answer

            await self.at_work(desk)
            desk.link.answer_as = listen
            await desk.bands()
            chance, others = random.Random(1), dict(said)

            def intrude(request: bytes, answer: bytes) -> bytes:
                them = [data for asked, data in others.items() if asked != request and data != answer]
                return (chance.choice(them) if them else b"") + answer

            await self._true_or_nothing(desk, "a second controller", intrude)

        self.run(test)

    def test_wrong_length(self) -> None:
        """Answers that are cut off, repeated, or have something behind them: nothing is made up of the pieces."""
        shapes: dict[str, Answer] = {
            "the first half": lambda _, answer: answer[: len(answer) // 2],
            "all but the last": lambda _, answer: answer[:-1],
            "all but the first": lambda _, answer: answer[1:],
            "twice": lambda _, answer: answer * 2,
            "the end once more": lambda _, answer: answer + answer[len(answer) // 2 :],
        }
        for why, shape in shapes.items():
            if (
                why != "twice"
            ):  # of boards that answer with one byte for each relay, two answers are one of twice as many
                self.run(partial(self._known_or_refused, why=why, shape=shape), connected=False)
            self.run(partial(self._true_or_nothing, why=why, shape=shape, times=(2, 3)))

    def test_damaged_answers(self) -> None:
        """One byte of every answer became another: connecting ends, with DeviceError or not, and where answers have a
        checksum (``checked``) nothing comes of the damaged ones."""
        chance = random.Random(1)

        def damage(_: bytes, answer: bytes) -> bytes:
            at = chance.randrange(len(answer))
            return answer[:at] + bytes((answer[at] ^ chance.randrange(1, 256),)) + answer[at + 1 :]

        async def connects_or_refuses(desk: Desk) -> None:
            desk.link.answer_as = damage
            with contextlib.suppress(DeviceError):
                async with asyncio.timeout(60.0):
                    await desk.driver.connect()

        for _ in range(5):
            self.run(connects_or_refuses, connected=False)
        if self.checked:
            why = "a damaged byte"
            self.run(partial(self._known_or_refused, why=why, shape=damage), connected=False)
            self.run(partial(self._true_or_nothing, why=why, shape=damage))

    def test_wrong_notation(self) -> None:
        """A decimal comma, or a unit behind the number, that the dialect does not have."""
        shapes: dict[str, Answer] = {
            "a decimal comma": lambda _, answer: re.sub(rb"(\d)\.(\d)", rb"\1,\2", answer),
            "degrees Fahrenheit": lambda _, answer: re.sub(rb"(\d\.\d+)(?=[\r\n,;])", rb"\1F", answer),
            "a unit": lambda _, answer: re.sub(rb"(\d)(?=[\r\n])", rb"\1 mW", answer),
        }
        for why, shape in shapes.items():
            self.run(partial(self._known_or_refused, why=why, shape=shape, names=False), connected=False)
            self.run(partial(self._true_or_nothing, why=why, shape=shape))
