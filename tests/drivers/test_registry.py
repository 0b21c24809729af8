"""Drivers by name: known, unknown, broken, doubled, of another time."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from drivers.contract import API_VERSION, Driver
from drivers.registry import GROUP, PluginError, checked, load_driver, offered, pick, unique
from drivers.tc_cxn.driver import TcCxn

SIX = ["ismatec-reglo-icc", "keysight-34970a", "kmtronic-relay", "numato-gpio", "sensirion-slf3x", "tc-cxn"]


class OfAnotherTime(TcCxn):
    MODEL = "old"
    API_VERSION = 0


class Misnamed(TcCxn):
    MODEL = "something-else"


def entry(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, value, GROUP)


def test_the_six_are_there_and_load() -> None:
    assert set(SIX) <= set(offered())
    for name in SIX:
        driver = load_driver(name)
        assert issubclass(driver, Driver)
        assert name == driver.MODEL
        assert vars(driver)["API_VERSION"] == API_VERSION == 1


def test_reading_the_offer_imports_nothing() -> None:
    code = "import sys; from drivers.registry import offered; offered(); sys.exit('drivers.tc_cxn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_unknown_driver_has_a_suggestion() -> None:
    with pytest.raises(PluginError, match="no driver 'tc-cnx'; did you mean 'tc-cxn'"):
        load_driver("tc-cnx")
    with pytest.raises(PluginError, match="there are: a, b"):
        pick("zzz", {"b": entry("b", "x:Y"), "a": entry("a", "x:Y")}, "driver")


def test_two_offers_of_one_name_are_fatal() -> None:
    with pytest.raises(PluginError, match=r"'x' is offered twice, by a:B .* and c:D"):
        unique([entry("x", "a:B"), entry("x", "c:D")], GROUP)
    assert list(unique([entry("x", "a:B"), entry("x", "a:B")], GROUP)) == ["x"]


@pytest.mark.parametrize(
    "name, value, problem",
    [
        ("gone", "no_such_module:Driver", "does not load: ModuleNotFoundError"),
        ("gone", "drivers.tc_cxn.driver:NoSuch", "does not load: AttributeError"),
        ("thing", "drivers.tc_cxn.model:TcCxnOptions", r"not a subclass of drivers\.contract\.Driver"),
        ("old", f"{__name__}:OfAnotherTime", "written for API version 0, this is 1"),
        ("misnamed", f"{__name__}:Misnamed", "calls itself 'something-else'"),
        ("base", "drivers.contract:Driver", "API version None"),
    ],
)
def test_what_does_not_load_is_fatal(name: str, value: str, problem: str) -> None:
    with pytest.raises(PluginError, match=problem):
        checked(entry(name, value))
