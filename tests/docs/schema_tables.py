"""A JSON Schema as Markdown: for each object that a file may hold, a table of its keys."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]
HEAD = "| key | what it holds | default | meaning |\n|---|---|---|---|\n"
BOUNDS = {"exclusiveMinimum": "> {}", "minimum": "≥ {}", "exclusiveMaximum": "< {}", "maximum": "≤ {}"}


def tables(schema: Schema, title: str) -> Iterator[str]:
    """Headings and tables, the outermost object first, each of the others once, where it is first named."""
    seen: set[str] = set()
    waiting: list[tuple[str, Schema]] = [(title, schema)]
    while waiting:
        path, node = waiting.pop(0)
        text = node.get("description", "").split("\n\n")[0].replace("\n", " ").replace("``", "`")
        text = "" if ":class:" in text else text
        yield f"\n## {path}\n\n{text}\n\n" if text and path != title else f"\n## {path}\n\n"
        yield HEAD
        needed = node.get("required", [])
        for key, part in node.get("properties", {}).items():
            default = "**needed**" if key in needed else _default(part)
            meaning = _cell(part.get("description", "")).removesuffix(f", {part.get('unit', '')}")
            yield f"| `{key}` | {holds(part, schema)} | {default} | {meaning} |\n"
        for key, part in node.get("properties", {}).items():
            inner = "" if path == title else f"{path.split(' ')[0].strip('`')}."
            waiting += [(f"`{inner}{key}`{tail}", found) for tail, found in _objects(part, schema, seen)]


def _objects(part: Schema, schema: Schema, seen: set[str]) -> Iterator[tuple[str, Schema]]:
    """The objects that a key may hold and that were not seen yet, each with what its heading says besides the key."""
    for name in references(part):
        if name in seen:
            continue
        seen.add(name)
        node = schema["$defs"][name]
        kind = node.get("properties", {}).get("kind", {}).get("const")
        yield (f" of kind `{kind}`" if kind else ""), node


def references(part: Any) -> list[str]:
    """The names of the definitions that a part of a schema refers to, in order."""
    if isinstance(part, dict):
        found = [part["$ref"].rsplit("/", 1)[1]] if isinstance(part.get("$ref"), str) else []
        inner = (references(value) for key, value in part.items() if key not in ("$ref", "discriminator", "if"))
        return list(dict.fromkeys([*found, *(name for names in inner for name in names)]))
    if isinstance(part, list):
        return list(dict.fromkeys(name for each in part for name in references(each)))
    return []


def holds(part: Schema, schema: Schema) -> str:
    """What a value may be: its type, its bounds, its unit."""
    unit = part.get("unit", "")
    text = _type(part, schema)
    return f"{text}, {unit}" if unit else text


def _type(part: Schema, schema: Schema) -> str:
    if "$ref" in part or "oneOf" in part:
        names = references(part)
        kinds = [schema["$defs"][name].get("properties", {}).get("kind", {}).get("const") for name in names]
        return f"one of {', '.join(f'`{kind}`' for kind in kinds)}" if all(kinds) and kinds else "see below"
    if "anyOf" in part:
        parts = [_type(one, schema) for one in part["anyOf"] if one.get("type") != "null"]
        return " or ".join(dict.fromkeys(parts)).replace(f" or a list of {parts[0]}", ", or a list of such")
    if "const" in part:
        return f"`{part['const']}`"
    if "enum" in part:
        return "one of " + ", ".join(f"`{_text(value)}`" for value in part["enum"])
    match part.get("type"):
        case "array":
            if "prefixItems" in part:
                return f"a list of {len(part['prefixItems'])}: {_type(part['prefixItems'][0], schema)}"
            items = _type(part.get("items", {}), schema)
            return "a list, see below" if items == "see below" else f"a list of {items}"
        case "object":
            values = part.get("additionalProperties", {})
            inner = _type(values, schema) if isinstance(values, dict) and values else ""
            return f"name: {inner}" if inner and inner != "anything" else "keys and values"
        case "integer" | "number" as kind:
            bounds = [text.format(f"{part[name]:g}") for name, text in BOUNDS.items() if name in part]
            return ", ".join([{"integer": "whole number", "number": "number"}[kind], *bounds])
        case "boolean":
            return "`true` or `false`"
        case "string":
            return {"path": "path", None: "text"}.get(part.get("format"), "text")
        case _:
            return "anything"


def _default(part: Schema) -> str:
    value = part.get("default")
    return "-" if value in (None, [], {}) or isinstance(value, dict) else f"`{_text(value)}`"


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
