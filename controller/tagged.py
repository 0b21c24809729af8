"""Values of the kernel (configuration, state) as plain JSON data and back, so that a record can hold them.

A value that JSON does not know is ``{"is": what, "of": ...}``: a class of ``safety`` by its full name, ``dict``,
``frozenset``, or ``float`` for what is not finite. Of a dataclass only the fields that differ from their defaults are
written; read back, the others take the defaults of the code that reads.
"""

from __future__ import annotations

import enum
import importlib
import math
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

PACKAGE = "safety."


def plain(value: Any) -> Any:
    """``value`` as JSON data.

    Raises:
        TypeError: it is of a kind that no record holds.
    """
    if isinstance(value, enum.Enum):
        return _tag(type(value), value.name)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"is": "float", "of": repr(value)}
    if is_dataclass(value) and not isinstance(value, type):
        told = {f.name: getattr(value, f.name) for f in fields(value) if f.init and getattr(value, f.name) != _usual(f)}
        return _tag(type(value), {name: plain(item) for name, item in told.items()})
    if isinstance(value, tuple):
        names = getattr(value, "_fields", None)
        if names is not None:
            return _tag(type(value), {name: plain(item) for name, item in zip(names, value, strict=True)})
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {"is": "dict", "of": [[plain(key), plain(item)] for key, item in value.items()]}
    if isinstance(value, frozenset):
        return {"is": "frozenset", "of": sorted((plain(item) for item in value), key=repr)}
    raise TypeError(f"{type(value).__name__} is no value of the kernel")


def value(data: Any) -> Any:
    """What :func:`plain` was given; lists come back as tuples.

    Raises:
        ValueError: it names something that this version of the program does not have.
    """
    if isinstance(data, list):
        return tuple(value(item) for item in data)
    if not isinstance(data, Mapping):
        return data
    what, of = data["is"], data["of"]
    if what == "float":
        return float(of)
    if what == "dict":
        return {value(key): value(item) for key, item in of}
    if what == "frozenset":
        return frozenset(value(item) for item in of)
    try:
        kind = _find(what)
        return kind[of] if issubclass(kind, enum.Enum) else kind(**{name: value(item) for name, item in of.items()})
    except (AttributeError, ImportError, KeyError, TypeError) as error:
        raise ValueError(f"this version of openablate cannot read a {what}: {error}") from error


def _usual(field: Field[Any]) -> Any:
    """The default of a field; for one without, an object that equals nothing."""
    if field.default_factory is not MISSING:
        return field.default_factory()
    return field.default


def _tag(kind: type, of: Any) -> dict[str, Any]:
    return {"is": f"{kind.__module__}.{kind.__qualname__}", "of": of}


def _find(name: str) -> Any:
    module, _, cls = name.rpartition(".")
    if not module.startswith(PACKAGE):
        raise ImportError("it is no class of the safety kernel")
    return getattr(importlib.import_module(module), cls)
