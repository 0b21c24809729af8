"""The questions of ``ablate init``, in their order. Each depends on the answers before it only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from controller.wizard.offers import Fitting, Offer, driver_of, fittings, instrument, instruments

Answers = Mapping[str, Any]

DEVICES = {
    "generator": "gen",
    "pump": "pump",
    "flow": "flow",
    "thermometer": "tc",
    "contacts": "inputs",
    "enable": "enable",
}
"""What a device is called in the file, by the part that it plays."""

WHERE = (Offer("simulated", "emulated devices, no hardware"), Offer("real", "instruments on this machine's ports"))
NONE = "none"
PARTS = {
    "generator": (
        "Which generator gives the energy?",
        "its driver knows its bytes, its limits and how it is turned off",
    ),
    "pump": ("Which pump moves the coolant?", "this applicator must never get energy without flow"),
    "flow": ("Which sensor measures the flow?", "a pump that says it turns is no proof of flow; this is"),
    "thermometer": ("Which thermometer?", "tip, tissue and coolant have limits that end energy"),
    "contacts": ("Which module reads E-stop, footswitch and door?", "without two E-stop contacts no bench is accepted"),
    "enable": (
        "Which relay is the enable line?",
        "it opens when nobody refreshes it: energy ends even when this computer has died",
    ),
}
PINS = {"estop_a_closed": 0, "estop_b_closed": 1, "foot_no_closed": 2, "foot_nc_closed": 3, "door_closed": 4}
LIMITS = {
    "energy_j": "energy of one application after which power ends, whatever the protocol says, J",
    "on_time_s": "longest time with power of one application, s",
    "tip_c": "hottest that the applicator's own sensor may read, degrees C",
    "tissue_c": "hottest that any sensor in tissue may read, degrees C",
    "coolant_c": "warmest that coolant may go in, degrees C",
    "impedance_low_ohm": "below it the electrodes touch or lie in blood, ohm",
    "impedance_high_ohm": "above it tissue is dry, or a lead is off, ohm",
    "flow_min_ml_min": "flow below which energy stops at once, mL/min",
}


@dataclass(frozen=True)
class Question:
    """One question. ``kind``: what an answer is. ``must``: Enter is no answer; ``default`` then only stands in."""

    key: str
    text: str
    why: str
    default: Any
    offers: tuple[Offer, ...] = ()
    kind: Literal["word", "number", "map"] = "word"
    must: bool = False


def script(answers: Answers, ports: Sequence[Offer], name: str = "my-bench") -> Iterator[Question]:
    """Every question, one after the other; ``answers`` holds the answer to one before the next is asked for.

    Args:
        ports: that were found on this machine.
        name: offered for the bench.
    """
    yield Question("bench", "What is the bench called?", "records, sockets and commands name it so", name)
    why = "a simulated bench runs at once; later its sim:// ports are replaced by real ones, all of them together"
    yield Question("where", "Simulated or real instruments?", why, WHERE[0].value, WHERE)
    yield from _device(answers, ports, "generator")
    yield from _applicator(answers)
    parts = ["pump", "flow"] if chosen(answers).cooled else []
    for part in (*parts, "thermometer", "contacts", "enable"):
        yield from _device(answers, ports, part)
    yield from _limits(answers)
    why = "every second of an application is recorded; no healthy record, no energy. On a local disk"
    yield Question("records.folder", "In which folder are sessions recorded?", why, "sessions")


def chosen(answers: Answers) -> Fitting:
    """The applicator that was answered; the usual one where there is none of that name."""
    there = fittings(instrument("generator", answers["generator"]).modality)
    return next((fitting for fitting in there if fitting.name == answers.get("applicator")), there[0])


def _device(answers: Answers, ports: Sequence[Offer], part: str) -> Iterator[Question]:
    text, why = PARTS[part]
    offers = tuple(Offer(row.driver, row.say) for row in instruments(part))
    default = offers[0].value
    if part == "thermometer" and instrument("generator", answers["generator"]).modality == "microwave":
        default = "omega-fob"  # metal wires heat in the field
    if part == "enable":
        offers = (*offers, Offer(NONE, "only where the generator turns off by itself"))
    yield Question(part, text, why, default, offers)
    driver = answers[part]
    if driver == NONE and part == "enable":
        return
    yield _port(answers, ports, part, "port", DEVICES[part])
    kind = driver_of(driver)
    for option in kind.MORE_PORTS if kind is not None else ():
        yield _port(answers, ports, part, option, f"{DEVICES[part]}-{option.removesuffix('_port')}")
    for option, (usual, matters) in instrument(part, driver).ask.items():
        number = isinstance(usual, int | float)
        yield Question(
            f"{part}.{option}",
            f"{driver}: {option}?",
            matters,
            usual,
            kind="number" if number else "word",
            must=usual == "",
        )
    if part == "thermometer":
        names = chosen(answers).sensors[: instrument(part, driver).options.get("inputs", 99)]
        usual = dict(enumerate(names, instrument(part, driver).first))
        why = "input: name. Names begin with tip_ tissue_ tine_ shaft_ coolant_ critical_ or cable_, and end in _c"
        yield Question("thermometer.channels", "Which sensor is on which input?", why, usual, kind="map")
    if part == "contacts":
        why = "name: pin. Names begin with estop_ (two), foot_ (two), door_, leak_ or pad_, and end in _closed"
        yield Question("contacts.pins", "Which contact is on which pin?", why, PINS, kind="map")


def _port(answers: Answers, ports: Sequence[Offer], part: str, option: str, device: str) -> Question:
    taken = {value for key, value in answers.items() if key.endswith("port")}
    free = tuple(offer for offer in ports if offer.value not in taken)
    real = answers["where"] == "real"
    why = "one owner per port; take a name under /dev/serial/by-id, which stays when cables are moved"
    stand_in = f"/dev/serial/by-id/{device}" if real else f"sim://{device}"
    text = f"On which port is {answers[part]}" + (f", its {option.removesuffix('_port')}?" if option != "port" else "?")
    return Question(f"{part}.{option}", text, why, stand_in, free if real else (), must=real)


def _applicator(answers: Answers) -> Iterator[Question]:
    there = fittings(instrument("generator", answers["generator"]).modality)
    offers = tuple(Offer(fitting.name, fitting.say) for fitting in there)
    why = "a protocol is written for one; further and other ones are written into the file later"
    yield Question("applicator", "Which applicator is mounted?", why, offers[0].value, offers)
    rated_w = min(float(chosen(answers).applicator["power_max_w"]), generator_w(answers))
    why = "nothing may ask for more than its maker allows, W"
    yield Question("applicator.power_max_w", "How much power may it get?", why, whole(rated_w), kind="number")


def generator_w(answers: Answers) -> float:
    """What the generator is allowed to give, W."""
    return float(instrument("generator", answers["generator"]).options.get("power_limit_w", 10.0))


def _limits(answers: Answers) -> Iterator[Question]:
    usual = answers["applicator.power_max_w"]
    why = "this site's own limit: protocols may ask for less, never for more, W"
    yield Question("limits.power_w", "How much power may this bench give?", why, usual, kind="number")
    names = (
        [*dict(answers["thermometer.channels"]).values()] if isinstance(answers["thermometer.channels"], dict) else []
    )
    for limit, value in chosen(answers).limits.items():
        parts = {"tip_c": ("tip",), "tissue_c": ("tissue", "tine")}.get(limit)
        if parts is None or any(str(name).startswith(parts) for name in names):
            yield Question(f"limits.{limit}", f"limits: {limit}?", LIMITS[limit], value, kind="number")


def whole(number: float) -> float:
    """Without a point where there is nothing behind it."""
    return int(number) if number == int(number) else number
