"""The one catalogue of faults, for links, devices, sensors, contacts and the load, and the parser of ``--fault SPEC``.

    SPEC = device[.channel][.link].fault[=value][@onset_s][+duration_s]

``gen.ignore_off@30`` · ``flow.freeze@20+10`` · ``tc.tip.open@12`` · ``gen.link.delay=0.3@10`` · ``load.char=120@15``.
Onset and duration are seconds of bench time; without ``@`` a fault begins at once, without ``+`` it stays. ``load`` is
the applicator and the coolant line.

A latent fault changes nothing that anyone can see until something is demanded of the device; the entry says what.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One entry. ``scope`` is what it can happen to: link, generator, pump, chiller, sensor, inputs, relay or load.
    ``value`` is what is used when the SPEC gives none (None: the fault takes no value), within ``low``..``high``.
    ``demand``: what a latent fault needs to show."""

    scope: str
    name: str
    text: str
    value: float | None = None
    unit: str = ""
    low: float = 0.0
    high: float = math.inf
    demand: str = ""


CATALOGUE: tuple[FaultKind, ...] = (
    FaultKind("link", "drop", "bytes vanish in both directions, the port stays open"),
    FaultKind("link", "delay", "every reply arrives this much later", 0.3, "s", 0.0, 60.0),
    FaultKind("link", "garbage", "one byte of a reply is changed, with this probability per reply", 1.0, "", 0.0, 1.0),
    FaultKind(
        "link",
        "late",
        "one reply in 20 arrives this much late, after the host has given up, and holds up the next",
        0.6,
        "s",
        0.0,
        60.0,
    ),
    FaultKind("link", "replay", "each query is answered with the reply that was the newest when this began"),
    FaultKind("link", "swap", "each query is answered with the reply to the one before it"),
    FaultKind("link", "double", "every reply comes twice"),
    FaultKind(
        "link",
        "flood",
        "bytes arrive that nobody asked for, between those of replies too",
        5000.0,
        "bytes/s",
        1.0,
        1.0e5,
    ),
    FaultKind("link", "disconnect", "the cable is pulled: the port is gone, and comes back when the fault ends"),
    FaultKind(
        "generator",
        "ignore_off",
        "off is acknowledged and not obeyed; only the interlock input still works",
        demand="a stop",
    ),
    FaultKind("generator", "over_deliver", "the output is the set-point times this", 1.5, "", 0.0, 20.0),
    FaultKind(
        "generator",
        "spontaneous_on",
        "the output comes on by itself at this power, if the interlock is closed",
        20.0,
        "W",
        0.0,
        1000.0,
    ),
    FaultKind("generator", "readback_zero", "the power meters read zero whatever the output is", demand="power"),
    FaultKind("generator", "reverse_zero", "the meter of reverse power reads zero whatever comes back", demand="power"),
    FaultKind("generator", "reverse_bias", "the meter of reverse power shows this much too much", 5.0, "W", 0.0, 300.0),
    FaultKind("generator", "restart", "it has started anew: output off, set-point 0, nobody in control"),
    FaultKind("generator", "detuned", "the frequency is off by this share of it", 0.01, "", -0.5, 0.5),
    FaultKind(
        "generator",
        "deadman_off",
        "the generator does not notice that the host is silent",
        demand="silence of the host",
    ),
    FaultKind("pump", "stall", "the head does not turn; the pump's electronics say that it runs"),
    FaultKind("chiller", "cooler_off", "it runs and does not cool: a bath below room temperature drifts up to it"),
    FaultKind("chiller", "undercooled", "the bath stays this far above its set-point", 8.0, "K", 0.0, 60.0),
    FaultKind("chiller", "heater_stuck", "the heater stays on: the bath warms at this rate", 5.0, "K/min", 0.0, 600.0),
    FaultKind("chiller", "low_level", "the level in the bath is low: an alarm, and it regulates no more"),
    FaultKind(
        "chiller",
        "panel",
        "somebody works at its panel: this set-point, and remote ones are refused",
        25.0,
        "degC",
        -20.0,
        95.0,
    ),
    FaultKind("sensor", "open", "the sensor is disconnected"),
    FaultKind("sensor", "freeze", "the reading stays at its value at onset", demand="a change of the quantity"),
    FaultKind("sensor", "bias", "this is added to the reading", 5.0, "(unit of the channel)", -math.inf),
    FaultKind("sensor", "scale", "the reading is multiplied by this, as in another unit", 1.8, "", -1.0e3, 1.0e3),
    FaultKind(
        "sensor",
        "sentinel",
        "the reading is this number, as an instrument says 'no value'",
        -999.0,
        "(unit of the channel)",
        -math.inf,
    ),
    FaultKind(
        "sensor", "short", "its wires touch in the junction box, whose temperature it reads", 24.0, "degC", -50.0, 95.0
    ),
    FaultKind("sensor", "detach", "it has fallen out and feels this share of what it felt", 0.1, "", 0.0, 1.0),
    FaultKind("inputs", "estop", "the E-stop is pressed: both contacts open"),
    FaultKind("inputs", "estop_a", "contact A of the E-stop opens alone"),
    FaultKind("inputs", "estop_b", "contact B of the E-stop opens alone"),
    FaultKind("inputs", "door", "the door is open"),
    FaultKind("inputs", "leak", "water at the leak detector: its contact opens"),
    FaultKind("inputs", "pad", "the monitor of the return electrode alarms: its contact opens"),
    FaultKind("inputs", "foot_stuck", "the pedal stays down whatever the foot does", demand="a release of the pedal"),
    FaultKind(
        "relay",
        "weld",
        "a contact that is closed stays closed; the board's status does not show it",
        demand="an opening of the relay",
    ),
    FaultKind("load", "open", "the applicator's lead is off"),
    FaultKind("load", "short", "the electrodes touch"),
    FaultKind("load", "char", "carbon on the tip, in series with the tissue", 150.0, "ohm", 0.0, 1.0e6),
    FaultKind("load", "mismatch", "a bad antenna or connector: this share of microwaves comes back", 0.6, "", 0.0, 1.0),
    FaultKind("load", "pad", "the return electrode peels off, in series with the tissue", 150.0, "ohm", 0.0, 1.0e6),
    FaultKind(
        "load", "pop", "steam bursts out: the impedance jumps and decays within seconds", 60.0, "ohm", 0.0, 1.0e6
    ),
    FaultKind("load", "peel", "the return electrode peels off in ten jerks within this time", 60.0, "s", 1.0, 3600.0),
    FaultKind("load", "withdrawn", "this share of the active length is in air", 0.5, "", 0.0, 1.0),
    FaultKind("load", "retract", "the probe is pulled back in the tissue by this much, once", 10.0, "mm", 0.0, 50.0),
    FaultKind("load", "pickup", "RF adds this to every thermocouple", 0.05, "degC/V", -0.5, 0.5),
    FaultKind("load", "line_off", "the coolant tube is off: the pump turns, nothing reaches sensor and needle"),
    FaultKind("load", "air", "gas in the coolant line"),
    FaultKind("load", "bubbles", "gas for 0.1-1 s, this often", 10.0, "a minute", 0.0, 60.0),
    FaultKind("load", "occlude", "this share of the coolant line's bore is blocked", 1.0, "", 0.0, 1.0),
    FaultKind("load", "bag", "so much is left in the bag, and the outlet runs to waste", 0.0, "mL", 0.0, 1.0e4),
    FaultKind("load", "coolant_temp", "the coolant bag has this temperature", 40.0, "degC", 0.0, 95.0),
)

LOAD = "load"
LINE_FAULTS = ("line_off", "air", "bubbles", "occlude", "bag")
"""May also be written with the pump's name."""

_spec = re.compile(
    r"(?P<path>[A-Za-z_][\w.-]*?)"
    r"(?:=(?P<value>[^@]*?))?"
    r"(?:@(?P<onset>[^@+]*))?"
    r"(?:\+(?P<duration>[^@+]*))?"
)


class FaultError(ValueError):
    """A SPEC that cannot be; the text says what is wrong and what would be right."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A parsed SPEC. ``channel`` is '' for the whole device; ``duration_s`` is infinite when none was given."""

    device: str
    channel: str
    kind: FaultKind
    value: float
    onset_s: float
    duration_s: float
    spec: str

    @property
    def key(self) -> str:
        """``device[.channel][.link].fault``: what a fault is cleared by."""
        middle = [self.channel] if self.channel else []
        middle += ["link"] if self.kind.scope == "link" else []
        return ".".join([self.device, *middle, self.kind.name])


@dataclass(frozen=True, slots=True)
class Target:
    """What a device of the bench is, as far as faults are concerned."""

    scope: str
    channels: tuple[str, ...] = ()


def parse(spec: str, targets: Mapping[str, Target]) -> Fault:
    """``spec`` as a fault of one of ``targets`` (device name -> what it is; ``load`` is always there).

    Raises:
        FaultError: unknown device, channel or fault, a value outside its range, or a text that is no SPEC.
    """
    found = _spec.fullmatch(spec.strip())
    if found is None or "." not in found["path"]:
        raise FaultError(
            f"fault {spec!r} is not device.fault[=value][@onset_s][+duration_s], for example gen.ignore_off@30"
        )
    device, *middle, name = found["path"].split(".")
    known = {**targets, LOAD: Target(LOAD)}
    if device not in known:
        raise FaultError(f"fault {spec!r}: no device {device!r}{_near(device, known)}; there are {_list(known)}")
    if known[device].scope == "pump" and not middle and name in LINE_FAULTS:
        device = LOAD
    target = known[device]
    scope, channel = target.scope, ""
    if middle == ["link"] and device != LOAD:
        scope = "link"
    elif middle and scope == "sensor":
        channel = _channel(spec, ".".join(middle), target)
    elif middle:
        raise FaultError(
            f"fault {spec!r}: {device} has no {'.'.join(middle)!r}; write {device}.{name} or {device}.link.<fault>"
        )
    kind = _kind(spec, scope, name, device)
    return Fault(
        device,
        channel,
        kind,
        _value(spec, kind, found["value"]),
        _seconds(spec, "onset", found["onset"], 0.0),
        _seconds(spec, "duration", found["duration"], math.inf),
        spec.strip(),
    )


def kinds_of(scope: str) -> tuple[FaultKind, ...]:
    """The faults that can happen to a device of this scope, its link apart."""
    return tuple(kind for kind in CATALOGUE if kind.scope == scope)


def _kind(spec: str, scope: str, name: str, device: str) -> FaultKind:
    names = {kind.name: kind for kind in kinds_of(scope)}
    if name in names:
        return names[name]
    other = (
        ""
        if scope in ("link", LOAD)
        else f", and {device}.link.<fault> with " + _list(k.name for k in kinds_of("link"))
    )
    raise FaultError(f"fault {spec!r}: no {scope} fault {name!r}{_near(name, names)}; there are {_list(names)}{other}")


def _channel(spec: str, channel: str, target: Target) -> str:
    names = {name: name for name in target.channels}
    for suffix in ("_c", "_ml_min", "_in_line_flag"):
        names.update({name + suffix: name for name in target.channels})
    if channel in names:
        return names[channel]
    raise FaultError(
        f"fault {spec!r}: no channel {channel!r}{_near(channel, names)}; there are {_list(target.channels)}"
    )


def _value(spec: str, kind: FaultKind, text: str | None) -> float:
    if kind.value is None:
        if text is not None:
            raise FaultError(f"fault {spec!r}: {kind.name} takes no value; leave out '={text}'")
        return 1.0
    if text is None:
        return kind.value
    value = _number(spec, "value", text)
    if not kind.low <= value <= kind.high:
        raise FaultError(
            f"fault {spec!r}: {kind.name}={text} is outside {kind.low:g}..{kind.high:g} {kind.unit}".rstrip()
        )
    return value


def _seconds(spec: str, what: str, text: str | None, default: float) -> float:
    if text is None:
        return default
    value = _number(spec, what, text)
    if value < 0.0:
        raise FaultError(f"fault {spec!r}: {what} {text} is negative; give seconds of bench time")
    return value


def _number(spec: str, what: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise FaultError(f"fault {spec!r}: {what} {text!r} is not a number")
    return value


def _near(name: str, known: Mapping[str, object]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f", did you mean {near[0]!r}?" if near else ""


def _list(names: object) -> str:
    return ", ".join(sorted(str(name) for name in names))  # type: ignore[attr-defined]
