"""Protocols for the picker: those that come with Openablate and those beside the bench file, by name; whether this
bench can deliver them; what they would do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from controller import predictors
from controller.config import setup
from controller.config.layers import Layer, effective
from controller.config.loading import LoadedBench, LoadedProtocol, load_bench, load_protocol
from controller.config.problems import ConfigError
from controller.config.shipped import shipped
from controller.config.units import unit
from controller.panel.library_models import LimitTold, Predicted, ProtocolList, ProtocolRow, ProtocolTold
from controller.panel.library_session import zone
from controller.report.digest import quantity

MOST_BYTES = 1_000_000
BEGINS = re.compile(r"^protocol\s*:", re.MULTILINE)
MARK = "~own"
"""Behind the name of an own protocol that is called like a shipped one."""
Pairs = list[tuple[str, str]]


class NoProtocol(LookupError):
    """No protocol has this name."""


def known(bench: LoadedBench) -> dict[str, tuple[Literal["shipped", "own"], Path]]:
    """By name. Own ones lie beside the bench file, or in ``protocols`` beside it."""
    ours = shipped("protocol")
    found: dict[str, tuple[Literal["shipped", "own"], Path]] = {name: ("shipped", path) for name, path in ours.items()}
    folder = bench.path.resolve().parent
    if folder == next(iter(ours.values())).parents[1] / "benches":
        return found
    for path in sorted([*folder.glob("*.y*ml"), *(folder / "protocols").glob("*.y*ml")]):
        if _begins_like_one(path):
            name = path.stem if path.stem not in found else path.stem + MARK
            found.setdefault(name, ("own", path))
    return found


def _begins_like_one(path: Path) -> bool:
    try:
        if path.stat().st_size > MOST_BYTES:
            return False
        return BEGINS.search(path.read_text(encoding="utf-8", errors="replace")) is not None
    except OSError:
        return False


def listed(reference: str) -> ProtocolList:
    """All protocols. Raises :class:`ConfigError`: the bench file cannot be used."""
    bench, rows, unreadable = load_bench(reference), [], []
    for name, (origin, path) in known(bench).items():
        try:
            rows.append(_row(name, origin, load_protocol(path), bench))
        except ConfigError as error:
            unreadable.append(str(error))
    return ProtocolList(bench=bench.bench.bench, protocols=rows, predicts=predictors.available(), unreadable=unreadable)


def find(bench: LoadedBench, name: str) -> tuple[Literal["shipped", "own"], Path]:
    """The file of a protocol. Raises :class:`NoProtocol`."""
    there = known(bench)
    if name not in there:
        raise NoProtocol(f"there is no protocol {name[:60]!r}")
    return there[name]


def shown(reference: str, name: str) -> ProtocolTold:
    """A protocol's page. Raises :class:`NoProtocol`, :class:`ConfigError`."""
    bench = load_bench(reference)
    origin, path = find(bench, name)
    loaded = load_protocol(path)
    protocol = loaded.protocol.model_dump(mode="json")
    law = {key: value for key, value in protocol["law"].items() if key != "kind"}
    return ProtocolTold(
        protocol=_row(name, origin, loaded, bench),
        file=str(loaded.path),
        text=loaded.document.text,
        applicator=_pairs(protocol["applicator"]),
        numbers=_pairs(law),
        cooling=_pairs(protocol["cooling"] or {}),
        limits=list(_limits(bench, loaded)),
    )


def predicted(reference: str, name: str, tissue: str | None) -> Predicted:
    """What it would do on this bench. Raises :class:`NoProtocol`, :class:`ConfigError`."""
    bench = load_bench(reference)
    loaded = load_protocol(find(bench, name)[1])
    told = predictors.predict(loaded, bench, tissue)
    seconds, joules = float(told["duration_s"]), float(told["energy_j"])
    return Predicted(
        protocol=name,
        tissue=told["tissue"],
        model=told["model"],
        duration_s=round(seconds, 1),
        energy_j=round(joules, 1),
        mean_w=round(joules / seconds, 1) if seconds else 0.0,
        rolloffs=told["rolloffs"],
        stopped=told["stopped"],
        zone={key: round(float(value), 2) for key, value in told["zone"].items()},
        picture=zone(told["picture"]) if told["picture"] else None,
    )


def _row(name: str, origin: Literal["shipped", "own"], loaded: LoadedProtocol, bench: LoadedBench) -> ProtocolRow:
    protocol, problems = loaded.protocol, []
    try:
        setup.combine(bench, loaded)
    except ConfigError as error:
        problems = [f"{p.path}: {p.message}" + (f"; {p.hint}" if p.hint else "") for p in error.problems]
    return ProtocolRow(
        name=name,
        use=name if origin == "shipped" else str(loaded.path),
        origin=origin,
        source=protocol.source,
        modality=protocol.modality,
        law=protocol.law.kind,
        mounts=str(protocol.applicator),
        power_w=protocol.law.peak[1],
        duration_s=protocol.law.end[1],
        fits=not problems,
        problems=problems,
    )


def _limits(bench: LoadedBench, loaded: LoadedProtocol) -> Iterator[LimitTold]:
    """The strictest value of each, as if bench and protocol fitted."""
    mine = Layer("protocol", loaded.protocol.limits.layer(), loaded.document)
    try:
        layers = (*bench.mounting(loaded.protocol.applicator).layers, mine)
    except ConfigError:
        layers = (*bench.layers, mine)
    places = {layer.name: layer for layer in layers}
    for name, bound in effective(layers).items():
        yield LimitTold(name=name, value=bound.value, layer=bound.layer, where=places[bound.layer].place(name))


def _pairs(block: Mapping[str, Any]) -> Pairs:
    """Names and values, units with the values; a list entry by entry."""
    found: Pairs = []
    for name, value in block.items():
        entries = value if isinstance(value, list) else [value]
        found += [(quantity(name, 0)[0], _worded(name, entry)) for entry in entries if entry is not None]
    return found


def _worded(name: str, value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {item:g} {unit(key)}".rstrip() for key, item in value.items() if item is not None)
    return quantity(name, value)[1]
