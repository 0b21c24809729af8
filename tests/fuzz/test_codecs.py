"""Some thousands of mutated replies into every codec, and what the judge calls an escape."""

from __future__ import annotations

import pickle
import random
import time
from pathlib import Path

import pytest

import drivers
from drivers.contract import BadReply, Refused
from tests.fuzz import parsers
from tests.fuzz.codecs import fuzz
from tests.fuzz.judge import Escaped, again, judge, limited
from tests.fuzz.mutate import SEALS, Seal, mutated, seal_ae, seal_cxn, seal_rtu, seal_shdlc
from tests.fuzz.parsers import PARSERS, Parser, h


@pytest.mark.parametrize("name", PARSERS)
def test_none_escapes(name: str) -> None:
    fuzz(name, 3000, seed=1)


@pytest.mark.parametrize("name", PARSERS)
def test_what_fuzzing_starts_from_is_understood(name: str) -> None:
    parser, seeds = PARSERS[name]
    understood = 0
    for seed in seeds:
        try:
            understood += parser(bytearray(seed)) is not None
        except (BadReply, Refused):
            continue
    assert understood


def raises(buffer: bytearray) -> None:
    raise KeyError(buffer[0])


def invents(buffer: bytearray) -> float:
    buffer.clear()
    return float("inf")


def hoards(buffer: bytearray) -> None:
    buffer += b"x"


def stands_still(buffer: bytearray) -> int:
    return 1


def is_slow(buffer: bytearray) -> None:
    until_s = time.thread_time() + 0.6
    while time.thread_time() < until_s:
        pass


def never_ends(buffer: bytearray) -> None:
    while True:
        pass


def devours(buffer: bytearray) -> bytes:
    return bytes(1 << 28)


def rejects(buffer: bytearray) -> None:
    raise BadReply("no")


@pytest.mark.parametrize(
    ("parser", "text"),
    [
        (raises, "KeyError"),
        (invents, "infinite"),
        (hoards, "grew"),
        (stands_still, "used nothing"),
        (is_slow, r"0\.\d+ s"),
        (never_ends, "no end"),
        (devours, "MemoryError"),
    ],
)
def test_the_judge_finds_what_it_is_for(parser: Parser, text: str) -> None:
    with limited(), pytest.raises(Escaped, match=text) as caught:
        judge("canary", parser, [b"a"])
    assert caught.value.pieces == (b"a",)


def test_a_rejection_is_no_escape() -> None:
    judge("canary", rejects, [b"a", b"b"])


def test_what_escapes_is_told_with_the_command_that_does_it_again(capsys: pytest.CaptureFixture[str]) -> None:
    error = pickle.loads(pickle.dumps(Escaped("julabo status", "KeyError: 3", [b"03 ", b"\r"])))
    assert str(error) == "julabo status: KeyError: 3 on [b'03 ', b'\\r']"
    assert again(error) == "python -m tests.fuzz.codecs --only 'julabo status' --pieces 303320,0d"


SEALED = {
    "ae-bus number": (seal_ae, h("06 0C A2 20 00 00 00 8E")),
    "tc-cxn power": (seal_cxn, h("2A 52 00 00 06 01 F4 00 19 01 DB 02 42")),
    "modbus registers, RTU": (seal_rtu, h("01 03 0C 00 3C 00 14 00 3C 00 03 00 00 00 C0 14 73")),
    "sensirion reading": (seal_shdlc, h("7E 00 35 43 00 87 7E")),
}


@pytest.mark.parametrize("name", SEALED)
def test_a_real_reply_is_sealed_as_its_device_does(name: str) -> None:
    seal, reply = SEALED[name]
    assert seal(reply) == reply


@pytest.mark.parametrize("name", SEALS)
def test_more_gets_past_the_sum_when_it_is_right(name: str) -> None:
    parser, seeds = PARSERS[name]

    def frames(seal: Seal | None) -> int:
        rng, sound = random.Random(1), set()
        for _ in range(2000):
            data = mutated(rng, seeds, seal)
            buffer = bytearray(data)
            try:
                understood = parser(buffer) is not None
            except Refused:  # a sound frame that says no
                understood = True
            except BadReply:
                understood = False
            if understood:
                sound.add(data[: len(data) - len(buffer)][-8:])
        return len(sound)

    assert frames(SEALS[name]) > 2 * frames(None)


def test_every_codec_is_fuzzed() -> None:
    folder = Path(drivers.__file__).parent
    codecs = {f"drivers.{path.parent.name}.codec" for path in folder.glob("*/codec.py")}
    assert codecs - {getattr(module, "__name__", "") for module in vars(parsers).values()} == set()
