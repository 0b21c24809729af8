"""HDF5: one file. ``/ticks``, ``/events``, ``/channels`` hold one data set for each column; ``/samples/<channel>``
holds ``t_request_s``, ``value``, ``quality`` and ``tick`` of that channel; ``/arrays/<name>/<n>`` the pictures. Units
and descriptions are attributes, of the file too: which session it is.

A slash in a channel's name becomes an underscore; the name as it was is the group's attribute ``channel``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from controller.exports.resource import Options, Resource
from controller.records.frames import Recording
from controller.records.tables import Column, Table, Words, need

PACKED = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
TOLD = {"format": "hdf5", "mediatype": "application/x-hdf5"}


def write(recording: Recording, tables: Mapping[str, Table], folder: Path, options: Options) -> list[Resource]:
    """One file."""
    h5py = need("h5py")
    path = folder / f"{recording.path.stem}.h5"
    with h5py.File(path, "w") as file:
        file.attrs.update(recording.about)
        file.attrs["header"], file.attrs["summary"] = json.dumps(recording.header), json.dumps(recording.summary)
        for table in tables.values():
            group = file.create_group(table.name)
            if table.name == "samples":
                _by_channel(group, recording, table)
                continue
            for field in table.fields:
                _put(group, field.name, table.columns[field.name], field.unit, field.about)
        for picture in recording.pictures():
            group = file.require_group(f"arrays/{_level(picture.name)}")
            group = group.create_group(str(len(group) + 1))
            group.attrs["t_s"] = picture.t_s
            for part, values in picture.parts.items():
                _put(group, part, values, "", "")
    return [Resource(table, (path,), {**TOLD, "group": f"/{name}"}) for name, table in tables.items()]


def _by_channel(group: Any, recording: Recording, table: Table) -> None:
    words = table.columns["channel"]
    assert isinstance(words, Words)
    order = np.argsort(words.codes, kind="stable")
    ends = np.searchsorted(words.codes[order], np.arange(len(words.names) + 1))
    about = {field.name: field for field in table.fields}
    for i, channel in enumerate(recording.channels.values()):
        mine = order[ends[i] : ends[i + 1]]
        place = group.create_group(_level(channel.name))
        place.attrs["channel"], place.attrs["units"] = channel.name, channel.unit
        for name in ("t_request_s", "value", "quality", "tick"):
            unit = channel.unit if name == "value" else about[name].unit
            _put(place, name, table[name][mine], unit, about[name].about)


def _put(group: Any, name: str, values: Column | Words, unit: str, about: str) -> None:
    if isinstance(values, Words) or values.dtype.kind in "OM":
        texts = values.spelled() if isinstance(values, Words) else values
        if texts.dtype.kind == "M":
            texts = np.array([f"{text}Z" for text in np.datetime_as_string(texts, unit="us")], dtype=object)
        data = group.create_dataset(_level(name), data=texts, dtype=need("h5py").string_dtype())
    else:
        data = group.create_dataset(_level(name), data=values, **(PACKED if np.size(values) else {}))
    if unit:
        data.attrs["units"] = unit
    if about:
        data.attrs["description"] = about


def _level(name: str) -> str:
    """A name that is one level of a path."""
    return name.replace("/", "_").strip(".") or "_"
