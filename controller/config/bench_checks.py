"""What a bench must have beyond being well written: roles that exist, an E-stop, a way to cut the generator off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from controller.config.bench import AWKWARD_KEY, Bench, Device
from controller.config.problems import Problem, did_you_mean
from controller.config.yaml_loader import Document, Loc
from controller.providers import GROUP, Providers
from drivers.contract import Declaration, DeviceError
from drivers.registry import offered
from drivers.transport.open import SCHEMES, reopen_target, scheme_of

INDEPENDENT_CUTOFF_ABOVE_W = 10.0
"""A generator that can give more than this needs something besides the host that turns it off."""

DEVICE_ROLES = {
    "source": "source",
    "pump": "coolant_pump",
    "chiller": "chiller",
    "switch": "switch",
    "enable": "enable",
}


class ChannelRole(NamedTuple):
    """What a channel that plays a role must end in, and how many such channels there are (None: any number)."""

    suffix: str | tuple[str, ...]
    contacts: int | None = 1


CHANNEL_ROLES = {
    "flow": ChannelRole("_ml_min"),
    "tip": ChannelRole("_c"),
    "tissue": ChannelRole("_c", None),
    "tines": ChannelRole("_c", None),
    "shaft": ChannelRole("_c"),
    "critical": ChannelRole("_c", None),
    "cable": ChannelRole("_c", None),
    "coolant": ChannelRole("_c"),
    "air": ChannelRole("_flag"),
    "impedance": ChannelRole("_ohm"),
    "estop": ChannelRole("_closed", 2),
    "footswitch": ChannelRole("_closed", 2),
    "door": ChannelRole("_closed"),
    "leak": ChannelRole("_closed", None),
    "pad": ChannelRole("_closed"),
    "enable_aux": ChannelRole(("_closed", "_flag")),
}
THERMOMETER = ChannelRole("_c")

UNWIRED = (
    "no E-stop is wired",
    "wire both its contacts to two inputs and name them, e.g. estop: [inputs.estop_a_closed, inputs.estop_b_closed]",
)


def unwired(document: Document, roles: Any) -> list[Problem]:
    """The E-stop rule, told whatever else is wrong with the file."""
    if isinstance(roles, dict) and not roles.get("estop"):
        return [document.problem(("roles", "estop"), *UNWIRED)]
    return []


def ports(document: Document, bench: Bench) -> list[Problem]:
    """Ports that nothing can open, and ports with two owners."""
    problems: list[Problem] = []
    known = {*SCHEMES, *offered(GROUP)}
    owners: dict[str, str] = {}
    named = ((name, place, url) for name, device in bench.devices.items() for place, url in device.ports().items())
    for name, place, url in named:
        at: Loc = ("devices", name, *place)
        scheme = scheme_of(url)
        if scheme and scheme not in known:
            near = did_you_mean(scheme, known)
            hint = f"did you mean {near}://?" if near else f"known: {', '.join(sorted(known))}"
            problems.append(document.problem(at, f"nothing here opens {scheme}:// ports", hint))
        if url in owners:
            problems.append(document.problem(at, f"{url} already belongs to {owners[url]}", "one owner per port"))
        owners.setdefault(url, name)
    return problems


def one_world(document: Document, bench: Bench) -> list[Problem]:
    """Real and simulated ports in one bench: a generator that is there, behind contacts and sensors that are not (H71,
    H81). Told once, where the fewer are.
    """
    named = {
        url: (name, place)
        for name, device in bench.devices.items()
        for place, url in (*device.ports().items(), *_seconds(device))
    }
    worlds = Providers(named).worlds()
    if len(worlds) < 2:
        return []
    fewer = min(worlds.values(), key=len)
    name, place = named[fewer[0]]
    who = "; ".join(
        f"{world}: {', '.join(f'{named[url][0]} ({url})' for url in urls)}" for world, urls in worlds.items()
    )
    message = f"real and simulated ports in one bench ({who}): what is simulated cannot stop or feel what is real"
    hint = "give every device the port that it is wired to, or put all of them into a simulated bench of their own"
    return [document.problem(("devices", name, *place), message, hint)]


def _seconds(device: Device) -> Iterable[tuple[tuple[str, ...], str]]:
    """Second ways for the watchdog, as :meth:`Device.ports` tells the first ones."""
    return [(("off_port",), url) for url in device.off_ports().values()]


def off_ports(document: Document, bench: Bench) -> list[Problem]:
    """Second ways for the watchdog: only where they are needed, and only such as it can open itself."""
    problems: list[Problem] = []
    for name, device in bench.devices.items():
        ports = {place[-1]: url for place, url in device.ports().items()}
        for option, url in device.off_ports().items():
            at: Loc = ("devices", name, "off_port")
            if name != bench.roles.source:
                said = ("off_port is for the source alone: the watchdog turns off nothing else", "leave it out")
            elif option not in ports:
                said = (f"{name} has no {option}", f"it has: {', '.join(sorted(ports))}")
            elif scheme_of(ports[option]) != "visa":
                hint = "leave it out: a path or tcp:// port is shared with the watchdog as it is"
                said = (f"off_port is for visa:// ports, not for {ports[option]}", hint)
            elif not _watchdog_opens(url):
                hint = "write tcp://HOST:PORT (5025 on most instruments), or the path of a serial port"
                said = (f"the watchdog cannot open {url}", hint)
            else:
                continue
            problems.append(document.problem(at, *said))
    return problems


def _watchdog_opens(url: str) -> bool:
    try:
        return scheme_of(url) != "visa" and reopen_target(url) is not None
    except DeviceError:
        return False


def wiring(document: Document, bench: Bench, declarations: Mapping[str, Declaration]) -> list[Problem]:
    """Roles against devices and channels, and the rules on E-stop, coolant and independent cut-off."""
    problems: list[Problem] = []
    for role, wanted in DEVICE_ROLES.items():
        if (name := getattr(bench.roles, role)) is not None:
            problems += _device_role(document, role, name, wanted, declarations)
    channels = [f"{device}.{spec.name}" for device, declared in declarations.items() for spec in declared.channels]
    channels += [f"{name}.closed_on" for name, declared in declarations.items() if declared.role == "enable"]
    for role, rule in CHANNEL_ROLES.items():
        problems += _channel_role(document, ("roles", role), role, getattr(bench.roles, role), rule, channels)
    for i, felt in enumerate(bench.heating):
        problems += _channel_role(document, ("heating", i, "channel"), "heating", felt.channel, THERMOMETER, channels)
    for i, pair in enumerate(bench.pairs):
        problems += _channel_role(document, ("pairs", i, "channels"), "pair", pair.channels, THERMOMETER, channels)
    if bench.pads is not None and bench.roles.impedance is None:
        message = "the current of return electrodes follows from power and impedance, and no channel is the impedance"
        problems.append(document.problem(("pads",), message, "name one as roles.impedance, or leave pads out"))
    problems += _described(document, bench, channels)
    problems += _reflected(document, bench, declarations)
    problems += _cooling(document, bench)
    problems += _cutoff(document, bench, declarations)
    return problems


def _described(document: Document, bench: Bench, channels: Sequence[str]) -> list[Problem]:
    """What records: says of channels and devices that are not there would be lost unseen."""
    said: tuple[tuple[str, Loc, Iterable[str], Iterable[str]], ...] = (
        ("channel", ("records", "calibration"), bench.records.calibration, channels),
        ("device", ("records", "metadata", "instruments"), bench.records.metadata.instruments, bench.devices),
    )
    return [
        document.problem(
            (*at, name),
            f"there is no {what} {name}",
            f"did you mean {near}?" if (near := did_you_mean(name, known)) else f"known: {', '.join(sorted(known))}",
        )
        for what, at, names, known in said
        for name in names
        if name not in known
    ]


def _device_role(
    document: Document, role: str, name: str, wanted: str, declarations: Mapping[str, Declaration]
) -> list[Problem]:
    at: Loc = ("roles", role)
    if name not in declarations:
        near = did_you_mean(name, declarations)
        hint = f"did you mean {near}?" if near else f"devices: {', '.join(declarations)}"
        return [document.problem(at, f"there is no device {name}", hint)]
    found = declarations[name].role
    if found != wanted:
        fitting = [device for device, declared in declarations.items() if declared.role == wanted]
        hint = f"did you mean {fitting[0]}?" if fitting else f"no device of this bench is a {wanted}"
        return [document.problem(at, f"{name} ({declarations[name].model}) is a {found}, not a {wanted}", hint)]
    return []


def _channel_role(
    document: Document,
    place: Loc,
    role: str,
    value: str | tuple[str, ...] | None,
    rule: ChannelRole,
    channels: list[str],
) -> list[Problem]:
    problems: list[Problem] = []
    named = (value,) if isinstance(value, str) else value or ()
    for i, channel in enumerate(named):
        at: Loc = (*place, i) if isinstance(value, tuple) else place
        if channel not in channels:
            near = did_you_mean(channel, channels)
            device = channel.split(".")[0]
            own = [c for c in channels if c.startswith(f"{device}.")]
            hint = f"did you mean {near}?" if near else f"channels: {', '.join(own or channels)}"
            problems.append(document.problem(at, f"there is no channel {channel}", hint))
        elif not channel.endswith(rule.suffix):
            ends = rule.suffix if isinstance(rule.suffix, str) else " or ".join(rule.suffix)
            hint = f"a {role} channel ends in {ends}"
            problems.append(document.problem(at, f"{channel} cannot be the {role}", hint))
        elif channel in named[:i]:
            problems.append(document.problem(at, f"{channel} is named twice", "each contact needs its own input"))
    if rule.contacts == 2 and named and len(named) != 2:
        message = f"{len(named)} contact(s) named, a pair is needed"
        problems.append(document.problem(place, message, "name both contacts"))
    return problems


def _reflected(document: Document, bench: Bench, declarations: Mapping[str, Declaration]) -> list[Problem]:
    """Limits of reflected power that nothing measures."""
    source = declarations.get(bench.roles.source)
    if source is None or "reverse_power_w" in {spec.name for spec in source.channels}:
        return []
    hint = "leave it out, or take a generator with a reflectometer"
    return [
        document.problem(("limits", name), f"{source.model} measures no reflected power", hint)
        for name in ("reflected_share", "reflected_least_share", "reflected_w")
        if getattr(bench.limits, name) is not None
    ]


def _cooling(document: Document, bench: Bench) -> list[Problem]:
    if not bench.applicator.cooled:
        return []
    kind = bench.applicator.kind
    problems = [
        document.problem(("roles", role), f"missing, and a {kind} must be cooled", f"name the {what}")
        for role, what in (("pump", "coolant pump"), ("flow", "channel of the flow sensor"))
        if getattr(bench.roles, role) is None
    ]
    if bench.limits.flow_min_ml_min is None:
        hint = "say below which flow energy must stop, in mL/min"
        problems.append(document.problem(("limits", "flow_min_ml_min"), f"missing, and a {kind} must be cooled", hint))
    return problems


def _cutoff(document: Document, bench: Bench, declarations: Mapping[str, Declaration]) -> list[Problem]:
    source = declarations.get(bench.roles.source)
    line = declarations.get(bench.roles.enable) if bench.roles.enable is not None else None
    if source is None or source.native_deadman_s is not None:
        return []
    if line is not None and line.native_deadman_s is not None:
        return []
    if source.power_max_w is not None and source.power_max_w <= INDEPENDENT_CUTOFF_ABOVE_W:
        return []
    if getattr(bench, AWKWARD_KEY):
        return []
    rating = f"{source.power_max_w:g} W" if source.power_max_w is not None else "unknown power"
    at, lacks, remedy = "source", "this bench has no enable line", "wire an enable relay and name it as roles.enable"
    if line is not None:
        at, lacks = "enable", f"{bench.roles.enable} ({line.model}) opens only when it is told to"
        remedy = "use a relay that opens when it is not refreshed and give its time as options.native_timeout_s"
    what = f"{source.model} ({rating}) has no dead-man of its own and {lacks}: if host and watchdog die, it stays on"
    return [
        document.problem(("roles", at), what, f"{remedy}, or write '{AWKWARD_KEY}: true' (every record will say so)")
    ]


def limits(document: Document, bench: Bench) -> list[Problem]:
    """Limits that contradict each other."""
    low, high = bench.limits.impedance_low_ohm, bench.limits.impedance_high_ohm
    if low is not None and high is not None and low >= high:
        message = f"{low:g} ohm is not below impedance_high_ohm, {high:g} ohm"
        return [document.problem(("limits", "impedance_low_ohm"), message)]
    return []
