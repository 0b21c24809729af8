"""A bench and a protocol together: checked against each other, their effective limits, and their hash."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import Any

from controller.config.layers import Layer, effective, loosenings
from controller.config.loading import LoadedBench, LoadedProtocol, load_bench, load_protocol
from controller.config.problems import ConfigError, Problem
from controller.config.protocol_checks import fits_bench, law_within
from safety.limits import Bound, Limits


@dataclass(frozen=True)
class Setup:
    """What an application runs on. ``limits`` are the effective ones, each with the layer that sets it."""

    bench: LoadedBench
    protocol: LoadedProtocol
    layers: tuple[Layer, ...] = field(repr=False)
    limits: dict[str, Bound]
    config_hash: str

    @property
    def kernel_layers(self) -> tuple[tuple[str, Limits], ...]:
        """The layers as :class:`safety.config.Config` takes them."""
        return tuple((layer.name, layer.limits) for layer in self.layers)


def load(bench: str | os.PathLike[str], protocol: str | os.PathLike[str]) -> Setup:
    """Load both files (paths or shipped names) and join them.

    Raises:
        ConfigError: with every problem found, of both files where both are wrong.
    """
    problems: list[Problem] = []
    loaded_bench, loaded_protocol = None, None
    try:
        loaded_bench = load_bench(bench)
    except ConfigError as error:
        problems += error.problems
    try:
        loaded_protocol = load_protocol(protocol)
    except ConfigError as error:
        problems += error.problems
    if loaded_bench is None or loaded_protocol is None:
        raise ConfigError(problems)
    return combine(loaded_bench, loaded_protocol)


def combine(bench: LoadedBench, protocol: LoadedProtocol) -> Setup:
    """Check that the bench can deliver the protocol, with the applicator of the bench that fits it.

    Raises:
        ConfigError: with every problem found.
    """
    bench = bench.mounting(protocol.protocol.applicator)
    layers = (*bench.layers, Layer("protocol", protocol.protocol.limits.layer(), protocol.document))
    problems = [problem for problem in loosenings(layers) if problem.file == protocol.document.file]
    problems += law_within(protocol.document, protocol.protocol, layers)
    problems += fits_bench(protocol.document, protocol.protocol, bench.document, bench.bench, bench.declarations)
    if problems:
        raise ConfigError(problems)
    return Setup(bench, protocol, layers, effective(layers), config_hash(bench, protocol))


def content(bench: LoadedBench, protocol: LoadedProtocol | None = None) -> dict[str, Any]:
    """What is in force, with every default written out: plain JSON values."""
    devices = {
        name: {**device.model_dump(mode="json"), "options": bench.options[name].model_dump(mode="json")}
        for name, device in bench.bench.devices.items()
    }
    layers = bench.layers
    found: dict[str, Any] = {"bench": {**bench.bench.model_dump(mode="json"), "devices": devices}}
    if protocol is not None:
        found["protocol"] = protocol.protocol.model_dump(mode="json")
        layers = (*layers, Layer("protocol", protocol.protocol.limits.layer(), protocol.document))
    found["limits"] = {name: {"value": bound.value, "layer": bound.layer} for name, bound in effective(layers).items()}
    return found


def config_hash(bench: LoadedBench, protocol: LoadedProtocol | None = None) -> str:
    """SHA-256 of :func:`content` in canonical JSON, as hex. Comments, order, spelling and file names do not count."""
    text = json.dumps(
        content(bench, protocol), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return hashlib.sha256(text.encode()).hexdigest()
