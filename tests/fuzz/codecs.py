"""Any bytes, in any pieces, into every codec: ``python -m tests.fuzz.codecs [--inputs N] [--jobs N] [--seed S]``.

A parser may answer with a value, "not yet", ``BadReply`` or ``Refused``; nothing else, within bounded time and memory,
and never with an infinite number. Inputs are mutations of real replies, the same for the same seed on any number of
processes. What escapes is printed with the command that does it again. ``--atheris PARSER`` is guided by coverage
instead, one parser in a process.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

from tests.fuzz.guided import guided
from tests.fuzz.judge import Escaped, again, judge, limited
from tests.fuzz.mutate import SEALS, mutated, torn
from tests.fuzz.parsers import PARSERS

BLOCK = 25_000
"""Inputs that one process takes at a time, with random numbers of their own."""


def fuzz(name: str, inputs: int, seed: int, block: int = 0) -> float:
    """``inputs`` mutations into one parser; the seconds they took. Raises Escaped."""
    parser, seeds = PARSERS[name]
    seal = SEALS.get(name)
    rng = random.Random(f"{seed}/{name}/{block}")
    began_s = time.perf_counter()
    with limited() as progress:
        for _ in range(inputs):
            judge(name, parser, torn(rng, mutated(rng, seeds, seal)))
            progress.inputs += 1
    return time.perf_counter() - began_s


def fuzz_all(names: Sequence[str], inputs: int, seed: int, jobs: int) -> list[Escaped]:
    """Every parser of ``names`` on ``jobs`` processes, a line printed as each is done. What escaped."""
    blocks = -(-inputs // BLOCK)
    took_s: dict[str, float] = defaultdict(float)
    left = dict.fromkeys(names, blocks)
    escaped: dict[str, Escaped] = {}
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        running = {
            pool.submit(fuzz, name, min(BLOCK, inputs - block * BLOCK), seed, block): name
            for name in names
            for block in range(blocks)
        }
        for one in as_completed(running):
            name = running[one]
            left[name] -= 1
            try:
                took_s[name] += one.result()
            except Escaped as error:
                escaped.setdefault(name, error)
            if not left[name]:
                verdict = "ESCAPED" if name in escaped else "none escaped"
                print(
                    f"{name:<28}{inputs:>10} inputs, {verdict}, {1e6 * took_s[name] / inputs:5.1f} us each", flush=True
                )
    return list(escaped.values())


def main() -> int:
    """Fuzz all parsers, or one. Exit code 1: something escaped."""
    ask = argparse.ArgumentParser(prog="python -m tests.fuzz.codecs", description=__doc__)
    ask.add_argument("--inputs", type=int, default=100_000, help="into each parser (default 100000)")
    ask.add_argument("--seed", type=int, default=1)
    ask.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: one a core)")
    ask.add_argument("--only", metavar="PARSER", choices=sorted(PARSERS), help="one parser")
    ask.add_argument("--pieces", metavar="HEX,HEX", help="this input alone; needs --only")
    ask.add_argument("--atheris", metavar="PARSER", choices=sorted(PARSERS), help="guided by coverage")
    arguments = ask.parse_args()
    if arguments.inputs < 1 or arguments.jobs < 1:
        ask.error("--inputs and --jobs start at 1")
    if arguments.atheris is not None:
        guided(arguments.atheris, arguments.inputs, arguments.seed)
        return 0
    if arguments.pieces is not None:
        if arguments.only is None:
            ask.error("--pieces needs --only PARSER")
        with limited():
            judge(arguments.only, PARSERS[arguments.only][0], map(bytes.fromhex, arguments.pieces.split(",")))
        print(f"{arguments.only}: nothing escaped")
        return 0
    began_s = time.perf_counter()
    names = [arguments.only] if arguments.only else list(PARSERS)
    escaped = fuzz_all(names, arguments.inputs, arguments.seed, arguments.jobs)
    for error in escaped:
        print(f"\n{error}\n  again: {again(error)}")
    minutes = (time.perf_counter() - began_s) / 60.0
    print(
        f"{len(names)} parsers, {arguments.inputs} inputs each, {minutes:.1f} min with {arguments.jobs} process(es), "
        f"seed {arguments.seed}: {len(escaped)} parser(s) let something escape"
    )
    return 1 if escaped else 0


if __name__ == "__main__":
    sys.exit(main())
