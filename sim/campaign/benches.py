"""The benches of the campaign. A run's modality is the name of one of them."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import NamedTuple

from controller.config import setup as setups
from controller.config.setup import Setup

FOLDER = Path(__file__).with_name("benches")


class Bench(NamedTuple):
    """A bench file and its protocol, paths or shipped names. ``latent``: what may be there unseen on it."""

    file: str
    protocol: str
    pauses: bool  # its law pauses by itself: there is a roll-off
    latent: tuple[str, ...] = ()


def _own(file: str, protocol: str, latent: tuple[str, ...] = ()) -> Bench:
    return Bench(str(FOLDER / f"{file}.yaml"), str(FOLDER / f"{protocol}.yaml"), False, latent)


BENCHES = {
    "rf": Bench(
        "cooled-rf-sim", str(FOLDER / "rf-pulsed.yaml"), True, ("enable.weld", "gen.deadman_off", "gen.ignore_off")
    ),
    "mw": _own("microwave", "microwave-burst", ("enable.weld", "gen.ignore_off")),
    "sensors": _own("rf-sensors", "rf-burst"),
    "sairem": _own("sairem", "sairem-burst"),
}
"""``sensors``: RF with every optional sensor; ``sairem``: microwaves without an enable line."""
EVERYWHERE = ("rf", "mw", "sairem")
"""Where a fault is injected whose row does not say."""


@functools.cache
def setup_of(modality: str) -> Setup:
    """The bench and protocol of a modality. Raises KeyError."""
    bench = BENCHES[modality]
    return setups.load(bench.file, bench.protocol)


@functools.cache
def devices_of(modality: str) -> frozenset[str]:
    """What faults of this bench can name before the first dot."""
    return frozenset(setup_of(modality).bench.bench.devices) | {"load"}
