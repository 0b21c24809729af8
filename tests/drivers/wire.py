"""For tests of codecs as tables of literals: bytes in, what they are taken for, and what is left of them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from drivers.contract import BadReply, Refused


def codec(name: str) -> ModuleType:
    """The codec of a driver, imported by the test that asks."""
    return importlib.import_module(f"drivers.{name}.codec")


def heard(name: str, take: str, data: bytes, *args: Any) -> tuple[Any, bytes]:
    """What ``take`` of a codec makes of ``data``, or the name of what it raises; and what is left of ``data``."""
    buffer = bytearray(data)
    try:
        told = getattr(codec(name), take)(buffer, *args)
    except (BadReply, Refused) as error:
        told = type(error).__name__
    return told, bytes(buffer)


def read(name: str, function: str, *args: Any) -> Any:
    """What a function of a codec returns, or the name of what it raises."""
    try:
        return getattr(codec(name), function)(*args)
    except (BadReply, Refused, ValueError) as error:
        return type(error).__name__


def constants(name: str, expected: Mapping[str, Any]) -> Mapping[str, Any]:
    """Those of ``expected``, as the codec has them."""
    return {key: getattr(codec(name), key) for key in expected}
