"""Samples in PostgreSQL's binary form, read back by the letter of its manual."""

from __future__ import annotations

import json
import struct

from controller.collect import binary
from controller.collect.journal import Kept
from controller.collect.rows import batches, readings


def kept(channels: dict[str, tuple[list[float | None], list[float | None], list[int]]], bench: str = "b1") -> Kept:
    body = {
        "schema": "abl/samples/1", "utc0": "2026-11-22T04:05:00.080Z", "n": 2, "t_s": [1.0, 1.5],
        "channels": {
            name: {"t_s": t_s, "value": value, "quality": quality} for name, (t_s, value, quality) in channels.items()
        },
    }  # fmt: skip
    return Kept(1, "s1", "lab", bench, json.dumps(body).encode())


def rows(data: bytes) -> list[tuple[object, ...]]:
    assert data[:19] == b"PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    found, at = [], 19
    while (fields := struct.unpack_from(">h", data, at)[0]) != -1:
        at += 2
        row: list[object] = []
        for i in range(fields):
            (length,) = struct.unpack_from(">i", data, at)
            at += 4
            if length == -1:
                row.append(None)
                continue
            field = data[at : at + length]
            row.append(struct.unpack({0: ">q", 1: ">d", 2: ">d", 3: ">h"}[i], field)[0] if i < 4 else field.decode())
            at += length
        found.append(tuple(row))
    assert at + 2 == len(data)
    return found


def test_each_reading_is_a_row_and_what_is_not_known_is_null() -> None:
    first_us = 848_635_500_080_000  # 2026-11-22T04:05:00.080Z since 2000
    one = kept({"tc.tip_c": ([1.0, 1.25], [61.5, None], [0, 1]), "p.flow\0": ([None, None], [7.0, None], [2, 1])})
    two = kept({"tc.tip_c": ([1.5], [-0.125], [0])}, bench="Ω2")
    assert sorted(rows(binary.samples(readings(batches([one, two])))), key=str) == sorted(
        [
            (first_us, 1.0, 61.5, 0, "b1", "s1", "tc.tip_c"),
            (first_us + 250_000, 1.25, None, 1, "b1", "s1", "tc.tip_c"),
            (first_us, None, 7.0, 2, "b1", "s1", "p.flow\ufffd"),
            (first_us, None, None, 1, "b1", "s1", "p.flow\ufffd"),
            (first_us + 500_000, 1.5, -0.125, 0, "Ω2", "s1", "tc.tip_c"),
        ],
        key=str,
    )


def test_nothing_is_no_copy_at_all() -> None:
    assert binary.samples(readings(batches([kept({})]))) == b""
