"""``datapackage.json``: what lies beside it, column by column, and how far it can be trusted (Frictionless Data
Package, datapackage.org).

What the standard has no word for stands under ``openablate``: the session's header and summary without its long texts,
its metadata, the chain's head, and what verification found at the time of the export.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from controller.exports.resource import Resource
from controller.records.frames import Recording
from controller.records.ids import utc_now
from controller.records.verify import VerifyResult
from controller.records.words import ORIGIN
from controller.versions import DISTRIBUTION, installed

NAME = "datapackage.json"
PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"


def write(folder: Path, recording: Recording, found: VerifyResult, resources: list[Resource]) -> Path:
    """Describe the files in ``folder``."""
    path = folder / NAME
    path.write_text(json.dumps(describe(recording, found, resources), indent=2) + "\n", encoding="utf-8")
    return path


def describe(recording: Recording, found: VerifyResult, resources: list[Resource]) -> dict[str, Any]:
    """The descriptor."""
    header, about = recording.header, recording.metadata()
    origin = ORIGIN[bool(header.get("simulated"))]
    digests: dict[Path, tuple[str, int]] = {}
    for path in {path for resource in resources for path in resource.files}:
        with path.open("rb") as file:
            digests[path] = hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size
    return {
        "$schema": PROFILE,
        "name": re.sub(r"[^a-z0-9._-]+", "-", f"session-{header.get('id', recording.path.stem)}".lower()),
        "id": str(header.get("id", "")),
        "title": about["title"],
        "description": f"A recorded session of an ablation bench: {origin}.",
        "created": utc_now(),
        "keywords": [*about["keywords"], "ablation", origin],
        **({"licenses": [{"name": about["licence"]}]} if about["licence"] else {}),
        **({"contributors": [_contributor(one) for one in about["creators"]]} if about["creators"] else {}),
        "sources": [{"title": recording.path.name, "path": recording.path.name}],
        "resources": [_resource(resource, digests) for resource in resources],
        "openablate": {
            "session": {key: value for key, value in header.items() if not key.endswith("_text")},
            "summary": recording.summary,
            "metadata": about,
            "closed": recording.closed,
            "verification": {
                "ok": found.ok,
                "verdict": found.verdict,
                "text": found.text,
                "problems": list(found.problems),
                "notes": list(found.notes),
                "head": found.head,
            },
            "chain_head": recording.chain_head,
            "exported_by": f"{DISTRIBUTION} {installed(DISTRIBUTION)}",
        },
    }


def _contributor(creator: Mapping[str, Any]) -> dict[str, Any]:
    """Somebody who made the data, in the standard's words."""
    path = {"path": f"https://orcid.org/{creator['orcid']}"} if creator.get("orcid") else {}
    where = {"organization": creator["affiliation"]} if creator.get("affiliation") else {}
    return {"title": creator["name"], **path, **where, "roles": ["creator"]}


def _resource(resource: Resource, digests: Mapping[Path, tuple[str, int]]) -> dict[str, Any]:
    told = dict(resource.told)
    decimal = {"decimalChar": told.pop("decimalChar")} if "decimalChar" in told else {}
    files = [path.name for path in resource.files]
    one = digests[resource.files[0]] if len(files) == 1 else None
    return {
        "name": resource.table.name,
        "path": files[0] if len(files) == 1 else files,
        **told,
        **({"hash": f"sha256:{one[0]}", "bytes": one[1]} if one else {}),
        **({} if one else {"hashes": {path.name: f"sha256:{digests[path][0]}" for path in resource.files}}),
        "rows": len(resource.table),
        "schema": {
            "fields": [
                {
                    "name": field.name,
                    "type": field.kind,
                    **({"unit": field.unit} if field.unit else {}),
                    **({"description": field.about} if field.about else {}),
                    **(decimal if field.kind == "number" else {}),
                    **({"format": "any"} if field.kind == "datetime" and decimal else {}),
                }
                for field in resource.table.fields
            ],
            "missingValues": [""],
        },
    }
