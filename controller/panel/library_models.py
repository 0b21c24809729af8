"""What the library's routes answer: sessions, protocols, dry runs. Times of a session are on the bench's own clock."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Pairs = list[tuple[str, str]]
Number = float | None
"""None: no number was measured."""


class Model(BaseModel):
    """Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Refusal(Model):
    """Why there is no answer."""

    ok: Literal[False] = False
    error: str
    remedy: str = ""


class Integrity(Model):
    """What the hash chain said when it was looked at; ``unchecked``: nobody has asked."""

    verdict: Literal["unchecked", "recorded", "unfinished", "changed"]
    text: str = ""


class SessionRow(Model):
    """One line of the list. Of a file that cannot be read: ``problem`` and ``remedy``, and nothing else is known."""

    id: str
    file: str
    size_bytes: int
    stamp: str
    utc: str = ""
    bench: str = ""
    protocol: str | None = None
    result: str = "unreadable"
    result_text: str = ""
    duration_s: Number = None
    energy_j: Number = None
    zone: dict[str, float] | None = None
    simulated: bool | None = None
    closed: bool = False
    being_written: bool = False
    integrity: Integrity = Integrity(verdict="unchecked")
    problem: str = ""
    remedy: str = ""


class SessionList(Model):
    """``matching`` of ``files`` answer to what was looked for; ``complete`` is false while files remain unread."""

    sessions: list[SessionRow]
    matching: int
    files: int
    complete: bool
    folder: str


class Mark(Model):
    """An event worth a line in a chart."""

    t_s: float
    text: str
    bad: bool


class SeriesTold(Model):
    """A series that ``samples`` can give."""

    name: str
    label: str
    unit: str
    group: Literal["power", "impedance", "temperature", "flow", "energy", "channel"]


class Zone(Model):
    """A section through the applicator: arrays [r][z], thinned for a screen."""

    r_mm: list[float]
    z_mm: list[float]
    temperature_c: list[list[Number]]
    damage: list[list[Number]] | None = None


class Links(Model):
    """Addresses that need no token, for a while: ``report`` is a page, ``file`` the session itself once it is closed,
    the others exports."""

    report: str
    file: str | None = None
    csv: str | None = None
    xlsx: str | None = None


class SessionTold(Model):
    """A session's page. ``zero_s``: the first FIRE, else the beginning."""

    session: SessionRow
    title: str
    banner: str
    start_s: float
    zero_s: float
    fired: bool
    window_s: tuple[float, float]
    marks: list[Mark]
    series: list[SeriesTold]
    limits: dict[str, float]
    trip: dict[str, Any] | None
    asked: Pairs
    happened: Pairs
    events: int
    treatment: dict[str, Any] | None
    annotations: list[dict[str, Any]]
    metadata: dict[str, Any]
    picture: Zone | None
    links: Links | None = None


class Samples(Model):
    """Columns of equal length. Each row is a control tick with the newest good reading of each channel; or, where there
    are more ticks than points were asked for, half a stretch of ticks, of which one row has the least and the other the
    greatest value of each column, in the order in which they came."""

    session: str
    zero_s: float
    decimated: bool
    ticks: int
    columns: dict[str, list[Number]]
    units: dict[str, str]


class EventTold(Model):
    """Something that happened."""

    seq: int
    t_s: float
    utc: str
    kind: str
    data: dict[str, Any]


class EventList(Model):
    """A page of the events; those that only a replay of the decisions needs are left out unless asked for."""

    session: str
    zero_s: float
    events: list[EventTold]
    total: int


class Verified(Model):
    """What the hash chain says now."""

    session: str
    stamp: str
    integrity: Integrity
    problems: list[str]
    notes: list[str]
    ticks: int
    samples: int
    events: int
    batches: int
    head: str


class ProtocolRow(Model):
    """One protocol, and whether this bench can deliver it. ``use``: what ``prepare`` takes."""

    name: str
    use: str
    origin: Literal["shipped", "own"]
    source: str
    modality: str
    law: str
    mounts: str
    power_w: float
    duration_s: float
    fits: bool
    problems: list[str]


class ProtocolList(Model):
    """``unreadable``: own files that are no protocols though they begin like one."""

    bench: str
    protocols: list[ProtocolRow]
    predicts: bool
    unreadable: list[str]


class LimitTold(Model):
    """A limit in force, the layer that sets it, and where that is written."""

    name: str
    value: float
    layer: str
    where: str


class ProtocolTold(Model):
    """A protocol's page."""

    protocol: ProtocolRow
    file: str
    text: str
    applicator: Pairs
    numbers: Pairs
    cooling: Pairs
    limits: list[LimitTold]


class Predicted(Model):
    """What a protocol would do."""

    protocol: str
    tissue: str
    model: str
    duration_s: float
    energy_j: float
    mean_w: float
    rolloffs: int
    stopped: str
    zone: dict[str, float]
    picture: Zone | None


class DryRun(Model):
    """A dry run under way, or ended. One at a time."""

    job: str
    protocol: str
    tissue: str | None
    state: Literal["running", "done", "failed", "cancelled"]
    elapsed_s: float
    limit_s: float
    error: str = ""
    predicted: Predicted | None = None


class PlayTold(Model):
    """What is known of a session before it is played."""

    session: str
    start_s: float
    end_s: float
    zero_s: float
    ticks: int
    closed: bool
    bench: dict[str, Any]
    events: list[dict[str, Any]]


class FrameTold(Model):
    """One tick, as a status of the live view."""

    seq: int
    t_s: float
    rows: int
    status: dict[str, Any]


class FrameList(Model):
    """``ended``: there is no tick behind these."""

    frames: list[FrameTold]
    ended: bool
