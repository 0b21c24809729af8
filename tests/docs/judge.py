"""Whether a block of YAML, JSON or Python is what its page says: each is given to what would read it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from controller.collect.config import CollectConfig
from controller.config.bench import Bench, Device
from controller.config.loading import check_bench, check_protocol, load_bench
from controller.config.yaml_loader import load
from controller.mqtt.models import MESSAGES, Stop
from controller.treatment.loading import load_plan

BENCH = "cooled-rf-sim"


def yaml_block(text: str, folder: Path) -> None:
    """A file that somebody writes, or a part of a bench file, is taken by the model that reads it.

    Raises:
        ValueError: it is refused, or nobody would read it.
    """
    path = folder / "block.yaml"
    path.write_text(text, encoding="utf-8")
    document = load(path)
    data = document.data
    if "bench" in data and "devices" in data:
        check_bench(document, path)
    elif "protocol" in data and "law" in data:
        check_protocol(document, path)
    elif "plan" in data:
        load_plan(path)
    elif "broker" in data and "journal" in data:
        CollectConfig.model_validate(data)
    else:
        _part_of_a_bench(data)


def _part_of_a_bench(data: dict[str, Any]) -> None:
    """Top-level keys of a bench file, or devices: put into a whole one."""
    whole = load_bench(BENCH).bench.model_dump(mode="python")
    if set(data) <= set(Bench.model_fields):
        for key, value in data.items():
            old = whole.get(key)
            whole[key] = {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value
        Bench.model_validate(whole, strict=False)
        return
    if not all(isinstance(value, dict) and "driver" in value for value in data.values()):
        raise ValueError(f"no file of ours has {', '.join(data)}")
    for device in data.values():
        Device.model_validate(device)


def json_block(text: str) -> None:
    """A message of MQTT is one that its model takes; anything else only has to be JSON.

    Raises:
        ValueError: it is not.
    """
    data = json.loads(text)
    schema = data.get("schema", "")
    if schema in MESSAGES:
        MESSAGES[schema].model_validate(data)
    elif set(data) <= set(Stop.model_fields):
        Stop.model_validate(data)


def python_block(text: str, where: str, names: dict[str, Any]) -> None:
    """Runs it; ``names`` is what the blocks of one page share."""
    exec(compile(text, where, "exec"), names)
