"""One wrong key or number anywhere in the bench file or the protocol (H72): it is refused with what and where, or what
flows stays below every power that any layer of these files allows.

``MUTATED_FILES=0`` tries all of them; as it stands a choice of some.
"""

from __future__ import annotations

import asyncio
import copy
import math
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.config import setup as setups
from controller.config.problems import ConfigError
from controller.daemon.desk import Desk
from drivers.contract import DeviceError
from sim.rehearsal import Rehearsal
from tests.daemon import rehearsed

CHOSEN = int(os.environ.get("MUTATED_FILES", "60"))
CEILING_W = 250.0
LAW = {"kind": "constant-power", "power_w": 150.0, "duration_s": 3.0, "rise_s": 0.0}
POWERS = ("power_w", "power_max_w", "power_limit_w")
NUMBERS: dict[str, Any] = {
    "ten times": lambda x: x * 10,
    "a thousand times": lambda x: x * 1000,
    "a tenth": lambda x: x / 10,
    "a thousandth": lambda x: x / 1000,
    "negated": lambda x: -x,
    "zero": lambda x: 0,
    "not a number": lambda x: math.nan,
    "infinite": lambda x: math.inf,
    "with a unit": lambda x: f"{x} W",
    "empty": lambda x: None,
}
OTHERS: dict[str, Any] = {"empty": lambda x: None, "another word": lambda x: f"{x}x", "a number": lambda x: 7}
GONE, MISSPELT = "gone", "misspelt"

Where = tuple[str | int, ...]


def leaves(node: Any, at: Where = ()) -> Iterator[tuple[Where, Any]]:
    """Everything in a document that is no mapping and no list."""
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in pairs:
        if isinstance(value, dict | list):
            yield from leaves(value, (*at, key))
        else:
            yield (*at, key), value


def mutated(document: Any, where: Where, how: str) -> Any:
    """A copy with one thing wrong."""
    new = copy.deepcopy(document)
    node = new
    for key in where[:-1]:
        node = node[key]
    old = node[where[-1]]
    if how in (GONE, MISSPELT):
        del node[where[-1]]
        if how == MISSPELT:
            node[f"{where[-1]}s"] = old
    else:
        is_number = isinstance(old, int | float) and not isinstance(old, bool)
        node[where[-1]] = (NUMBERS if is_number else OTHERS)[how](old)
    return new


def every(name: str, document: Any) -> Iterator[tuple[str, Where, str]]:
    for where, old in leaves(document):
        is_number = isinstance(old, int | float) and not isinstance(old, bool)
        hows = [*(NUMBERS if is_number else OTHERS), *((GONE, MISSPELT) if isinstance(where[-1], str) else ())]
        yield from ((name, where, how) for how in hows)


def least_w(*documents: Any) -> float:
    """The smallest power that is written anywhere, whatever it bounds, and the compiled ceiling."""
    found = [x for d in documents for where, x in leaves(d) if where[-1] in POWERS and isinstance(x, int | float)]
    return min([CEILING_W, *(x for x in found if math.isfinite(x))])


def most_w(folder: Path, bench: str, protocol: str) -> float:
    """Load, prepare, arm and fire as far as it is let; the highest power that reached the tissue."""
    most = 0.0

    async def act(run: Rehearsal, desk: Desk) -> None:
        nonlocal most
        for _ in range(30):
            if (await desk.status())["state"] == "SAFE":
                break
            await asyncio.sleep(0.1)
        asked = [lambda: desk.prepare(protocol, "anna"), lambda: desk.arm("anna"), lambda: desk.fire("anna")]
        for ask in asked:
            if not (await ask())["ok"]:
                return
            for _ in range(25):
                most = max(most, run.power.now_w())
                state = (await desk.status())["state"]
                if state in ("READY", "ARMED", "SAFE") and ask is not asked[2]:
                    break
                await desk.renew()
                await asyncio.sleep(0.1)

    rehearsed.acted(folder, protocol, act, bench)
    return most


def tried(folder: Path, bench: Any, protocol: Any) -> float | None:
    """The most that flowed, W; None: refused with a sentence for each problem."""
    folder.mkdir()
    paths = [folder / "bench.yaml", folder / "short.yaml"]
    for path, document in zip(paths, (bench, protocol), strict=True):
        path.write_text(yaml.safe_dump(document, sort_keys=False))
    try:
        setups.load(*map(str, paths))
        return most_w(folder, *map(str, paths))
    except ConfigError as error:
        told = [problem.message for problem in error.problems]
    except DeviceError as error:
        told = [str(error)]
    assert told
    assert all(told)
    return None


def test_one_wrong_thing_is_refused_or_flows_below_every_layer(tmp_path: Path) -> None:
    shipped = setups.load("cooled-rf-sim", "demo-30s").bench.path
    bench = yaml.safe_load(shipped.read_text())
    bench["applicator"] = bench["applicator"][0]
    protocol = yaml.safe_load(Path(rehearsed.protocol(tmp_path, LAW)).read_text())
    assert tried(tmp_path / "sound", bench, protocol) == pytest.approx(150.0, rel=0.05)
    all_of_them = [*every("bench", bench), *every("protocol", protocol)]
    assert len(all_of_them) > 500
    chosen = random.Random(72).sample(all_of_them, CHOSEN) if CHOSEN else all_of_them
    refused = 0
    for k, (name, where, how) in enumerate(chosen):
        files = {"bench": bench, "protocol": protocol}
        files[name] = mutated(files[name], where, how)
        most = tried(tmp_path / str(k), files["bench"], files["protocol"])
        refused += most is None
        assert most is None or most <= 1.05 * max(0.0, least_w(*files.values())) + 0.5, (name, where, how, most)
    assert refused > len(chosen) / 3
