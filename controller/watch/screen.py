"""What ``ablate watch`` shows, as text: each function makes one part of the screen from a status. No terminal here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from rich.text import Text

from controller.interlocks import unmet
from controller.live_view import STYLES, attendance, broker_line
from controller.perform import LOCKOUT_REMEDY

NOT_LIVE_S = 0.5
"""Older than this a value says nothing of now."""
BAR = 24
SPARKS = "▁▂▃▄▅▆▇█"
STATE_STYLES = {"ARMED": "bold black on yellow", "FIRING": "bold white on blue", "STOPPING": "bold black on yellow"}
LATCHED = "bold white on red"
KEYS = (
    "Esc s STOP (RF off)   a acknowledge   m silence   ? help   q leave",
    "Esc s STOP  a ack  m silence  ? q",
    "s STOP  ? q",
)
"""STOP first; the longest for which there is room."""
HELP = """\
Esc, s  STOP: energy off, now. No confirmation; safe to press any number of
        times; works here in every state. It is not an emergency stop: that is
        a switch, wired into the generator's interlock.
a       acknowledge the alarms that you have seen. A trip stays latched until
        `ablate reset REASON`.
m       pause the sound of the alarms that are there; a new one of high
        priority is heard.
up down page up and page down too: what a small terminal has no room for.
?       this help and back.
q       leave. The bench goes on: nothing of it depends on this window.

It never arms and never fires: `ablate arm`, then `ablate start` or the
footswitch. A prompt is answered with `ablate confirm` when it is done.

A bar ends at the limit in force; | marks a lower one. Grey, and NOT LIVE at
the top: older than 0.5 s, so it says nothing of now.
"""


class Quantity(NamedTuple):
    """One measured value with its limits; ``low``, ``high``: None where nothing limits it."""

    name: str
    value: float | None
    unit: str
    digits: int
    low: float | None = None
    high: float | None = None

    @property
    def beyond(self) -> str:
        """In a word, where it is outside its limits."""
        if self.value is None:
            return ""
        if self.high is not None and self.value > self.high:
            return "ABOVE"
        return "BELOW" if self.low is not None and self.value < self.low else ""


def printable(text: object) -> str:
    """What a device or a file said must not steer the terminal."""
    return "".join(c if c.isprintable() else "?" for c in str(text))


def keys(width: int) -> str:
    """The keys, in as many words as ``width`` columns hold."""
    return next((words for words in KEYS if len(words) <= width), KEYS[-1])


def small(width: int, height: int, least: tuple[int, int]) -> str:
    """Why there are no values on a tiny terminal."""
    return (
        f"This terminal has {width} x {height} characters; values and interlocks need {least[0]} x {least[1]}, and fit "
        "without scrolling on 80 x 24. STOP works: Esc or s."
    )


def room(above: int, below: int) -> str:
    """What of a page is out of sight."""
    told = [f"{below} lines more below (down)" if below else "", f"{above} above (up)" if above else ""]
    return ", ".join(filter(None, told))


def quantities(status: dict[str, Any], known: Collection[str] = ()) -> list[Quantity]:
    """What is measured on this bench, in the order of the screen. ``known``: keys of values that were there before, and
    are shown as missing now.
    """
    values = status.get("values") or {}
    limits = {name: bound["value"] for name, bound in (status.get("limits") or {}).items()}
    flows = status.get("state") in ("FIRING", "STOPPING")  # what needs coolant or a load says nothing at rest
    found = [Quantity("power", values.get("power_w"), "W", 1, None, limits.get("power_w"))]
    there = {key for key, value in values.items() if value is not None} | set(known)
    if "impedance_ohm" in there:
        low, high = (limits.get(f"impedance_{end}_ohm") if flows else None for end in ("low", "high"))
        found.append(Quantity("impedance", values.get("impedance_ohm"), "ohm", 0, low, high))
    for name, key in (("tip", "tip_c"), ("shaft", "shaft_c"), ("coolant", "coolant_c")):
        if key in there:
            found.append(Quantity(name, values.get(key), "°C", 1, None, limits.get(key)))
    for name, key in (("tissue", "tissue_c"), ("tine", "tine_c")):
        many = values.get(key) or []
        for number, value in enumerate(many, start=1):
            found.append(
                Quantity(f"{name} {number}" if len(many) > 1 else name, value, "°C", 1, None, limits.get("tissue_c"))
            )
    if "flow_ml_min" in there:
        least = limits.get("flow_min_ml_min") if status.get("pump_on") else None
        found.append(Quantity("flow", values.get("flow_ml_min"), "mL/min", 0, least, None))
    return found


def bar(quantity: Quantity, width: int = BAR) -> str:
    """The value against its limits: filled up to the upper one; with a lower one, twice that is the whole width."""
    value, low, high = quantity.value, quantity.low, quantity.high
    top = high or (2.0 * low if low else None)
    if value is None or top is None:
        return " " * (width + 2)
    filled = max(0, min(width, round(width * value / top)))
    cells = ["█"] * filled + ["·"] * (width - filled)
    if low is not None:
        cells[min(width - 1, round(width * low / top))] = "|"
    return f"[{''.join(cells)}]"


def limits_of(quantity: Quantity) -> str:
    """In words."""
    low, high = quantity.low, quantity.high
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    if high is not None:
        return f"at most {high:g}"
    return f"at least {low:g}" if low is not None else ""


def values(status: dict[str, Any], live: bool, known: Collection[str] = ()) -> Text:
    """A line for each quantity."""
    text = Text()
    for quantity in quantities(status, known):
        told = "--" if quantity.value is None else f"{quantity.value:.{quantity.digits}f}"
        line = f"{quantity.name:<10}{told:>7} {quantity.unit:<7}{bar(quantity)} {limits_of(quantity)}"
        if quantity.beyond and live:
            text.append(f"{line} {quantity.beyond}\n", "bold red")
        else:
            text.append(f"{line}\n", "" if live else "dim")
    return text


def spark(points: Sequence[float | None], width: int) -> str:
    """The newest ``width`` points as blocks, from the least to the largest of them; a gap where there is none."""
    shown = list(points)[-width:]
    known = [point for point in shown if point is not None]
    if not known:
        return " " * width
    least, span = min(known), (max(known) - min(known)) or 1.0
    cells = [" " if p is None else SPARKS[min(7, int(8 * (p - least) / span))] for p in shown]
    return "".join(cells).rjust(width)


def minute(history: Iterable[tuple[str, str, Sequence[float | None]]], width: int, live: bool) -> Text:
    """The last minute: name, unit and a point a second of each series."""
    text = Text()
    for name, unit, points in history:
        known = [point for point in points if point is not None]
        span = f"{min(known):.0f} to {max(known):.0f} {unit}" if known else f"-- {unit}"
        text.append(f"{name:<10}{spark(points, width)} {span}\n", "" if live else "dim")
    return text


def head(status: dict[str, Any], age_s: float | None, answer_s: float) -> Text:
    """State in words, banner, age and what is recorded: two lines."""
    live = age_s is not None and age_s <= NOT_LIVE_S
    text = Text()
    if banner := status.get("banner"):
        text.append(f" {printable(banner)} ", "black on yellow")
        text.append(" ")
    state = printable(status.get("state", "NOT LIVE"))
    if live:
        text.append(f" {state} ", STATE_STYLES.get(state, LATCHED if state in ("TRIPPED", "LOCKOUT") else "reverse"))
        if (left_s := status.get("left_s")) is not None:
            text.append(f" at most {left_s:.0f} s more")
        text.append(f"  {printable(status.get('bench', ''))}  {status.get('elapsed_s', 0.0):.1f} s")
        text.append(f"  {status.get('energy_j', 0.0) / 1000:.2f} kJ  set {status.get('setpoint_w', 0.0):.0f} W")
        if activation := (status.get("alarms") or {}).get("activation"):
            text.append(f"  {activation}", "bold blue")
    else:
        text.append(" NOT LIVE ", LATCHED)
        last = f"  last heard of {age_s:.1f} s ago: {state}" if age_s is not None else "  nothing was heard yet"
        text.append(last, "dim")
    text.append("\n")
    style = "" if live else "dim"
    record = status.get("record")
    if record is not None:
        proof = f"recording, {1000 * max(0.0, record.get('age_s', 0.0)):.0f} ms ago"
        healthy = bool(record.get("healthy"))
        told = proof if healthy else f"NOT RECORDING: {printable(record.get('text', ''))}"
        text.append(told, style if healthy else "bold red")
        text.append(f"   answers in {1000 * answer_s:.0f} ms   late ticks {status.get('late_ticks', 0)}", style)
        if protocol := status.get("protocol"):
            text.append(f"   {printable(protocol)}", style)
    return text


def troubles(status: dict[str, Any], live: bool, trouble: str) -> Text:
    """What a person must read: no daemon, trip, alarms, prompt, what it waits for."""
    text = Text()
    if trouble:
        text.append(f"{printable(trouble)}\n", "bold red")
    if trip := status.get("trip"):
        where = trip.get("channel") or trip.get("device")
        text.append(f"TRIP {printable(trip['hazard'])} {printable(trip['monitor'])} on {printable(where)}\n", LATCHED)
        text.append(f"  {printable(trip['text'])}\n  check: {printable(trip['check'])}\n", "" if live else "dim")
        locked = status.get("state") == "LOCKOUT"
        then = f"end this bench, then {LOCKOUT_REMEDY}" if locked else "a acknowledges; ablate reset REASON"
        text.append(f"  then: {then}\n", "" if live else "dim")
    alarms = status.get("alarms") or {}
    for told in alarms.get("list", []):
        if trip and told.get("text") == trip["text"]:
            continue
        seen = ", acknowledged" if told.get("acknowledged") else ""
        line = f"ALARM {printable(told['priority'])}{seen}: {printable(told['text'])}. Do: {printable(told['do'])}\n"
        text.append(line, STYLES.get(told["priority"], "") if live else "dim")
    if paused_s := alarms.get("paused_s"):
        text.append(f"sound is silenced for {paused_s:.0f} s more\n", "yellow" if live else "dim")
    if prompt := status.get("prompt"):
        answer = "" if prompt.get("kind") == "attend" else " when it is done"
        line = f"PROMPT {prompt['id']}: {printable(prompt['text'])}; ablate confirm {prompt['id']}{answer}\n"
        text.append(line, "bold black on yellow" if live else "dim")
    for waits in filter(None, (attendance(status), status.get("waits") and f"waits for {status['waits']}")):
        text.append(f"{printable(waits)}\n", "" if live else "dim")
    if mqtt := status.get("mqtt"):
        text.append(f"{printable(broker_line(mqtt))}\n", "" if live and mqtt.get("connected") else "dim")
    return text


def contacts(status: dict[str, Any]) -> list[str]:
    """Each with a shape and a word: closed, OPEN, or STALE where it is not known."""
    found = []
    for key, name in (("estop", "E-stop"), ("door", "door"), ("footswitch", "footswitch")):
        pair = (status.get("contacts") or {}).get(key)
        if not pair:
            continue
        known = [one["closed"] for one in pair]
        if key == "footswitch":  # its first contact is normally open, its second normally closed
            known = [known[0], known[1] if known[1] is None else not known[1]]
        if None in known:
            found.append(f"? {name} STALE")
        elif len(set(known)) > 1:
            found.append(f"✕ {name} DISAGREES")
        elif key == "footswitch":
            found.append("● footswitch PRESSED" if known[0] else "○ footswitch released")
        else:
            found.append(f"○ {name} closed" if known[0] else f"✕ {name} OPEN")
    return found


def watchdog(status: dict[str, Any]) -> list[str]:
    """Its word, and that of the enable line."""
    told = status.get("watchdog")
    found = [f"○ watchdog heard {1000 * told['age_s']:.0f} ms ago" if told else "? watchdog STALE"]
    if told and told.get("enable_closed") is not None:
        found.append("● enable line closed" if told["enable_closed"] else "○ enable line open")
    return found


def interlocks(status: dict[str, Any], live: bool) -> Text:
    """What is not met, each with its name and reason."""
    text = Text()
    if "blocked_by" not in status:
        return text
    for words in (contacts(status), watchdog(status)):
        text.append(f"{'   '.join(words)}\n" if words else "", "" if live else "dim")
    found = unmet(list(status["blocked_by"]), list(status.get("unready") or []))
    if not found:
        text.append("○ interlocks: all met\n", "" if live else "dim")
    for one in found:
        line = f"✕ {printable(one.name)} NOT MET: {printable(one.reason)}\n"
        text.append(line, "bold" if live else "dim")
    return text
