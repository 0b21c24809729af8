"""What the items are called that ``status()["blocked_by"]`` and ``["limited_by"]`` name, for people."""

from __future__ import annotations

from typing import NamedTuple

WORDS: dict[str, tuple[str, str]] = {
    "clock": ("clock", "the clock jumped or a tick came too late"),
    "daemon": ("daemon", "a part of the daemon has failed"),
    "watchdog": ("watchdog", "the watchdog process is not proven to be there"),
    "enable": ("enable line", "the enable line does not read back as it was told"),
    "estop": ("E-stop", "pressed, or its contacts disagree or are not read"),
    "config": ("configuration", "bench or protocol is not what was checked"),
    "record": ("record", "the session file is not being written"),
    "stale": ("samples", "a sensor or the generator has not answered in time"),
    "range": ("range", "a reading is outside what its sensor can say"),
    "flags": ("contacts", "a contact or the generator's own flag is open"),
    "footswitch": ("footswitch", "its contacts disagree, or it is stuck"),
    "rate": ("rate", "a reading changed faster than it can"),
    "frozen": ("frozen", "a reading does not move any more"),
    "power": ("power", "the generator delivers other than it was told"),
    "readback": ("read-back", "the generator does not confirm its set-point"),
    "flow": ("coolant flow", "below what is needed"),
    "air": ("air", "air in the coolant line"),
    "temperature": ("temperature", "above its limit"),
    "agree": ("agreement", "sensors that belong together disagree"),
    "frequency": ("frequency", "outside the generator's band"),
    "reflected": ("reflected", "too much power comes back"),
    "impedance": ("impedance", "outside its limits"),
    "pads": ("return pads", "too much current through a return electrode"),
    "heating": ("heating", "a sensor does not feel what is delivered"),
    "budget": ("budget", "energy or time is used up"),
    "lockout": (
        "lockout",
        "no reset by an operator ends this trip; its own text says why",
    ),
    "ack": ("acknowledge", "the trip has not been acknowledged"),
    "off": ("off", "the generator has not shown yet that it is off"),
    "clear": ("cause", "has not been gone for 2 s"),
    "cool": ("cool-down", "the coolant runs on"),
    "prime": ("priming", "coolant has not run long enough"),
    "hold": ("hold", "whoever fired has let go"),
    "line": ("enable line", "is being closed"),
}
"""By item: its name, and what it means that it is not met."""


def in_words(item: str) -> str:
    """An item with what it means; what is a sentence already stays as it is."""
    return f"{item}: {WORDS[item][1]}" if item in WORDS else item


class Interlock(NamedTuple):
    """One line of a list."""

    name: str
    reason: str


def unmet(blocked_by: list[str], unready: list[str]) -> list[Interlock]:
    """What is not met now; ``unready``: what the last PRECHECK said of it in whole sentences. An item that is not known
    here (a daemon of another version) is shown as it is.
    """
    found = [Interlock(*WORDS.get(item, (item, "not met"))) for item in blocked_by]
    return found + [Interlock("precheck", text) for text in unready]
