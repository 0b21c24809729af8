"""Some thousands of mutated replies into every codec, and what the judge calls an escape."""

from __future__ import annotations

import pytest

from drivers.contract import BadReply, Refused
from tests.fuzz.codecs import Escaped, fuzz, judge
from tests.fuzz.parsers import PARSERS


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


def test_the_judge_finds_what_it_is_for() -> None:
    def raises(buffer: bytearray) -> None:
        raise KeyError(buffer[0])

    def invents(buffer: bytearray) -> float:
        buffer.clear()
        return float("inf")

    def hoards(buffer: bytearray) -> None:
        buffer += b"x"

    def stands_still(buffer: bytearray) -> int:
        return 1

    def rejects(buffer: bytearray) -> None:
        raise BadReply("no")

    for parser, text in ((raises, "KeyError"), (invents, "infinite"), (hoards, "grew"), (stands_still, "used nothing")):
        with pytest.raises(Escaped, match=text):
            judge("canary", parser, [b"a"])
    judge("canary", rejects, [b"a", b"b"])
