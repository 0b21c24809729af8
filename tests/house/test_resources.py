"""``ablate devices probe --visa``: asks who is there, nothing else, and survives whoever does not answer."""

from __future__ import annotations

import warnings

from controller import cli
from controller.checkup.resources import Resource, visa_resources


class Session:
    def __init__(self, answer: str | None) -> None:
        self.answer, self.asked, self.closed = answer, [], False

    def query(self, text: str) -> str:
        self.asked.append(text)
        if self.answer is None:
            raise TimeoutError
        return self.answer

    def close(self) -> None:
        self.closed = True


class Manager:
    def __init__(self, resources: dict[str, Session]) -> None:
        self.resources, self.opened = resources, []

    def list_resources(self, pattern: str) -> tuple[str, ...]:
        warnings.warn("TCPIP:instr resource discovery is limited", stacklevel=2)
        return tuple(self.resources)

    def open_resource(self, name: str, **_: int) -> Session:
        self.opened.append(name)
        return self.resources[name]


def test_each_is_asked_who_it_is_and_serial_ones_are_not_touched() -> None:
    scope, dumb, serial = Session("KEYSIGHT TECHNOLOGIES,DSOX1102G,CN1,1.2\n"), Session(None), Session("?")
    manager = Manager(
        {
            "TCPIP::10.0.0.9::INSTR": dumb,
            "ASRL/dev/ttyUSB0::INSTR": serial,
            "PRLGX-ASRL::/dev/ttyS0::INTFC": serial,
            "TCPIP::10.0.0.7::hislip0::INSTR": scope,
        }
    )
    assert visa_resources(manager) == [
        Resource("visa://TCPIP::10.0.0.7::hislip0::INSTR", "KEYSIGHT TECHNOLOGIES,DSOX1102G,CN1,1.2"),
        Resource("visa://TCPIP::10.0.0.9::INSTR", ""),
    ]
    assert scope.asked == dumb.asked == ["*IDN?"]
    assert scope.closed
    assert dumb.closed
    assert not serial.asked
    assert len(manager.opened) == 2


def test_searching_takes_no_port() -> None:
    assert cli.run(["devices", "probe", "/dev/ttyUSB0", "--visa"]) == 2
