"""Who made a session, with what, of what, and what others may do with it: what a data set needs to be found and used
again (the FAIR principles, doi.org/10.1038/sdata.2016.18).

The bench file says what holds for all its sessions (``records: {metadata: ...}``), the header what was connected, the
events what was done to what, and annotations what was added or corrected later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from controller.records.reader import SessionFile

Text = Annotated[str, Field(min_length=1)]


class Model(BaseModel):
    """Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)


class Creator(Model):
    """Somebody who made the data."""

    name: Text
    orcid: Annotated[str, Field(pattern=r"^\d{4}-\d{4}-\d{4}-\d{3}[\dX]$", description="as on orcid.org")] | None = None
    affiliation: Text | None = None


class Metadata(Model):
    """What holds for every session of a bench."""

    title: Text | None = None
    creators: tuple[Creator, ...] = ()
    organisation: Text | None = None
    licence: Annotated[Text | None, Field(description="of the data, an SPDX identifier: CC-BY-4.0")] = None
    project: Text | None = None
    keywords: tuple[Text, ...] = ()
    instruments: Annotated[
        dict[str, Text], Field(description="device: an identifier that lasts, such as a DOI or an inventory number")
    ] = {}


class Calibration(Model):
    """That of one channel, as its certificate says it. It is written down, never applied to a reading."""

    date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$", description="of the calibration, YYYY-MM-DD")]
    certificate: Text | None = None
    by: Annotated[Text | None, Field(description="the laboratory")] = None
    uncertainty: Annotated[float | None, Field(gt=0, description="expanded, k = 2, in the channel's unit")] = None
    due: Annotated[str | None, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] = None
    note: Text | None = None


def metadata(session: SessionFile) -> dict[str, Any]:
    """The metadata of a session, as JSON. An annotation with the name of a key takes that key's place; ``notes`` are
    the annotations without a key, each with who and when."""
    header, annotations = session.header, session.annotations()
    of_bench = dict(header.get("metadata") or {})
    plans, protocols = session.events("plan"), session.events("protocol")
    plan = (plans[-1].data.get("plan") or {}) if plans else {}
    devices = {
        name: {
            **{key: identity.get(key, "") for key in ("model", "serial", "firmware")},
            "driver": (header.get("drivers") or {}).get(name, {}).get("driver"),
            "identifier": (of_bench.get("instruments") or {}).get(name),
        }
        for name, identity in (header.get("devices") or {}).items()
    }
    found: dict[str, Any] = {
        "identifier": header.get("id"),
        "title": of_bench.get("title") or f"{header.get('bench')}, {header.get('utc')}",
        "created": header.get("utc"),
        "creators": of_bench.get("creators") or [],
        "organisation": of_bench.get("organisation"),
        "licence": of_bench.get("licence"),
        "project": of_bench.get("project"),
        "keywords": of_bench.get("keywords") or [],
        "simulated": header.get("simulated"),
        "bench": header.get("bench"),
        "bench_sha256": header.get("bench_sha256"),
        "instruments": devices,
        "calibration": header.get("calibration") or {},
        "applicator": (header.get("applicator") or {}).get("name"),
        "software": header.get("software") or {},
        "operators": sorted({str(who) for event in session.events() if (who := event.data.get("who"))}),
        "protocols": [{"name": e.data.get("name"), "sha256": e.data.get("sha256")} for e in protocols],
        "plan": plan.get("plan"),
        "specimen": plan.get("specimen"),
        "targets": [target.get("target") for target in plan.get("targets") or []],
    }
    found |= {a.key: a.value for a in annotations if a.key != "note"}
    notes = [{"utc": a.utc, "who": a.who, "text": a.value} for a in annotations if a.key == "note"]
    return found | {"notes": notes}
