"""What is in force and where it comes from, for ``ablate config show``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from controller.config.layers import Layer, effective
from controller.config.loading import LoadedBench, LoadedProtocol
from controller.config.setup import config_hash, content
from controller.config.yaml_loader import Document, Loc, dotted


def in_force(bench: LoadedBench, protocol: LoadedProtocol | None) -> dict[str, Any]:
    """:func:`controller.config.setup.content` with the hash, the place of every limit, and the origin of every value.

    ``origin`` maps dotted paths to ``file:line`` or ``default``.
    """
    found = content(bench, protocol)
    layers = bench.layers
    documents = {"bench": bench.document}
    if protocol is not None:
        layers = (*layers, Layer("protocol", protocol.protocol.limits.layer(), protocol.document))
        documents["protocol"] = protocol.document
    by_name = {layer.name: layer for layer in layers}
    for name, bound in effective(layers).items():
        found["limits"][name]["where"] = by_name[bound.layer].place(name)
    origin = {
        dotted((kind, *loc)): _origin(documents[kind], loc) for kind in documents for loc, _ in leaves(found[kind], ())
    }
    return {"config_hash": config_hash(bench, protocol), **found, "origin": origin}


def leaves(value: Any, loc: Loc) -> Iterator[tuple[Loc, Any]]:
    """Every value that is neither a mapping nor a list of things to descend into."""
    if isinstance(value, dict) and value:
        for key, child in value.items():
            yield from leaves(child, (*loc, str(key)))
    else:
        yield loc, value


def _origin(document: Document, loc: Loc) -> str:
    return f"{document.file}:{document.lines[loc]}" if loc in document.lines else "default"
