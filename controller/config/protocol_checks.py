"""What a protocol must fit: its own limits, and the bench that is to deliver it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from controller.config.bench import Bench
from controller.config.bench_checks import DEVICE_ROLES
from controller.config.layers import Layer, beyond, effective
from controller.config.problems import Problem
from controller.config.protocol import Cooling, Protocol
from controller.config.yaml_loader import Document
from drivers.contract import Declaration

TARGET_MARGIN_C = 3.0
"""The tissue limit must lie this far above the temperature that a law regulates to (H72)."""

CAPABILITIES: Mapping[str, tuple[tuple[str, ...], str, str]] = {
    "reflectometer": (
        ("forward_power_w", "reverse_power_w"),
        "forward and reflected power",
        "take a generator with a reflectometer",
    ),
}
"""What laws need besides roles: the source's channels that make it up, and what to do."""


def law_within(document: Document, protocol: Protocol, layers: Sequence[Layer]) -> list[Problem]:
    """The law's own numbers against the effective limits: what it may want must be allowed, and it must end."""
    problems: list[Problem] = []
    bounds, by_name = effective(layers), {layer.name: layer for layer in layers}
    own = Layer("law", protocol.limits.layer(), document)
    name, peak_w = protocol.law.peak
    if "power_w" in bounds and peak_w > bounds["power_w"].value:
        above = bounds["power_w"]
        problems.append(beyond(own, "power_w", peak_w, by_name[above.layer], above.value, ("law", name)))
    name, end_s = protocol.law.end
    if "on_time_s" in bounds and end_s >= bounds["on_time_s"].value:
        above = bounds["on_time_s"]
        place = by_name[above.layer].place("on_time_s") or f"the {above.layer}"
        message = f"the law ends at {end_s:g} s, but energy may flow for {above.value:g} s only ({place})"
        problems.append(document.problem(("law", name), message, "shorten the law or raise on_time_s"))
    if (target := protocol.law.target) is not None and "tissue_c" in bounds:
        name, target_c = target
        trip = bounds["tissue_c"]
        if trip.value < target_c + TARGET_MARGIN_C:
            place = by_name[trip.layer].place("tissue_c") or f"the {trip.layer}"
            message = f"the target of {target_c:g} is too near the limit tissue_c of {trip.value:g} ({place})"
            problems.append(document.problem(("law", name), message, f"leave {TARGET_MARGIN_C:g} K between them"))
    return problems


def fits_bench(
    document: Document,
    protocol: Protocol,
    bench_document: Document,
    bench: Bench,
    declarations: Mapping[str, Declaration],
) -> list[Problem]:
    """Applicator, modality, sensors, current and cooling of the bench against what the protocol needs."""
    problems: list[Problem] = []

    def place(*loc: str) -> str:
        return f"{bench_document.file}:{bench_document.line(loc)}"

    source = declarations[bench.roles.source]
    if source.modality is not None and source.modality != protocol.modality:
        message = (
            f"written for {protocol.modality}, but {source.model} is {source.modality} ({place('roles', 'source')})"
        )
        problems.append(document.problem(("modality",), message))
    problems += _applicator(document, protocol, bench, place)
    for need in protocol.law.needs:
        problems += _capability(document, protocol, bench, source, need, place)
    problems += _electrodes(document, protocol, bench, declarations, place)
    current, rated_a = protocol.law.current, bench.applicator.rated_a
    if current is not None and rated_a is not None and current[1] > rated_a:
        message = f"{current[1]:g} A is above the applicator's {rated_a:g} A ({place('applicator', 'current_max_a')})"
        problems.append(document.problem(("law", current[0]), message, f"write at most {rated_a:g}"))
    return problems + _cooling(document, protocol, bench, declarations, place)


def _applicator(document: Document, protocol: Protocol, bench: Bench, place: Callable[..., str]) -> list[Problem]:
    """The kind, then every number and model that the protocol gives."""
    wanted, there = protocol.applicator, bench.applicator
    differing: list[tuple[str, object, object]] = [("kind", wanted.kind, there.kind)]
    if wanted.kind == there.kind:
        found = there.geometry()
        differing = [(k, value, found[k]) for k, value in wanted.geometry().items() if k in found and value != found[k]]
    return [
        document.problem(
            ("applicator", key),
            f"written for {_plain(value)}, but the bench has {_plain(mounted)} ({place('applicator', key)})",
            "mount that applicator or take another protocol",
        )
        for key, value, mounted in differing
    ]


def _capability(
    document: Document, protocol: Protocol, bench: Bench, source: Declaration, need: str, place: Callable[..., str]
) -> list[Problem]:
    """One thing that the law cannot work without."""
    law, at = protocol.law.kind, ("law", "kind")
    if need in CAPABILITIES:
        channels, what, hint = CAPABILITIES[need]
        missing = [name for name in channels if name not in {spec.name for spec in source.channels}]
        if not missing:
            return []
        lacks = f"{source.model} measures no {' and no '.join(missing)}"
        return [document.problem(at, f"{law} needs {what}, but {lacks} ({place('roles', 'source')})", hint)]
    if getattr(bench.roles, need, None):
        return []
    what = "device" if need in DEVICE_ROLES else "channel"
    message = f"{law} needs {need}, but the bench names no such {what} ({place('roles')})"
    return [document.problem(at, message, f"name one as roles.{need}")]


def _electrodes(
    document: Document,
    protocol: Protocol,
    bench: Bench,
    declarations: Mapping[str, Declaration],
    place: Callable[..., str],
) -> list[Problem]:
    """A law that names electrodes needs a switch that connects as many."""
    law, name = protocol.law, bench.roles.switch
    if name is None or law.addresses <= declarations[name].electrodes:
        return []
    message = f"{law.kind} names {law.addresses} electrodes, but {name} connects {declarations[name].electrodes}"
    hint = "wire one relay for each and name them in options.needles"
    return [document.problem(("law", "kind"), f"{message} ({place('devices', name)})", hint)]


def _cooling(
    document: Document,
    protocol: Protocol,
    bench: Bench,
    declarations: Mapping[str, Declaration],
    place: Callable[..., str],
) -> list[Problem]:
    if protocol.cooling is None:
        if bench.applicator.cooled:
            hint = "add e.g. cooling: {flow_ml_min: 80}"
            return [document.problem(("cooling",), f"missing, and a {bench.applicator.kind} must be cooled", hint)]
        return []
    if bench.roles.pump is None:
        message = f"the bench has no coolant pump ({place('roles')})"
        return [document.problem(("cooling",), message, "name one as roles.pump")]
    problems = _chilling(document, protocol.cooling, bench, declarations, place)
    problems += _following(document, protocol.cooling, bench, declarations, place)
    flow_ml_min, at = protocol.cooling.flow_ml_min, ("cooling", "flow_ml_min")
    most = declarations[bench.roles.pump].flow_max_ml_min
    if most is not None and flow_ml_min > most:
        message = f"{flow_ml_min:g} mL/min is above the {most:g} mL/min that {bench.roles.pump} can give"
        problems.append(document.problem(at, message, f"write at most {most:g}"))
    floors = [x for x in (bench.limits.flow_min_ml_min, protocol.limits.flow_min_ml_min) if x is not None]
    if floors and flow_ml_min <= max(floors):
        message = f"{flow_ml_min:g} mL/min is not above the limit flow_min_ml_min of {max(floors):g} mL/min"
        problems.append(document.problem(at, message, "raise the flow"))
    return problems


def _following(
    document: Document,
    cooling: Cooling,
    bench: Bench,
    declarations: Mapping[str, Declaration],
    place: Callable[..., str],
) -> list[Problem]:
    """A flow that follows a temperature needs its sensor, and a pump that can give the most of it."""
    if cooling.follow is None or bench.roles.pump is None:
        return []
    problems = []
    if getattr(bench.roles, cooling.follow) is None:
        message = f"the bench names no such channel ({place('roles')})"
        problems.append(document.problem(("cooling", "follow"), message, f"name one as roles.{cooling.follow}"))
    most = declarations[bench.roles.pump].flow_max_ml_min
    if most is not None and cooling.most_ml_min > most:
        message = f"{cooling.most_ml_min:g} mL/min is above the {most:g} mL/min that {bench.roles.pump} can give"
        problems.append(document.problem(("cooling", "flow_max_ml_min"), message, f"write at most {most:g}"))
    return problems


def _chilling(
    document: Document,
    cooling: Cooling,
    bench: Bench,
    declarations: Mapping[str, Declaration],
    place: Callable[..., str],
) -> list[Problem]:
    if cooling.coolant_c is None:
        return []
    at, name = ("cooling", "coolant_c"), bench.roles.chiller
    if name is None:
        message = f"the bench has no circulator ({place('roles')})"
        return [document.problem(at, message, "name one as roles.chiller, or leave coolant_c out")]
    low_c, high_c = declarations[name].bath_c or (-math.inf, math.inf)
    if low_c <= cooling.coolant_c <= high_c:
        return []
    message = f"{cooling.coolant_c:g} is outside the {low_c:g} to {high_c:g} that {name} may hold"
    return [document.problem(at, message, f"write {low_c:g} to {high_c:g} degrees Celsius")]


def _plain(value: object) -> str:
    return f"{value:g} mm" if isinstance(value, float) else str(value)
