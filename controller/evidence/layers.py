"""The layers that take the energy away, with the worst figures of the last run: the same table in README and in the
safety case.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from controller.evidence.store import Evidence, Found

BEGIN, END = "<!-- layers: written by `ablate safety-case --readme`; do not edit -->", "<!-- end of layers -->"
HEAD = ("layer", "lives in", "catches", "bound by design", "worst of the last measured run")


class Layer(NamedTuple):
    """One layer. ``trials``: kinds of process trials that show it, each with a word for it."""

    name: str
    lives_in: str
    catches: str
    bound: str
    trials: Mapping[str, str] = {}


LAYERS: Mapping[str, Layer] = {
    "limits": Layer("law and protocol limits", "daemon, pure", "a wrong demand", "same tick"),
    "kernel": Layer(
        "kernel and gate",
        "daemon, pure",
        "tissue, sensor, coolant, load, operator",
        "1-3 ticks; off <= 300 ms, proven <= 500 ms; what only time or energy can show: docs/campaign.md",
    ),
    "lease": Layer(
        "permit lease", "gate, driver", "missed ticks, a lost await", "150 ms", {"lose_wakeup": "lost await"}
    ),
    "watchdog": Layer(
        "watchdog",
        "its own process, the daemon's parent, standard library only",
        "hang, held interpreter lock, SIGSTOP, SIGKILL, out of memory",
        "<= 250 ms; process death <= 20 ms",
        {
            "block_loop": "loop blocked",
            "hold_gil": "lock held",
            "daemon stopped": "SIGSTOP",
            "daemon stopped, no processor": "SIGSTOP, all processors taken",
            "daemon killed": "SIGKILL",
        },
    ),
    "daemon": Layer(
        "(the daemon, when its watchdog dies)",
        "daemon",
        "watchdog killed or stopped",
        "<= 300 ms",
        {"watchdog killed": "watchdog killed", "watchdog stopped": "watchdog stopped"},
    ),
    "enable": Layer(
        "enable line",
        "relay that opens when it is not refreshed",
        "daemon and watchdog both gone",
        "its own time-out, <= 2.1 s",
        {"every reply lost": "off cannot be sent", "generator's cable pulled": "generator's cable pulled"},
    ),
    "deadman": Layer(
        "the device's own dead-man",
        "generator firmware",
        "host power loss, cable pulled",
        "declared per driver; T&C 2 s",
        {"daemon and watchdog stopped": "both processes stopped"},
    ),
    "estop": Layer("hard-wired E-stop", "the bench", "everything above", "wiring"),
}
UNMEASURED = {"limits": "-", "enable": "with the next row", "estop": "-"}
"""What stands where no run of software can measure, or does not measure apart."""
MUCH = 1.1


def rows(found: Found) -> Iterator[tuple[str, ...]]:
    """The table's rows, without its head."""
    for key, layer in LAYERS.items():
        yield layer.name, layer.lives_in, layer.catches, layer.bound, measured(key, found)


def measured(key: str, found: Found) -> str:
    """The figures of one layer; ``not run`` where there is no evidence of it."""
    if key == "kernel":
        told = "; ".join(_classes(found.evidence.get("campaign")))
    else:
        told = "; ".join(_trials(key, found.evidence.get("processes")))
    return told or UNMEASURED.get(key, "not run")


def _trials(key: str, evidence: Evidence | None) -> Iterator[str]:
    names = LAYERS[key].trials
    for row in evidence.rows if evidence is not None else ():
        fault, max_ms = str(row.get("fault")), row.get("max_ms")
        if (row.get("layer") == key or ("layer" not in row and fault in names)) and max_ms is not None:
            yield f"{names.get(fault, fault)} {max_ms:.0f} ms (n = {row.get('trials', '?')})"


def _classes(evidence: Evidence | None) -> Iterator[str]:
    """From when a fault can be seen to 0 W, class by class; behind a latent fault where that took much longer."""
    worst: dict[tuple[str, bool], tuple[float, int]] = {}
    for row in evidence.rows if evidence is not None else ():
        if row.get("class") and row.get("off_worst_s") is not None:
            key = row["class"], bool(row.get("latent"))
            seconds, runs = worst.get(key, (0.0, 0))
            worst[key] = max(seconds, float(row["off_worst_s"])), runs + int(row.get("runs", 0))
    for (name, latent), (seconds, runs) in sorted(worst.items(), key=lambda item: item[1]):
        if not latent:
            yield f"{name} {_ms(seconds, runs)}{_behind(seconds, worst.get((name, True)))}"


def _behind(alone_s: float, behind: tuple[float, int] | None) -> str:
    return f", behind a latent fault {_ms(*behind)}" if behind is not None and behind[0] > MUCH * alone_s else ""


def _ms(seconds: float, runs: int) -> str:
    return f"{1000 * seconds:.0f} ms (n = {runs})"


def markdown(found: Found) -> str:
    """The table, and where its figures come from."""
    lines = [f"| {' | '.join(HEAD)} |", f"|{'---|' * len(HEAD)}"]
    lines += [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows(found)]
    return "\n".join([*lines, "", *_sources(found)])


def _sources(found: Found) -> Iterator[str]:
    for name in ("campaign", "processes"):
        evidence = found.evidence.get(name)
        if evidence is None:
            yield f"{name.capitalize()}: not run."
        else:
            yield f"{name.capitalize()}: `{evidence.command}`, {evidence.when[:10]}, revision {evidence.commit}."


def put(text: str, found: Found) -> str:
    """``text`` with the table between the markers.

    Raises:
        ValueError: the markers are not there, once each and in order.
    """
    before, mark, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not mark or not end or BEGIN in after or END in after:
        raise ValueError(f"it needs the lines {BEGIN!r} and {END!r}, once each; the table goes between them")
    return f"{before}{BEGIN}\n\n{markdown(found)}\n\n{END}{after}"
