"""What each message holds, as pydantic models: from them come the JSON Schemas and the AsyncAPI document.

The publisher does not use them: its dicts are made by hand, for speed, and the tests hold these to those. A consumer
should: ``Samples.model_validate_json(payload)``. Unknown fields are allowed in schemas and refused here, so that a test
finds a field that is not described. Units are in the names; null is "not a number", never 0.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Number = float | None
Utc = Annotated[str, Field(description="Wall-clock label, ISO 8601 in UTC.", examples=["2026-11-22T04:25:00.120Z"])]
Session = Annotated[str, Field(description="Id of the session, a ULID.", pattern="^[0-9A-HJKMNP-TV-Z]{26}$")]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Stamped(_Message):
    """What every message of a bench carries."""

    bench: str
    boot_id: str = Field(description="Made anew when the publisher starts.")
    bd_seq: int = Field(
        ge=1, description="Counts connections since then. Ignore a death whose two are not the current."
    )
    simulated: bool


class Birth(Stamped):
    """What the bench is. Retained; first message of every connection."""

    schema_: Literal["abl/birth/1"] = Field(alias="schema")
    software: dict[str, str] = {}
    devices: dict[str, dict[str, Any]] = Field({}, description="Model, serial number and firmware of each, by name.")
    bench_sha256: str = Field("", description="Hash of the configuration.")


class Status(Stamped):
    """Whether the bench is there. Retained; each heartbeat, as farewell, and as the connection's will.

    Three heartbeats of silence are a death as well: a will vanishes together with its broker.
    """

    schema_: Literal["abl/status/1"] = Field(alias="schema")
    state: Literal["online", "offline"]
    since: Utc | None = Field(None, description="Of this connection, or of the farewell; missing in a will.")
    utc: Utc | None = None
    beat: int | None = Field(None, ge=0)
    heartbeat_s: float | None = None
    session: Session | None = None
    acknowledged_batch: int | None = Field(
        None, ge=-1, description="Newest batch of the session that the broker has; whoever has not, asks for it."
    )
    lag_batches: int | None = Field(None, ge=0, description="Commits that wait in the session file.")
    lag_rows: int | None = Field(None, ge=0, description="Ticks, samples and events in them.")
    lag_s: float | None = Field(None, ge=0, description="The time that they span.")
    earlier_sessions: int | None = Field(None, ge=0, description="Of earlier runs, that are still to be sent.")


class Prompt(_Message):
    """What the operator is asked to do with his hands. It cannot be answered over MQTT."""

    id: int
    kind: str
    text: str
    value: Number
    unit: str


class State(Stamped):
    """What the daemon is doing. Retained; at each change."""

    schema_: Literal["abl/state/1"] = Field(alias="schema")
    fsm: Literal["BOOT", "SAFE", "PRECHECK", "READY", "ARMED", "FIRING", "STOPPING", "COOLDOWN", "TRIPPED", "LOCKOUT"]
    epoch: int
    prompt: Prompt | None = None


class Alarm(Stamped):
    """A trip that stands. Retained below the monitor's name; an empty payload clears it."""

    schema_: Literal["abl/alarm/1"] = Field(alias="schema")
    monitor: str
    hazard: str
    device: str
    channel: str
    value: Number
    limit: Number
    age_s: Number
    text: str
    check: str = Field(description="What to look at.")
    t_s: float
    lockout: bool


class Reading(_Message):
    """The newest reading of a channel."""

    value: Number
    unit: str
    quality: int = Field(description="0 good, 1 bad, 2 uncertain.")
    t_s: Number = Field(description="When it was asked for, on the session's clock.")


class Latest(Stamped):
    """The newest of everything, once a second. Retained; for displays, not for records."""

    schema_: Literal["abl/latest/1"] = Field(alias="schema")
    session: Session
    seq: int
    t_s: float
    utc: Utc
    state: str
    setpoint_w: Number
    energy_j: Number
    channels: dict[str, Reading]


class Channel(_Message):
    """A channel as it was declared."""

    name: str
    unit: str
    low: Number
    high: Number
    period_s: Number


class SessionMeta(Stamped):
    """What a session is. Retained until it is closed; an empty payload clears it."""

    schema_: Literal["abl/session/1"] = Field(alias="schema")
    session: Session
    header: dict[str, Any] = Field(
        description="As in the session file: bench and protocol as used, software, devices, utc and t_start_s."
    )
    channels: list[Channel]
    request: str | None = Field(None, description="Whose answer it is, in a backfill.")


class Announced(_Message):
    """A session of which batches can be asked for."""

    session: Session
    utc: Utc = Field(description="When it began.")
    last_batch: int = Field(ge=0, description="The newest that the broker has had; more may follow.")
    closed: bool = Field(description="Its writer ended it. Else it is being recorded, or was killed.")


class Sessions(Stamped):
    """The newest sessions of the bench, newest first. Retained; when one begins or ends, and after each connection.

    Who was away when a session began and ended learns of it here, and asks for what he has not.
    """

    schema_: Literal["abl/sessions/1"] = Field(alias="schema")
    sessions: list[Announced] = Field(max_length=50)


class InBatch(Stamped):
    """A message of one commit of the session file.

    ``(bench, session, batch, part)`` identifies it: the same may come more than once. Batches are numbered from 0
    without holes, and each has at least one message; a number or part that is missing is a gap.
    """

    session: Session
    batch: int = Field(ge=0)
    part: int = Field(ge=0)
    parts: int = Field(ge=1, description="How many messages this batch has.")
    historical: bool = Field(description="Older than the connection that carries it.")
    request: str | None = Field(None, description="Whose answer it is, in a backfill.")


class Column(_Message):
    """Readings of one channel, in order of arrival; three arrays of equal length."""

    t_s: list[Number] = Field(description="When each was asked for, on the session's clock.")
    value: list[Number]
    quality: list[int] = Field(description="0 good, 1 bad, 2 uncertain.")


class Samples(InBatch):
    """Control ticks as arrays of equal length ``n``, and what was measured meanwhile."""

    schema_: Literal["abl/samples/1"] = Field(alias="schema")
    seq0: int | None = Field(description="Number of the first tick; null when there is none.")
    utc0: Utc | None = Field(description="Its wall-clock label.")
    n: int = Field(ge=0)
    seq: list[int]
    t_s: list[float]
    state: list[str]
    demand_w: list[Number]
    permit_w: list[Number]
    setpoint_w: list[Number]
    epoch: list[int]
    energy_j: list[Number]
    channels: dict[str, Column]


class Event(InBatch):
    """Something that happened: a change of state, a trip, an operator's act."""

    schema_: Literal["abl/events/1"] = Field(alias="schema")
    seq: int = Field(ge=1)
    t_s: float
    utc: Utc
    kind: str
    data: dict[str, Any]


class Closed(InBatch):
    """The end of a session."""

    schema_: Literal["abl/closed/1"] = Field(alias="schema")
    summary: dict[str, Any]
    chain_head: str = Field(pattern="^[0-9a-f]{64}$", description="Hash that anchors the whole file.")


class BackfillRequest(_Message):
    """Asks for batches again. Not retained."""

    schema_: Literal["abl/backfill/1"] = Field(alias="schema")
    request: str = Field(min_length=1, max_length=64)
    session: Session
    first_batch: int = Field(ge=0)
    last_batch: int = Field(ge=0)
    reply_to: str = Field(min_length=1, max_length=64, description="One level of the topics of the answer.")


class Backfilled(Stamped):
    """The end of an answer. ``sent`` batches came before it."""

    schema_: Literal["abl/backfilled/1"] = Field(alias="schema")
    request: str
    session: str
    first_batch: int
    last_batch: int
    sent: int = Field(ge=0)
    refused: Literal["too old", "too large", "no such session"] | None


class Stop(_Message):
    """Energy off, where the bench accepts it. Not retained; with ``utc``, at most 5 s old.

    Whatever else arrives there is a STOP too, as long as it is not empty.
    """

    who: str = "unknown"
    reason: str = ""
    utc: Utc | None = None


MESSAGES: dict[str, type[_Message]] = {
    "abl/birth/1": Birth,
    "abl/status/1": Status,
    "abl/state/1": State,
    "abl/alarm/1": Alarm,
    "abl/latest/1": Latest,
    "abl/sessions/1": Sessions,
    "abl/session/1": SessionMeta,
    "abl/samples/1": Samples,
    "abl/events/1": Event,
    "abl/closed/1": Closed,
    "abl/backfill/1": BackfillRequest,
    "abl/backfilled/1": Backfilled,
}
"""By the ``schema`` that each message names."""
