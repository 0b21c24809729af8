"""The few fields of Sparkplug B's payload that a bench needs, in protobuf's wire format, and the ones that it reads.

Written from sparkplug_b.proto (Eclipse Sparkplug 3.0.0, chapter 6; proto2, package org.eclipse.tahu.protobuf) and from
protobuf.dev/programming-guides/encoding. Numbers in the code are the field numbers of that file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

INT32, INT64, DOUBLE, BOOLEAN, STRING = 3, 4, 10, 11, 12
"""Data types of a metric or property (enum DataType)."""

Value = float | int | bool | str | None


class Metric(NamedTuple):
    """One metric of a payload. ``value`` None: is_null. ``properties``: name -> (data type, value)."""

    name: str
    datatype: int
    value: Value
    timestamp_ms: int
    properties: tuple[tuple[str, int, Value], ...] = ()


def payload(timestamp_ms: int, seq: int | None, metrics: Sequence[Metric], *, birth: bool) -> bytes:
    """A whole Payload. ``birth``: data types are named in births only. ``seq`` None: left out (a death)."""
    body = _number(1, timestamp_ms)
    body += b"".join(_bytes(2, _metric(metric, birth)) for metric in metrics)
    return body if seq is None else body + _number(3, seq)


def _metric(metric: Metric, birth: bool) -> bytes:
    body = _bytes(1, metric.name.encode()) + _number(3, metric.timestamp_ms)
    if birth:
        body += _number(4, metric.datatype)
    if metric.value is None:
        body += _number(7, 1)
    if metric.properties:
        keys = b"".join(_bytes(1, name.encode()) for name, _, _ in metric.properties)
        values = (_number(1, kind) + _value(3, kind, value) for _, kind, value in metric.properties)
        body += _bytes(9, keys + b"".join(_bytes(2, value) for value in values))
    return body if metric.value is None else body + _value(10, metric.datatype, metric.value)


def _value(first: int, datatype: int, value: Value) -> bytes:
    """The member of ``oneof value``, whose fields begin at ``first`` in the same order: int, long, float, double,
    boolean, string. Negative numbers are two's complement (3.0.0, 6.4.6)."""
    if datatype == INT32:
        return _number(first, int(value or 0) & 0xFFFF_FFFF)
    if datatype == INT64:
        return _number(first + 1, int(value or 0) & 0xFFFF_FFFF_FFFF_FFFF)
    if datatype == DOUBLE:
        return _varint((first + 3) << 3 | 1) + struct.pack("<d", float(value or 0.0))
    if datatype == BOOLEAN:
        return _number(first + 4, int(bool(value)))
    return _bytes(first + 5, str(value).encode())


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, data: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


# ---- reading


def booleans(data: bytes) -> dict[str, bool]:
    """The boolean metrics of a payload, by name: all that a bench listens for.

    Raises:
        ValueError: these bytes are no payload.
    """
    found: dict[str, bool] = {}
    for field, value in _fields(data):
        if field == 2 and isinstance(value, bytes):
            parts = dict(_fields(value))
            name, truth = parts.get(1), parts.get(14)
            if isinstance(name, bytes) and isinstance(truth, int):
                found[name.decode(errors="replace")] = bool(truth)
    return found


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        kind = key & 7
        if kind == 0:
            number, at = _read_varint(data, at)
            yield key >> 3, number
            continue
        if kind == 2:
            length, at = _read_varint(data, at)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise ValueError(f"wire type {kind} is not known")
        if at + length > len(data):
            raise ValueError("the message is cut short")
        yield key >> 3, data[at : at + length]
        at += length


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("a number is cut short or too long")
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
