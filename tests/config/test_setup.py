"""The lattice never loosens, the hash follows the content, every number carries its unit, what ships is sound."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.config import setup as setups
from controller.config.bench import Bench, Limits
from controller.config.layers import Layer, effective, loosenings
from controller.config.loading import load_bench, load_protocol
from controller.config.protocol import ProtocolOf
from controller.config.shipped import shipped
from controller.config.units import DIMENSIONLESS, suffix, unit
from controller.config.validate import carries_unit, numeric_fields
from controller.config.yaml_loader import parse
from controller.laws import registry as laws
from drivers.registry import load_driver, offered
from safety.limits import LOWER_BOUNDS, NAMES
from tests.config.support import BENCH, PROTOCOL, both, spoiled

ROOT = Path(__file__).resolve().parents[2]

values = st.one_of(st.none(), st.floats(1.0, 1000.0, allow_subnormal=False))
shares = st.one_of(st.none(), st.floats(0.0, 1.0, allow_subnormal=False))
layer_limits = st.fixed_dictionaries(
    {name: shares if name.endswith("_share") else values for name in NAMES},
).map(lambda found: Limits(**found))


@given(st.lists(layer_limits, min_size=1, max_size=6))
def test_no_layer_can_loosen_what_another_grants(stack: list[Limits]):
    document = parse("limits: {power_w: 1}\n", "f.yaml")
    layers = [Layer(f"layer {i}", limits.layer(), document) for i, limits in enumerate(stack)]
    bounds = effective(layers)
    for limits in stack:
        for name in NAMES:
            value = getattr(limits, name)
            if value is not None:
                assert bounds[name].value >= value if name in LOWER_BOUNDS else bounds[name].value <= value
    # One more layer only tightens, and is refused exactly where it would not.
    for count in range(1, len(layers)):
        before, after = effective(layers[:count]), effective(layers[: count + 1])
        for name, bound in before.items():
            wanted = getattr(stack[count], name)
            tightened = after[name].value >= bound.value if name in LOWER_BOUNDS else after[name].value <= bound.value
            assert tightened
            laxer = wanted is not None and (wanted < bound.value if name in LOWER_BOUNDS else wanted > bound.value)
            told = [p for p in loosenings(layers[: count + 1]) if p.path == f"limits.{name}"]
            assert laxer <= bool(told)


@pytest.mark.usefixtures("here")
class TestHash:
    def test_what_does_not_count(self):
        plain = both().config_hash
        assert len(plain) == 64
        reordered = "tick_hz: 20.0 # the same\n" + spoiled(BENCH, "tick_hz: 20\n", "")
        assert both(reordered, "# a comment\n" + PROTOCOL).config_hash == plain
        assert both(BENCH + "sample_age_s: 0.25\n").config_hash == plain  # a default, written out

    @pytest.mark.parametrize(
        ("old", "new"),
        [("energy_j: 200000", "energy_j: 200001"), ("address: 0", "address: 1"), ("sim://tc", "sim://other")],
    )
    def test_what_counts_in_a_bench(self, old: str, new: str):
        assert both(spoiled(BENCH, old, new)).config_hash != both().config_hash

    @pytest.mark.parametrize(("old", "new"), [("resume: 0.7", "resume: 0.71"), ("made for", "Made for")])
    def test_what_counts_in_a_protocol(self, old: str, new: str):
        assert both(BENCH, spoiled(PROTOCOL, old, new)).config_hash != both().config_hash


def test_every_number_of_every_file_carries_its_unit():
    models = [
        Bench,
        *(ProtocolOf[laws.find(name).PARAMS] for name in laws.names()),  # type: ignore[misc]
        *(load_driver(name).OPTIONS for name in offered()),
    ]
    bare = {
        f"{owner.__name__}.{name}"
        for model in models
        for owner, name in numeric_fields(model)
        if not carries_unit(name, DIMENSIONLESS)
    }
    assert bare == set()


@pytest.mark.parametrize(
    ("name", "ends_in", "printed"),
    [
        ("power_w", "_w", "W"),
        ("ramp_w_per_min", "_w_per_min", "W/min"),
        ("flow_ml_min", "_ml_min", "mL/min"),
        ("bag_ml", "_ml", "mL"),
        ("power_cap_W", "", ""),
        ("resume", "", ""),
    ],
)
def test_suffixes(name: str, ends_in: str, printed: str):
    assert suffix(name) == ends_in
    assert unit(name) == printed


class TestShipped:
    def test_names(self):
        assert list(shipped("bench")) == ["cooled-rf-sim"]
        names = set(shipped("protocol"))
        assert {"constant-power-30w", "cooled-needle-2cm-12min", "cooled-needle-3cm-12min", "demo-30s"} <= names
        assert {f"rita-{cm}cm" for cm in (2, 3, 4, 5)} | {"rf3000-3cm", "rf3000-4cm"} <= names
        assert {f"thermosphere-{w}w-{s}s" for w in (45, 75, 100) for s in (150, 300, 600)} <= names
        assert all(any(name.startswith(f"microwave-{w}w-") for name in names) for w in (30, 40, 50, 60, 80, 100, 120))
        laws_used = {load_protocol(name).protocol.law.kind for name in names}
        assert laws_used == set(laws.names())

    @pytest.mark.parametrize("name", sorted(shipped("protocol")))
    def test_a_protocol_is_called_like_its_file(self, name: str):
        loaded = load_protocol(name).protocol
        assert loaded.protocol == name
        assert loaded.limits.energy_j is not None and loaded.limits.on_time_s is not None

    @pytest.mark.parametrize(
        "name", ["below-rolloff-3cm-12min", "constant-power-30w", "cooled-needle-3cm-12min", "demo-30s"]
    )
    def test_every_protocol_for_this_needle_fits_the_shipped_bench(self, name: str):
        assert setups.load("cooled-rf-sim", name).protocol.protocol.protocol == name

    @pytest.mark.parametrize("name", list(shipped("protocol")))
    def test_every_protocol_names_its_source(self, name: str):
        source = load_protocol(name).protocol.source
        assert "20" in source and len(source) > 80

    def test_the_examples_are_the_shipped_bench_and_its_twin(self):
        examples = ROOT / "examples" / "benches"
        sim = (examples / "cooled-rf-sim.yaml").read_text(encoding="utf-8")
        assert sim == shipped("bench")["cooled-rf-sim"].read_text(encoding="utf-8")
        twin = (examples / "cooled-rf.yaml").read_text(encoding="utf-8")
        pairs = list(zip(sim.splitlines(), twin.splitlines(), strict=True))
        differing = [(a.strip(), b.strip()) for a, b in pairs if a != b]
        assert len(differing) == 6
        assert all(a.startswith("port: sim://") and b.startswith("port: /dev/serial/by-id/") for a, b in differing)
        assert load_bench(examples / "cooled-rf.yaml").bench.devices["gen"].port.startswith("/dev/serial/by-id/")
