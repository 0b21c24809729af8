"""What each table, column, header key, event and quality code of a session file means: for its page in the
documentation, for exports, and for whoever reads the file without this program."""

from __future__ import annotations

from typing import NamedTuple


class Column(NamedTuple):
    """``unit``: empty where there is none."""

    unit: str
    text: str


ORIGIN = {False: "real devices", True: "simulated"}
"""What the header's ``simulated`` says."""

JSON_VALUE = Column("", "JSON: sorted keys, ASCII, no spaces")

TABLES: dict[str, tuple[str, dict[str, Column]]] = {
    "header": (
        "What the session is. Written with the first batch.",
        {"key": Column("", "see below"), "value": JSON_VALUE},
    ),
    "channels": (
        "One row for each measured quantity. One that turns up later is added with the batch that first has it.",
        {
            "id": Column("", "1, 2, ..."),
            "name": Column("", "`device.quantity_unit`, e.g. `gen.forward_power_w`"),
            "unit": Column("", "of its values; `1` for what is on or off; empty if the name carries none"),
            "low": Column("of the channel", "least that the instrument can truthfully report"),
            "high": Column("of the channel", "most that it can"),
            "period_s": Column("s", "how often a sample is expected"),
        },
    ),
    "ticks": (
        "One row for each turn of the control loop; at rest one a second.",
        {
            "seq": Column("", "number of the tick; rises, with gaps at rest"),
            "t_s": Column("s", "when it began, on the clock of the machine that never jumps"),
            "state": Column("", "BOOT, SAFE, PRECHECK, READY, ARMED, FIRING, STOPPING, COOLDOWN, TRIPPED or LOCKOUT"),
            "demand_w": Column("W", "what the law wanted"),
            "permit_w": Column("W", "what the safety kernel allowed"),
            "setpoint_w": Column("W", "what was sent to the source"),
            "epoch": Column("", "number of the permit's epoch: rises whenever a permit is withdrawn"),
            "energy_j": Column("J", "delivered since FIRE, as measured"),
            "law": Column("", "inner state of the law, JSON; `{}` when none runs"),
        },
    ),
    "samples": (
        "One row for each reading, in order of arrival.",
        {
            "id": Column("", "1, 2, ... without a gap"),
            "tick": Column("", "the first tick that saw it"),
            "channel": Column("", "its row in `channels`"),
            "t_request_s": Column("s", "when the request left (not when the answer came); NULL: not known"),
            "value": Column("of the channel", "NULL: no number came"),
            "quality": Column("", "see below"),
        },
    ),
    "events": (
        "What happened, and who did it.",
        {
            "seq": Column("", "1, 2, ... without a gap"),
            "t_s": Column("s", "when, on the clock of the ticks"),
            "utc": Column("", "the same moment as a label, ISO 8601; wrong where the machine's clock was"),
            "kind": Column("", "see below"),
            "data": JSON_VALUE,
        },
    ),
    "arrays": (
        "Fields of numbers, such as the picture of a simulated zone.",
        {
            "id": Column("", "1, 2, ... without a gap"),
            "t_s": Column("s", "when, on the clock of the ticks"),
            "name": Column("", "what they are parts of: `picture`"),
            "part": Column("", "`r_mm`, `z_mm`, `temperature_c`, `damage`, ..."),
            "shape": Column("", "JSON list of lengths, rows first"),
            "data": Column("by the part's name", "doubles, little-endian, row by row"),
        },
    ),
    "chain": (
        "One row for each batch, which is one commit: the last row of each table that belongs to it, and the hash.",
        {
            "n": Column("", "0, 1, 2, ..."),
            "kind": Column("", "`open`, `rows` or `close`"),
            "t_s": Column("s", "the newest time in it"),
            "channel": Column("", "last `channels.id`"),
            "tick": Column("", "last `ticks.seq`; -1: none yet"),
            "sample": Column("", "last `samples.id`"),
            "event": Column("", "last `events.seq`"),
            "array": Column("", "last `arrays.id`"),
            "hash": Column("", "SHA-256, 32 bytes; see below"),
        },
    ),
    "cursor": (
        "How far each follower has been served. Moves, so it is outside the chain.",
        {
            "name": Column("", "`mqtt`, ..."),
            "batch": Column("", "newest batch that it has acknowledged"),
        },
    ),
    "summary": (
        "How the session ended, as `ablate run --json` tells it. Written with the last batch; empty until then.",
        {"key": Column("", "`result`, `energy_j`, ..."), "value": JSON_VALUE},
    ),
    "annotations": (
        "What was said of the session after it had ended (`ablate sessions annotate`). Only ever added to.",
        {
            "n": Column("", "1, 2, ... without a gap"),
            "utc": Column("", "when, ISO 8601"),
            "who": Column("", "who says it"),
            "key": Column("", "`note`, or the name of a metadatum"),
            "value": JSON_VALUE,
            "head": Column("", "hash of the session's last batch at that time"),
            "hash": Column("", "SHA-256, 32 bytes; see below"),
        },
    ),
}

QUALITY = {
    0: "good",
    1: "bad: a sentinel, an open sensor, an answer that says that there is no reading",
    2: "uncertain: a command was sent and its acknowledgement was lost",
}

HEADER = {
    "applicator": "the applicator as the bench file has it, with its ratings",
    "bench": "name of the bench",
    "bench_sha256": "hash of the bench as used, applicator included",
    "bench_text": "the bench file, word for word",
    "calibration": "by channel: date, certificate, laboratory, uncertainty (k = 2), where the bench file gives one",
    "commissioning": "when, by whom and how `ablate commission` went last on this bench; null: never",
    "declarations": "by device: what its driver says it is and can do",
    "dependencies": "packages that take part, with their versions",
    "devices": "by device: model, serial number and firmware as the device itself told them",
    "drivers": "by device: driver, port, distribution and version",
    "id": "the session's id, a ULID: sorts by time",
    "kernel": "the safety kernel's configuration, for replay",
    "limits": "limits of the bench file",
    "loop": "event loop, real-time priority, locked memory, and what of that was refused",
    "metadata": "title, creators, organisation, licence, ... from the bench file's `records: metadata:`",
    "no_independent_cutoff_accepted": "whether the bench runs without a second way to cut the source off",
    "outbox": "cursors that want the whole session: `mqtt` where a broker is configured",
    "roles": "which device or channel plays which part",
    "seed": "of the simulation; null on a real bench",
    "simulated": "true: no tissue was heated",
    "simulation": "settings of the simulation; null on a real bench",
    "software": "versions of openablate (with the revision of a checkout), Python, SQLite and the system",
    "t_start_s": "the clock of the ticks when the session began, s",
    "utc": "when it began, ISO 8601",
    "who": "the account and the machine that recorded",
}
"""What a bench writes. Protocols, plans, specimens, targets and people are events: one session may have several."""

EVENTS = {
    "ack": "an operator acknowledged a trip: who, reason",
    "alarm": "an alarm of high priority: text, and since when",
    "alarms": "the alarms that stand, whenever that changes",
    "application": "energy is about to flow: target, number, protocol with hash, position, the law's numbers",
    "application_end": "its account: result, energy, on-time, roll-offs, readings after off, advice, all delivered",
    "arm": "first act: who, from where",
    "bag": "a saline bag was hung, counted, or is low",
    "complete": "the protocol has reached its end",
    "confirmed": "the operator did what he was asked for: value, who",
    "crash": "the daemon failed; it turned everything off first",
    "electrodes": "the switch connected other electrodes",
    "end": "the daemon ends: how many ticks, how many late; `times`: of ticks and of devices' polls",
    "fire": "second act: origin, who",
    "inputs": "acts that reached the kernel, for replay",
    "kernel": "inner state of the kernel at a change, for replay",
    "loop": "the daemon's claim on the processor changed: what it has now, and why",
    "mark": "what a person saw: text, at_s (when), who",
    "plan": "the plan: text, hash, specimen, targets, what was done of it before, who",
    "precheck_failed": "what kept the bench from READY",
    "predicted": "what was predicted of an application",
    "prepare": "an application was asked for: who",
    "prompt": "the operator is asked for something that his hands must do",
    "prompt_withdrawn": "he need not any more",
    "protocol": "the protocol as used: name, text, hash, limits that hold and whose, the law's numbers, who",
    "reading": "a temperature after off",
    "refused": "an act that was not accepted: verb, origin, who, by (the most limiting reason), blocked_by; `kernel` "
    "false: it was refused before the kernel was asked; `more`: how many before it, in a flood, have no event",
    "reset": "the latch was reset: who, reason",
    "result": "how the application ended",
    "silence": "the sound of the alarms was paused: who",
    "slept": "the computer slept: for how long",
    "start": "the daemon began; the latch that it found, and what the one before it left without an end",
    "state": "the kernel changed its state: from, to, reason, who",
    "stop": "a stop: origin, who, reason",
    "trip": "a safety trip: hazard, monitor, channel, value, limit, text, what to check",
}
