"""The benches of ``examples/benches``: pairs that differ in their ports only, complete, no stray device."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from controller.config.loading import load_bench
from controller.config.yaml_loader import load

BENCHES = Path(__file__).resolve().parents[2] / "examples" / "benches"
HARDWARE = sorted(path for path in BENCHES.glob("*.yaml") if not path.stem.endswith("-sim"))
PORT = re.compile(r"\s*(\w+_)?port: (\S+)")


def twin(path: Path) -> Path:
    return path.with_name(f"{path.stem}-sim.yaml")


def test_every_bench_is_half_of_a_pair():
    assert len(HARDWARE) == 9
    assert {path.name for path in BENCHES.iterdir()} == {p.name for path in HARDWARE for p in (path, twin(path))}


@pytest.mark.parametrize("path", HARDWARE, ids=lambda path: path.stem)
def test_a_pair_differs_in_its_ports_only(path: Path):
    real, simulated = (each.read_text(encoding="utf-8").splitlines() for each in (path, twin(path)))
    lines = list(zip(real, simulated, strict=True))
    for one, other in lines:
        here, there = PORT.match(one), PORT.match(other)
        if here is None or there is None:
            assert one == other
            continue
        assert one[: here.start(2)] == other[: there.start(2)]
        assert not here[2].startswith("sim://") and there[2].startswith("sim://")
        assert one[here.end(2) :] == other[there.end(2) :]
    assert sum(PORT.match(one) is not None for one, _ in lines) == len(load_bench(path).bench.ports())


@pytest.mark.parametrize("path", HARDWARE, ids=lambda path: path.stem)
def test_a_bench_is_whole(path: Path):
    loaded = load_bench(path)
    bench, roles = loaded.bench, loaded.bench.roles
    assert bench.bench == path.stem
    assert bench.simulation is not None
    assert roles.enable is not None or loaded.source.native_deadman_s is not None  # something besides the host
    assert roles.door is not None and len(roles.footswitch) == 2
    named = {name.split(".")[0] for value in roles.model_dump().values() for name in _names(value)}
    assert named == set(bench.devices)  # no device without a role
    assert load(path).text.startswith("# ")  # says what it is and how it is wired


def _names(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, (list, tuple)) else ()


@pytest.mark.parametrize("path", HARDWARE, ids=lambda path: path.stem)
def test_ports_are_named_as_they_stay(path: Path):
    for url in load_bench(path).bench.ports():
        assert url.startswith(("/dev/serial/by-id/", "tcp://", "visa://"))  # not /dev/ttyUSB0, which moves
