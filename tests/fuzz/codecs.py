"""Any bytes, in any pieces, into every codec: ``python -m tests.fuzz.codecs [--inputs N] [--seed S] [--atheris]``.

A parser may answer with a value, "not yet", ``BadReply`` or ``Refused``; nothing else, within bounded time, and never
with an infinite number. Without ``--atheris`` inputs are mutations of real replies, drawn from the seed; with it they
are guided by coverage (``pip install atheris``), one parser after the other.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import time
from collections.abc import Iterable
from typing import Any

from drivers.contract import BadReply, Refused
from tests.fuzz.parsers import PARSERS, Parser

INPUT_MAX = 600
SLOWEST_S = 0.5
"""Far above what a parser needs for a few hundred bytes, far below what would hold up the loop unseen."""
FEEDS_MAX = 200


class Escaped(AssertionError):
    """A parser did what no parser may."""


def judge(name: str, parser: Parser, pieces: Iterable[bytes]) -> None:
    """Feed ``pieces`` as a port does. Raises Escaped with the input, to be put into a test."""
    fed: list[bytes] = []
    buffer = bytearray()
    began_s = time.perf_counter()
    for piece in pieces:
        fed.append(piece)
        buffer += piece
        value: Any = None
        for _ in range(FEEDS_MAX):
            before = len(buffer)
            try:
                value = parser(buffer)
            except (BadReply, Refused):
                buffer.clear()  # as the port does
                break
            except Exception as error:
                raise Escaped(f"{name}: {type(error).__name__}: {error} on {fed!r}") from error
            if len(buffer) > before:
                raise Escaped(f"{name}: the buffer grew on {fed!r}")
            if value is None or not buffer:
                break
            if len(buffer) == before:
                raise Escaped(f"{name}: a value that used nothing up, on {fed!r}")
        if value_is_infinite(value):
            raise Escaped(f"{name}: an infinite number from {fed!r}")
    if time.perf_counter() - began_s > SLOWEST_S:
        raise Escaped(f"{name}: {time.perf_counter() - began_s:.2f} s for {fed!r}")


def value_is_infinite(value: Any) -> bool:
    """An infinity anywhere in what a parser gave."""
    if isinstance(value, float):
        return math.isinf(value)
    return isinstance(value, list | tuple) and any(value_is_infinite(one) for one in value)


def mutated(rng: random.Random, seeds: tuple[bytes, ...]) -> bytes:
    """One input: real replies with bytes changed, lost, doubled, put in; or noise."""
    if rng.random() < 0.1:
        return rng.randbytes(rng.randrange(0, 80))
    data = bytearray(rng.choice(seeds) * (1 if rng.random() < 0.8 else rng.randrange(2, 12)))
    for _ in range(rng.randrange(0, 6)):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(6):
            case 0 if data:
                data[at % len(data)] = rng.randrange(256)
            case 1:
                del data[at : at + rng.randrange(1, 4)]
            case 2:
                data[at:at] = rng.randbytes(rng.randrange(1, 4))
            case 3:
                data[at:at] = rng.choice(seeds)[: rng.randrange(1, 20)]
            case 4 if data:
                data[at % len(data)] ^= 1 << rng.randrange(8)
            case _:
                data[at:at] = rng.choice((b"9" * 40, b"-", b".", b"E+99", b"nan", b"inf", b",", b"\r\n", b"\xff"))
    return bytes(data[:INPUT_MAX])


def torn(rng: random.Random, data: bytes) -> list[bytes]:
    """The input as a line may deliver it."""
    if rng.random() < 0.6:
        return [data]
    cuts = sorted(rng.randrange(len(data) + 1) for _ in range(rng.randrange(1, 5)))
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]


def fuzz(name: str, inputs: int, seed: int) -> None:
    """``inputs`` mutations into one parser."""
    parser, seeds = PARSERS[name]
    rng = random.Random(f"{seed}/{name}")
    for _ in range(inputs):
        judge(name, parser, torn(rng, mutated(rng, seeds)))


def guided(name: str, inputs: int) -> None:
    """One parser under atheris; ends the process, as libFuzzer does."""
    import atheris

    parser, _ = PARSERS[name]

    def one(data: bytes) -> None:
        provider = atheris.FuzzedDataProvider(data)
        judge(name, parser, [provider.ConsumeBytes(provider.ConsumeIntInRange(0, INPUT_MAX)) for _ in range(2)])

    atheris.instrument_all()
    atheris.Setup([sys.argv[0], f"-runs={inputs}", "-max_len=1200"], one)
    atheris.Fuzz()


def main() -> None:
    """Fuzz all parsers, or one."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--inputs", type=int, default=100_000, help="into each parser (default 100000)")
    ask.add_argument("--seed", type=int, default=1)
    ask.add_argument("--only", choices=sorted(PARSERS), help="one parser")
    ask.add_argument("--atheris", action="store_true", help="guided by coverage; needs --only")
    arguments = ask.parse_args()
    if arguments.atheris:
        if arguments.only is None:
            ask.error("--atheris fuzzes one parser in a process: name it with --only")
        guided(arguments.only, arguments.inputs)
        return
    for name in (arguments.only,) if arguments.only else PARSERS:
        began_s = time.perf_counter()
        fuzz(name, arguments.inputs, arguments.seed)
        took_s = time.perf_counter() - began_s
        print(f"{name:<28}{arguments.inputs:>10} inputs, none escaped, {1e6 * took_s / arguments.inputs:5.1f} us each")


if __name__ == "__main__":
    main()
