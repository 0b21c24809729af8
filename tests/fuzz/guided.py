"""One parser under atheris, which looks for inputs that reach new code: ``pip install atheris``, which is not locked
with our tools because not every Python has a wheel of it.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.fuzz.judge import Escaped, again, judge
from tests.fuzz.mutate import INPUT_MAX, SEALS
from tests.fuzz.parsers import PARSERS

MISSING = (
    "guided fuzzing needs atheris, which this Python does not have ({error}): {python} -m pip install atheris; "
    "without it leave out --atheris"
)


def guided(name: str, inputs: int, seed: int) -> None:
    """``inputs`` into parser ``name``, starting from what its device says; ends the process, as libFuzzer does.

    An escape is printed before that, with the command that does it again. Raises SystemExit without atheris.
    """
    try:
        atheris: Any = importlib.import_module("atheris")
    except ImportError as error:
        raise SystemExit(MISSING.format(error=error, python=sys.executable)) from error
    parser, seeds = PARSERS[name]
    seal = SEALS.get(name)

    def one(data: bytes) -> None:
        provider = atheris.FuzzedDataProvider(data)
        cut = provider.ConsumeIntInRange(0, INPUT_MAX)
        sealed = provider.ConsumeBool()
        said = provider.ConsumeBytes(INPUT_MAX)
        if seal is not None and sealed:
            said = seal(said)
        try:
            judge(name, parser, [said[:cut], said[cut:]])
        except Escaped as error:
            print(f"\n{error}\n  again: {again(error)}", flush=True)
            raise

    atheris.instrument_all()
    with tempfile.TemporaryDirectory() as corpus:
        for number, reply in enumerate(seeds):
            Path(corpus, str(number)).write_bytes(reply + b"\1\xff\3")  # integers are taken from the end
        options = [f"-runs={inputs}", f"-seed={seed}", f"-max_len={INPUT_MAX + 3}", "-timeout=5", "-rss_limit_mb=2048"]
        options.append(f"-artifact_prefix={corpus}/")  # the command that is printed holds the input
        atheris.Setup([sys.argv[0], corpus, *options], one)
        atheris.Fuzz()
