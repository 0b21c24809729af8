"""A device for tickit, as its documentation has one written: a number that a TCP client asks for."""

from __future__ import annotations

from typing import TypedDict

import pydantic.v1.dataclasses
from tickit.adapters.io import TcpIo
from tickit.adapters.specifications import RegexCommand
from tickit.adapters.tcp import CommandAdapter
from tickit.core.adapter import AdapterContainer
from tickit.core.components.component import Component, ComponentConfig
from tickit.core.components.device_component import DeviceComponent
from tickit.core.device import Device, DeviceUpdate
from tickit.core.typedefs import SimTime
from tickit.utils.byte_format import ByteFormat


class Nothing(TypedDict):
    """It has neither inputs nor outputs."""


class Number(Device):  # type: ignore[misc]
    """Holds it."""

    value = 10.0

    def update(self, time: SimTime, inputs: Nothing) -> DeviceUpdate[Nothing]:
        """Nothing ever changes."""
        return DeviceUpdate(Nothing(), None)


class Lines(CommandAdapter):  # type: ignore[misc]
    """``P``: the number."""

    _byte_format = ByteFormat(b"%b\r\n")

    def __init__(self, device: Number) -> None:
        super().__init__()
        self.device = device

    @RegexCommand(r"P\r?\n?", False, "utf-8")  # type: ignore[misc]
    async def get(self) -> bytes:
        """Its answer."""
        return str(self.device.value).encode()


@pydantic.v1.dataclasses.dataclass
class One(ComponentConfig):  # type: ignore[misc]
    """What the YAML file names."""

    port: int = 25565

    def __call__(self) -> Component:
        device = Number()
        return DeviceComponent(
            name=self.name, device=device, adapters=[AdapterContainer(Lines(device), TcpIo("127.0.0.1", self.port))]
        )
