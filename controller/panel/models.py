"""What is asked of the panel and what it answers, as :mod:`controller.panel.openapi` publishes it.

Bodies are judged by these models. Answers are made elsewhere (the daemon's, the session file's); tests hold them to
their models.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Number = float | None
"""None: nothing was measured."""
Reason = Annotated[str, Field(max_length=200)]


class Asked(BaseModel):
    """A body or a query: unknown fields are errors, no number is infinite, nothing is converted in a body."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class NoWords(Asked):
    """An act without words."""


class Prepare(Asked):
    """``protocol``: a shipped name, or a file on the bench's computer."""

    protocol: Annotated[str, Field(min_length=1, max_length=500)]
    resume: Annotated[bool, Field(description="continue the newest application of it, broken off before")] = False
    however_old: Annotated[bool, Field(description="... also after more than an hour")] = False


class Stop(Asked):
    reason: Annotated[Reason, Field(description="kept in the record")] = ""


class Reset(Asked):
    reason: Annotated[str, Field(min_length=1, max_length=200, description="kept in the record")]


class Confirm(Asked):
    """The operator's word about his hands."""

    prompt: Annotated[int | None, Field(ge=0, le=2**53, description="the prompt's id; none: the open one")] = None
    value: Annotated[float | None, Field(ge=-1e6, le=1e6, description="length reached, mm, if another")] = None


class Bag(Asked):
    bag_ml: Annotated[float | None, Field(gt=0, le=100_000, description="if not the bench file's")] = None


class Mark(Asked):
    """What somebody saw."""

    text: Annotated[str, Field(min_length=1, max_length=200, description="kept in the record")]
    ago_s: Annotated[float, Field(ge=0, le=600, description="seconds since it was seen")] = 0.0


class Past(Asked):
    seconds: Annotated[
        float | None, Field(gt=0, le=1e6, description="how far back from the newest tick; none: the whole session")
    ] = None


class Answer(BaseModel):
    """The daemon's own word on an act. Refused: ``error``, and ``blocked_by`` with what stands in the way, most
    limiting first. More keys may follow (``paused_s``, ``resumes``, ``coolant``)."""

    model_config = ConfigDict(extra="allow")

    ok: bool
    state: str | None = None
    error: str | None = None
    blocked_by: list[str] | None = None


class Refusal(BaseModel):
    """The panel's own refusal: what is wrong, and what to do."""

    model_config = ConfigDict(extra="allow")

    ok: Literal[False] = False
    error: str
    remedy: str = ""


class Health(BaseModel):
    """``daemon``: whether it answers. ``viewers``: pages that look."""

    model_config = ConfigDict(extra="forbid")

    ok: Literal[True]
    version: str
    daemon: bool
    viewers: int


class Status(BaseModel):
    """As ``ablate status --json``, with ``t_s``: when, on the session file's clock. In BOOT hardly more."""

    model_config = ConfigDict(extra="allow")

    ok: Literal[True]
    state: str
    t_s: float
    values: dict[str, Number | list[Number]] | None = None
    setpoint_w: Number = None
    ticks: int | None = None


class Bound(BaseModel):
    model_config = ConfigDict(extra="forbid")

    value: float
    layer: str


class DeviceLink(BaseModel):
    """``ok``; ``bad``: it answers, and what it says counts for nothing; ``silent``; ``none``: nothing is read from it.
    ``age_s``: of its newest sample when the newest tick was taken."""

    model_config = ConfigDict(extra="forbid")

    health: Literal["ok", "bad", "silent", "none"]
    age_s: Number
    period_s: Number


class Device(BaseModel):
    """What it says of itself (``model``, ``serial``, ``firmware``) comes along where the session has begun."""

    model_config = ConfigDict(extra="allow")

    name: str
    driver: str
    port: str
    roles: list[str]
    link: DeviceLink


class Channel(BaseModel):
    """``quality``: 0 good, 1 bad, 2 uncertain. ``low`` and ``high``: what the instrument can truthfully report."""

    model_config = ConfigDict(extra="forbid")

    name: str
    unit: str
    low: Number
    high: Number
    period_s: Number
    value: Number
    quality: int | None
    age_s: Number


class Bench(BaseModel):
    """``series``: name in status and history -> channel. ``foot``: whether a page may press the footswitch."""

    model_config = ConfigDict(extra="forbid")

    bench: str
    modality: str
    applicator: dict[str, Any]
    tick_hz: float
    simulated: bool
    banner: str
    foot: bool
    roles: dict[str, Any]
    series: dict[str, str]
    limits: dict[str, Bound]
    devices: list[Device]
    channels: list[Channel]
    versions: dict[str, Any]
    session: dict[str, Any] | None
    record_trouble: str


class History(BaseModel):
    """Columns of one length: ``t_s`` (the session file's clock), ``setpoint_w``, ``permit_w``, ``energy_j`` and every
    series of the bench. Thinned: of each stretch the lowest and the highest value stay."""

    model_config = ConfigDict(extra="allow")

    t_s: list[float]


class Specimen(BaseModel):
    """What the provider of the bench's ports knows of the tissue: ``zone`` (mm, mL), ``picture`` (arrays) and the
    applicator in it, ``metal``: pieces, each with ``bare``, ``radius_mm`` and ``path_mm``."""

    model_config = ConfigDict(extra="allow")

    zone: dict[str, Any] | None
    picture: dict[str, Any] | None
    metal: list[dict[str, Any]] | None = None


class Control(BaseModel):
    """``controller``: the client that controls; none: nobody. ``you``: your part."""

    model_config = ConfigDict(extra="forbid")

    ok: Literal[True]
    controller: str | None
    you: Literal["viewer", "may_control", "controller"]
