"""The six drivers under the conformance kit, over answers printed in the manuals."""

from __future__ import annotations

from drivers.ismatec_reglo_icc.driver import IsmatecRegloIcc
from drivers.keysight_34970a.driver import Keysight34970a
from drivers.kmtronic_relay.driver import KmtronicRelay
from drivers.numato_gpio.driver import NumatoGpio
from drivers.sensirion_slf3x.driver import SensirionSlf3x
from drivers.tc_cxn.driver import TcCxn
from drivers.testing.conformance import DriverConformance
from drivers.testing.links import TableLink
from drivers.testing.roles import EnableConformance, PumpConformance, SourceConformance
from drivers.transport.base import Link
from safety.types import Setpoint
from tests.drivers import tables
from tests.support.virtual_loop import VirtualLoop


class TestTcCxn(SourceConformance):
    driver = TcCxn
    options = {"power_limit_w": 200}
    checked = True
    mint = Setpoint
    loop_factory = VirtualLoop

    def link_factory(self) -> Link:
        return tables.CxnLink()

    def refusal(self, request: bytes) -> bytes:
        return b"?"


class TestIsmatec(PumpConformance):
    driver = IsmatecRegloIcc
    loop_factory = VirtualLoop

    def link_factory(self) -> Link:
        return tables.IsmatecLink()

    def refusal(self, request: bytes) -> bytes:
        return b"#"


class TestKeysight(DriverConformance):
    driver = Keysight34970a
    options = {"channels": {101: "tip_c", 102: "tissue_10mm_c"}}
    loop_factory = VirtualLoop

    def link_factory(self) -> Link:
        return TableLink(tables.KEYSIGHT_AT_REST)


class TestSensirion(DriverConformance):
    driver = SensirionSlf3x
    options = {"model": "slf3s-1300f"}
    checked = True
    loop_factory = VirtualLoop

    def link_factory(self) -> Link:
        return TableLink(tables.SENSIRION_AT_REST)


class TestNumato(DriverConformance):
    driver = NumatoGpio
    options = {"pins": {"estop_a_closed": 0, "estop_b_closed": 1, "foot_no_closed": 2, "foot_nc_closed": 3}}
    loop_factory = VirtualLoop

    def link_factory(self) -> Link:
        return TableLink(tables.NUMATO_AT_REST)


class TestKmtronic(EnableConformance):
    driver = KmtronicRelay
    options = {"relay": 1, "native_timeout_s": 2.0}
    bare_bytes = True
    loop_factory = VirtualLoop

    def link_factory(self) -> Link:
        return TableLink(tables.KMTRONIC_AT_REST)
