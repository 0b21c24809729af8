"""A bench as a file that people go on writing: in the order of the shipped ones, with a word on each part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

SCHEMA = "bench.schema.json"
HEAD = f"""\
# yaml-language-server: $schema=./{SCHEMA}
# A bench file, begun by `ablate init`. After every change: ablate config check FILE, then ablate doctor FILE.
# Editors complete and underline by the schema above; `ablate config schema bench --out {SCHEMA}` writes it anew.
"""
ABOUT = {
    "devices": "Instruments, one port each: `ablate devices list` names drivers, `ablate devices probe` ports.",
    "roles": "Who does what: names of devices, and channels as device.channel.",
    "applicator": "What is mounted, or a list of all that the lab owns: a protocol then takes its own.",
    "limits": "What this site allows. A protocol may tighten these, never loosen them.",
    "simulation": "Read by the sim:// ports only; without effect on real ones.",
}
DEVICES = {
    "gen": "gives the energy",
    "pump": "moves the coolant",
    "flow": "proves that coolant moves",
    "tc": "thermometer",
    "inputs": "reads the contacts of E-stop, footswitch and door",
    "enable": "in series with both E-stop contacts in the generator's interlock loop; opens when it is not refreshed",
}
BROKER = "{host: broker.example, port: 8883, site: lab-1, tls: {}, username: bench, password_file: FILE}"


def written(bench: Mapping[str, Any]) -> str:
    """The text of the file."""
    lines = [f"bench: {_flow(bench['bench'])}", "", f"# {ABOUT['devices']}", "devices:"]
    for name, device in bench["devices"].items():
        lines.append(f"  {name}: # {DEVICES[name]}")
        lines += [f"    {key}: {_flow(value)}" for key, value in device.items() if value != {}]
    for part in ("roles", "applicator", "limits"):
        lines += ["", f"# {ABOUT[part]}", f"{part}:"]
        lines += [f"  {key}: {_flow(value)}" for key, value in bench[part].items()]
    lines += ["", f"tick_hz: {bench['tick_hz']} # control ticks in a second"]
    lines += [f"records: {_flow(bench['records'])} # on a local disk", f"mqtt: null # or {BROKER}"]
    lines += ["", f"# {ABOUT['simulation']}", f"simulation: {_flow(bench['simulation'])}"]
    return HEAD + "\n".join(lines) + "\n"


def _flow(value: object) -> str:
    """On one line."""
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6)
    return text.removesuffix("\n").removesuffix("\n...").strip()
