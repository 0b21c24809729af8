"""The contacts of the simulated bench: as people left them, faults laid over, and what hangs on them.

The enable relay's contact and both E-stop contacts are in series in the generator's interlock input; contacts reach the
input module's pins.
"""

# mypy: disable-error-code="type-abstract"

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from sim.assembly import Assembly
from sim.devices.base import InputModule
from sim.devices.relay_switch import RelaySwitch
from sim.devices.relays import RelayBoard

FAULTS: Mapping[str, Mapping[str, bool]] = {  # what a contact fault does to the contacts
    "estop": {"estop_a": False, "estop_b": False},
    "estop_a": {"estop_a": False},
    "estop_b": {"estop_b": False},
    "door": {"door": False},
    "leak": {"leak": False},
    "pad": {"pad": False},
    "foot_stuck": {"foot_no": True, "foot_nc": False},
}
HEALTHY = ("leak", "pad")
"""Contacts of detectors that a bench may have: closed as long as all is well."""


class Contacts:
    """The world's ``inputs`` and the interlock of ``parts``. ``faulty`` tells which of ``FAULTS`` are active."""

    def __init__(self, parts: Assembly, faulty: Callable[[], Iterable[str]]) -> None:
        self._inputs = parts.world.inputs
        self._people = dict(self._inputs)
        self._faulty = faulty
        self._generator = parts.generator
        self._relays = [board for board in parts.all(RelayBoard) if not isinstance(board, RelaySwitch)]
        self._modules = parts.all(InputModule)
        for board in self._relays:
            board.on_contact = self.moved
        for module in self._modules:
            for contact in module.contacts.values():
                self._inputs.setdefault(contact, contact in HEALTHY)
                self._people.setdefault(contact, contact in HEALTHY)
        self.moved(0.0)

    def act(self, closed: Mapping[str, bool], t_s: float) -> None:
        """People act: ``{"estop_a": False}`` opens contact A. Raises ValueError for an unknown contact."""
        for name in closed:
            if name not in self._people:
                raise ValueError(f"no contact {name!r}; there are {', '.join(sorted(self._people))}")
        self._people.update({name: bool(state) for name, state in closed.items()})
        self.moved(t_s)

    def moved(self, t_s: float) -> None:
        """Something moved: bring pins and interlock up to date."""
        inputs = self._inputs
        inputs.update(self._people)
        for name in self._faulty():
            inputs.update(FAULTS[name])
        if "enable_aux" in inputs:  # a mirror contact: open while the line is closed, whatever the board believes
            inputs["enable_aux"] = not any(board.line_closed for board in self._relays)
        if self._generator is not None:
            relays = all(board.line_closed for board in self._relays)
            closed = relays and inputs.get("estop_a", True) and inputs.get("estop_b", True)
            self._generator.set_interlock(closed, t_s)
        for module in self._modules:
            module.inputs_changed(t_s)
