"""Every registered driver, ours and installed plug-ins', is under the conformance kit; and so are real ports."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.ae_bus.driver import AeBus
from drivers.contract import CoolantPump
from drivers.kmtronic_relay.driver import KmtronicRelay
from drivers.registry import offered
from drivers.testing.conformance import DriverConformance
from drivers.testing.roles import (
    CirculatorConformance,
    EnableConformance,
    PumpConformance,
    SourceConformance,
    SwitchConformance,
)
from drivers.transport.base import Link
from drivers.transport.serial import open_serial
from drivers.watson_marlow_du.driver import WatsonMarlowDu
from safety.types import Setpoint
from sim.bench import SimBench
from sim.servers import PtyServer
from tests.drivers.emulated import alone
from tests.drivers.kits import GROUP, kits, of_another_role, offered_kits, without

for _name, _kit in offered_kits().items():  # of installed plug-ins
    _title = f"Test{_name.title().replace('-', '')}"
    globals()[_title] = type(_title, (_kit,), {"__module__": __name__})


def test_every_registered_driver_has_a_conformance_class() -> None:
    missing = without(offered(), kits())
    remedy = f"write one (docs/drivers.md), and offer a plug-in's in the entry point group {GROUP!r}"
    assert not missing, f"no conformance class for {', '.join(missing)}: {remedy}"


def test_conformance_is_that_of_the_drivers_role() -> None:
    assert of_another_role(kits()) == []


def test_what_is_missing_is_named() -> None:
    class TestBare(DriverConformance):
        driver = KmtronicRelay

    assert without(["kmtronic-relay", "acme-rf200"], {"kmtronic-relay": [TestBare]}) == ["acme-rf200"]
    assert of_another_role({"kmtronic-relay": [TestBare]}) == ["TestBare of kmtronic-relay is no EnableConformance"]
    assert not issubclass(TestBare.driver, CoolantPump)
    del TestBare.driver


def test_the_documentation_names_every_test_of_the_kit(repository: Path) -> None:
    page = (repository / "docs" / "drivers.md").read_text()
    rooms = (SourceConformance, PumpConformance, CirculatorConformance, SwitchConformance, EnableConformance)
    names = {name.removeprefix("test_") for room in rooms for name in dir(room) if name.startswith("test_")}
    assert [name for name in sorted(names) if f"`{name}`" not in page] == []
    tests = [getattr(room, f"test_{name}", None) for room in rooms for name in names]
    assert all(test.__doc__ for test in tests if test is not None)


# ---- the kit over real ports: what a PTY adds is the kernel, so all but what is a matter of bytes


class OverPty(DriverConformance):
    """The emulator behind a pseudo-terminal, opened as any serial port is, in real time."""

    emulator: dict[str, object] = {}
    servers: list[tuple[SimBench, PtyServer]]

    test_wrong_device = test_wrong_framing = test_second_controller = test_wrong_length = test_wrong_notation = None
    test_off_while_connecting = test_echo_on = test_nak_retry_limit = None
    test_keeps_up_with_the_tick = None  # milliseconds of a machine that has other work too

    @pytest.fixture(autouse=True)
    def folder(self, short_dir: Path) -> Iterator[None]:
        self.path, self.servers = short_dir, []
        yield
        for bench, server in self.servers:
            server.close()
            bench.stop()

    def link_factory(self) -> Link:
        bench = alone(self.driver.MODEL, self.options, self.emulator)
        self.servers.append((bench, PtyServer(bench.wires["dut"], self.path / f"dut{len(self.servers)}")))
        return self.link_again()

    def link_again(self) -> Link:
        return open_serial(str(self.servers[-1][1].path), self.driver.BAUD, self.driver.SERIAL)


@pytest.mark.process
class TestSourceOverPty(OverPty, SourceConformance):
    driver, mint, acknowledge = AeBus, Setpoint, b"\x06"

    def refusal(self, request: bytes) -> bytes:
        return bytes((0x06, 0x09, request[1], 4, 0x09 ^ request[1] ^ 4))


@pytest.mark.process
class TestPumpOverPty(OverPty, PumpConformance):
    driver, options, emulator = WatsonMarlowDu, {"ml_per_rev": 0.8}, {"ml_per_rev": 0.8}
