"""The applicators of a bench: ``applicator:`` is the one that is mounted, or a list of those that the lab owns.

Of a list a protocol takes the first that it was written for. Without a protocol the first of the list counts as
mounted, or the one that is named behind the file: ``bench.yaml#cooled-needle-17g-2cm``. Everything behind this module
knows one applicator: its ratings are a layer of the limits, its name is in every record and in what the operator sees
before he arms.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from controller.config.applicators import Shape
from controller.config.problems import Problem, did_you_mean
from controller.config.yaml_loader import Document

MARK = "#"


def split(argument: str) -> tuple[str, str]:
    """``bench.yaml#needle`` -> file or shipped name, and the applicator's name; empty: none is named."""
    bench, _, name = argument.partition(MARK)
    return bench, name


def listed(document: Document) -> bool:
    """Is ``applicator:`` a list?"""
    return isinstance(document.data.get("applicator"), list)


def each(document: Document) -> Iterator[Document]:
    """The bench once for each applicator, as if this one alone were written."""
    if not listed(document):
        yield document
        return
    for i, entry in enumerate(document.data["applicator"]):
        lines = {loc: line for loc, line in document.lines.items() if loc[:1] != ("applicator",)}
        for loc, line in document.lines.items():
            if loc[:2] == ("applicator", i):
                lines["applicator", *loc[2:]] = line
        yield Document(document.file, {**document.data, "applicator": entry}, lines, document.text)


def problems(document: Document, name: str) -> list[Problem]:
    """An empty list, a name that is used twice, a name that is asked for and not there."""
    entries = document.data["applicator"] if listed(document) else [document.data.get("applicator")]
    if not entries:
        return [document.problem(("applicator",), "an empty list", "name at least one applicator")]
    names = [str(entry["name"]) for entry in entries if isinstance(entry, dict) and "name" in entry]
    found = [
        document.problem(("applicator", i), f"{there} is already the name of another one", "names tell them apart")
        for i, there in enumerate(names)
        if there in names[:i]
    ]
    if name and name not in names:
        near = did_you_mean(name, names)
        hint = f"did you mean {near}?" if near else f"there are {', '.join(names)}"
        found.append(document.problem(("applicator",), f"there is no applicator {name}", hint))
    return found


def mount(document: Document, name: str, wanted: Shape | None) -> Document:
    """The bench with one applicator: the named one, else the first that fits ``wanted``, else one of its kind, else
    the first. Tines are where a protocol wants them: the bench need not say.
    """
    benches = list(each(document))
    entries = [bench.data["applicator"] for bench in benches]
    chosen = 0
    if name:
        chosen = next(i for i, entry in enumerate(entries) if entry["name"] == name)
    elif wanted is not None:
        chosen = min(range(len(entries)), key=lambda i: _distance(wanted, entries[i]))
    bench, deployment_mm = benches[chosen], getattr(wanted, "deployment_mm", None)
    if deployment_mm is not None and entries[chosen].get("kind") == getattr(wanted, "kind", ""):
        entry = {"deployment_mm": deployment_mm, **entries[chosen]}
        return Document(bench.file, {**bench.data, "applicator": entry}, bench.lines, bench.text)
    return bench


def _distance(wanted: Shape, entry: Mapping[str, Any]) -> int:
    """In how many of its numbers an applicator is another than the wanted one; of another kind: further than that."""
    if entry.get("kind") != wanted.kind:
        return 100
    return sum(1 for key, value in wanted.geometry().items() if key in entry and entry[key] != value)
