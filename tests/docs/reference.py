"""The pages below docs/reference, written from models, declarations and tables: ``python -m tests.docs.reference``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from controller.config.loading import declare
from controller.config.schema import schema
from controller.evidence import layers
from controller.hazards import Hazard, parse
from controller.laws import registry as laws
from drivers.contract import Declaration
from drivers.registry import load_driver, offered
from tests.docs.schema_tables import HEAD, Schema, holds, tables

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "reference"
WRITTEN = "<!-- written by `python -m tests.docs.reference`; do not edit -->"
UNIT_OF_KEYS = "Keys that are left out\nhave their default; - is none."

BENCH = f"""# The bench file, key by key

{WRITTEN}

A bench file says which instruments there are, who does what, and what the site allows;
[examples/benches](../../examples/benches) has nine of them. `ablate config check FILE` names every mistake with its
line, `ablate config show FILE` what is in force; `ablate config schema bench --out bench.schema.json` lets an editor
complete and underline. {UNIT_OF_KEYS} A key that is not here is an error. The strictest of all layers
holds: what is compiled in, generator, applicator, bench, protocol.
"""
PROTOCOL = f"""# The protocol file, key by key

{WRITTEN}

A protocol file says what power does: the law and its numbers, within limits, with what cooling. How one is made:
[write a protocol](../write-a-protocol.md). `ablate protocols list` names those that are shipped. {UNIT_OF_KEYS}
A key that is not here is an error.
"""
DRIVERS = f"""# Drivers and their channels

{WRITTEN}

What each driver declares; interlocks are built from this. Wires, ports and dead-men: [drivers](../drivers.md); options:
[the bench file](bench-file.md). A channel's full name is `device.channel`, with the name that the bench file gives the
device. *Every* is how often a sample is expected.
"""
ALARMS = f"""# Alarms and hazards

{WRITTEN}

Which hazard raises which alarm, and what then happens. How an alarm is shown, heard and acknowledged:
[alarms](../alarms.md); how each is noticed, and what shows that: [hazards](../hazards.md). *stops*: the application
ends; *trips*: it ends, and the bench stays tripped until somebody has acknowledged and reset it; *locks*: only `ablate
reset --lockout` leads on; *refuses*: not READY, not ARMED, no FIRE. A time is from the moment at which the fault can be
seen to 0 W, at most.
"""
OPTIONS: dict[str, dict[str, Any]] = {
    "electrode-switch": {"needles": {0: 1, 1: 2, 2: 3}},
    "keysight-34970a": {"channels": {101: "tip_c"}},
    "moxa-iologik": {"pins": {"estop_a_closed": 0}},
    "numato-gpio": {"pins": {"estop_a_closed": 0}},
    "omega-fob": {"channels": {1: "tissue_10mm_c"}},
    "rf-chain": {"amplifier_port": "tcp://amplifier:5025", "meter_port": "tcp://meter:5025"},
    "sensirion-slf3x": {"model": "slf3s-4000b"},
    "watson-marlow-du": {"ml_per_rev": 0.8},
}
"""What a driver cannot be without; channels that are named there stand for all of that driver's."""
ACTS = {"INH": "refuses", "STOP": "stops", "TRIP": "trips", "LOCK": "locks"}


def pages() -> dict[str, str]:
    """Name of the page -> its text."""
    return {
        "bench-file.md": BENCH + "".join(_bench()),
        "protocol-file.md": PROTOCOL + "".join(_protocol()),
        "drivers.md": DRIVERS + "".join(_drivers()),
        "alarms.md": ALARMS + "".join(_alarms()),
    }


def _bench() -> Iterator[str]:
    made = schema("bench")
    options = {name: load_driver(name).OPTIONS.__name__ for name in sorted(offered())}
    made["$defs"]["Device"].pop("allOf")  # one table for each driver, at the end
    yield from tables(made, "The file")
    for driver, model in options.items():
        yield f"\n## options of `{driver}`\n\n{HEAD}"
        yield from _rows(made, made["$defs"][model])


def _rows(whole: Schema, node: Schema) -> Iterator[str]:
    """The rows of a driver's options."""
    table = "".join(tables({**node, "$defs": whole["$defs"]}, "options"))
    yield table.partition(HEAD)[2].partition("\n## ")[0]


def _protocol() -> Iterator[str]:
    yield from tables(schema("protocol"), "The file")
    yield "\n## Laws, and where they come from\n\n| law | in one sentence |\n|---|---|\n"
    for name in laws.names():
        module = __import__(laws.find(name).__module__, fromlist=["x"])
        yield f"| `{name}` | {(module.__doc__ or '').strip().splitlines()[0]} |\n"
    yield "\nRules, sources and figures: [laws](../laws.md).\n"


def declared(name: str) -> Declaration:
    """What the driver ``name`` declares with its defaults, and :data:`OPTIONS` where it needs more."""
    driver = load_driver(name)
    return declare(driver, "device", driver.OPTIONS.model_validate(OPTIONS.get(name, {})))


def _drivers() -> Iterator[str]:
    for name in sorted(offered()):
        found = declared(name)
        facts = [found.role.replace("_", " ")]
        if found.modality:
            facts.append({"rf": "radio frequency", "microwave": "microwaves"}[found.modality])
        if found.power_max_w is not None:
            facts.append(f"up to {found.power_max_w:g} W as set by default")
        if found.role == "source":
            dead = found.native_deadman_s
            facts.append(f"off {dead:g} s after the last word of its host" if dead else "no dead-man of its own")
        if found.impedance_under_power:
            facts.append("impedance only while power flows")
        told = ", ".join(facts)
        yield f"\n## {name}\n\n{told[0].upper()}{told[1:]}.\n\n"
        if not found.channels:
            yield "It measures nothing.\n"
            continue
        yield "| channel | unit | range | every |\n|---|---|---|---|\n"
        for spec in found.channels:
            unit, span = ("0 or 1", "") if spec.two_valued else (_unit(spec.name), f"{spec.low:g} to {spec.high:g}")
            yield f"| `{spec.name}` | {unit} | {span} | {spec.period_s:.2g} s |\n"


def _unit(channel: str) -> str:
    node: Schema = {"type": "number"}
    made: Schema = {"properties": {channel: node}}
    from controller.config.schema import add_units

    add_units(made)
    return holds(node, made).removeprefix("number").removeprefix(", ")


def _alarms() -> Iterator[str]:
    rows = parse((ROOT / "safety" / "hazards.toml").read_text(encoding="utf-8"))
    for priority in ("high", "medium", "low", "none"):
        yield f"\n## {priority.capitalize()}\n\n| id | what can happen | what is done | within |\n|---|---|---|---|\n"
        yield from (_alarm(row) for row in rows if row.alarm == priority)


def _alarm(row: Hazard) -> str:
    acts = ", ".join(ACTS[act] for act in row.action) or "-"
    within = f"{row.trips_within_s:g} s" if row.trips_within_s is not None else "-"
    return f"| {row.id} | {row.title.replace(' <- ', ' ← ')} | {acts} | {within} |\n"


def layer_table(text: str, readme: str) -> str:
    """``text`` with README's table of what takes the energy away between the markers."""
    block = readme.partition(layers.BEGIN)[2].partition(layers.END)[0]
    before, _, rest = text.partition(layers.BEGIN)
    return before + layers.BEGIN + block + layers.END + rest.partition(layers.END)[2]


SAFE = ROOT / "docs" / "keeps-you-safe.md"

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    SAFE.write_text(layer_table(SAFE.read_text(encoding="utf-8"), readme), encoding="utf-8")
