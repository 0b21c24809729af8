"""From answers to a bench, as a bench file would hold it, and what is wrong with it in the words of the file's own
checks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from controller.config.loading import check_bench, declare
from controller.config.problems import ConfigError, Problem, did_you_mean
from controller.config.yaml_loader import parse
from controller.wizard.offers import Offer, driver_of, fittings, instrument
from controller.wizard.page import written
from controller.wizard.questions import DEVICES, NONE, WHERE, Answers, chosen, script
from drivers.contract import Declaration

LISTS = {"tissue": "tissue", "tine": "tines", "critical": "critical", "cable": "cable"}
SINGLES = ("tip", "shaft", "coolant")
CONTACTS = {"estop": "estop", "foot": "footswitch", "leak": "leak"}
TISSUE = {"rf": "exvivo_bovine", "microwave": "exvivo_porcine"}


def wrong(answers: Answers, ports: Sequence[Offer], file: str) -> tuple[Problem, ...]:
    """What is wrong with the answers so far, all later ones being the usual ones."""
    done, open_yet = dict(answers), []
    for question in script(done, ports):
        if question.key not in done and question.default == "":
            open_yet.append(f".options.{question.key.partition('.')[2]}")  # nothing can stand in for it
        done.setdefault(question.key, question.default)
    if said := _choices(done):
        return said
    try:
        check_bench(parse(written(bench(done)), file), Path(file))
    except ConfigError as error:
        return tuple(problem for problem in error.problems if not problem.path.endswith(tuple(open_yet)))
    return ()


def _choices(answers: Answers) -> tuple[Problem, ...]:
    """Answers that only the wizard knows; everything else is judged by the checks of a bench file."""
    if answers["where"] not in (known := [offer.value for offer in WHERE]):
        return (Problem("", 0, "where", f"{answers['where']!r} is neither {' nor '.join(known)}"),)
    names = [fitting.name for fitting in fittings(instrument("generator", answers["generator"]).modality)]
    if (name := str(answers["applicator"])) not in names:
        near = did_you_mean(name, names)
        hint = f"did you mean {near}?" if near else f"known here: {', '.join(names)}; others are written into the file"
        return (Problem("", 0, "applicator", f"there is no applicator {name} for this generator", hint),)
    for key, parts in (
        ("thermometer.channels", (*LISTS, *SINGLES)),
        ("contacts.pins", (*CONTACTS, "door", "pad")),
    ):
        if not isinstance(answers[key], Mapping):
            return (Problem("", 0, key, "is no list of inputs and names", "write e.g. 101: tip_c, 102: tissue_10mm_c"),)
        called = answers[key].values() if key.endswith("channels") else answers[key]
        for name in map(str, called):
            if not name.startswith(tuple(f"{part}_" for part in parts)):
                hint = f"begin it with one of {', '.join(f'{part}_' for part in parts)}"
                return (Problem("", 0, key, f"{name} says not which part it plays", hint),)
    return ()


def bench(answers: Answers) -> dict[str, Any]:
    """The mapping that a bench file holds."""
    devices = {
        name: _device(answers, part) for part, name in DEVICES.items() if part in answers and answers[part] != NONE
    }
    roles = _roles(answers, devices)
    applicator = {**chosen(answers).applicator, "power_max_w": answers["applicator.power_max_w"]}
    limits = {key.removeprefix("limits."): value for key, value in answers.items() if key.startswith("limits.")}
    if "impedance" not in roles:
        limits = {name: value for name, value in limits.items() if not name.startswith("impedance")}
    modality = instrument("generator", answers["generator"]).modality
    return {
        "bench": answers["bench"],
        "devices": devices,
        "roles": roles,
        "applicator": applicator,
        "limits": limits,
        "tick_hz": 20,
        "records": {"folder": answers["records.folder"]},
        "mqtt": None,
        "simulation": {"tissue": TISSUE.get(modality, "exvivo_bovine"), "seed": 1, "mesh": "fast"},
    }


def _device(answers: Answers, part: str) -> dict[str, Any]:
    row = instrument(part, answers[part])
    options = dict(row.options)
    for key, value in answers.items():
        if key.startswith(f"{part}.") and key != f"{part}.port":
            options[key.removeprefix(f"{part}.")] = dict(value) if isinstance(value, Mapping) else value
    device = {"driver": row.driver, "port": answers[f"{part}.port"]}
    return {**device, **({"baud": row.baud} if row.baud else {}), "options": options}


def _declared(devices: Mapping[str, Any], name: str) -> Declaration | None:
    """What a device declares; None where it cannot be made as it is described."""
    kind = driver_of(devices[name]["driver"]) if name in devices else None
    try:
        return declare(kind, name, kind.OPTIONS.model_validate(devices[name]["options"])) if kind is not None else None
    except ValueError:
        return None


def _channels(devices: Mapping[str, Any], name: str) -> list[str]:
    declared = _declared(devices, name)
    return [spec.name for spec in declared.channels] if declared is not None else []


def _roles(answers: Answers, devices: Mapping[str, Any]) -> dict[str, Any]:
    roles: dict[str, Any] = {"source": "gen"}
    if "pump" in devices:
        roles["pump"] = "pump"
        flow = _channels(devices, "flow")
        coolant, air = "coolant_c" in flow, next((name for name in flow if name.startswith("air_")), None)
        roles["flow"] = next((f"flow.{name}" for name in flow if name.endswith("_ml_min")), "flow.flow_ml_min")
        roles |= {"coolant": "flow.coolant_c"} if coolant else {}
        roles |= {"air": f"flow.{air}"} if air is not None else {}
    for name in map(str, dict(answers["thermometer.channels"]).values()):
        part = name.partition("_")[0]
        if part in LISTS:
            roles.setdefault(LISTS[part], []).append(f"tc.{name}")
        elif part in SINGLES:
            roles[part] = f"tc.{name}"
    source = _channels(devices, "gen")
    if "impedance_ohm" in source:
        roles["impedance"] = "gen.impedance_ohm"
    for name in map(str, answers["contacts.pins"]):
        part = name.partition("_")[0]
        if part in CONTACTS:
            roles.setdefault(CONTACTS[part], []).append(f"inputs.{name}")
        else:
            roles[part] = f"inputs.{name}"
    if "enable" in devices:
        roles["enable"] = "enable"
        roles |= {"enable_aux": "gen.interlock_open_flag"} if "interlock_open_flag" in source else {}
    return roles
