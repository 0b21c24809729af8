"""The fixture ``bench`` in projects of their own: the documented example, own laws and drivers, seeds, wrong names."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import sim.rehearsal
import sim.world.bench  # noqa: F401 - numpy cannot be loaded twice, so it must be there before pytester looks what is

pytest_plugins = ["pytester"]

INSTALLED = any(entry.value == "sim.pytest_plugin" for entry in entry_points(group="pytest11"))
LOAD = () if INSTALLED else ("-p", "sim.pytest_plugin")
LAW = """
from typing import Literal

from controller.laws.constant_power import ConstantPower, ConstantPowerParams


class Params(ConstantPowerParams):
    kind: Literal["half-as-much"]


class HalfAsMuch(ConstantPower):
    PARAMS = Params

    def step(self, observation, permit, dt_s):
        demand = super().step(observation, permit, dt_s)
        return demand._replace(power_w=0.5 * demand.power_w)


OURS = {
    "protocol": "ours", "source": "no publication: a test", "modality": "rf",
    "applicator": {"kind": "cooled-needle", "active_tip_mm": 30},
    "law": {"kind": "half-as-much", "power_w": 40, "duration_s": 4}, "cooling": {"flow_ml_min": 80},
}
"""
DRIVER = """
from pathlib import Path

import pytest

from drivers.tc_cxn.driver import TcCxn
from sim.devices.tc_cxn import TcCxn as Emulated


class Ours(TcCxn):
    MODEL = "our-generator"
    API_VERSION = 1


@pytest.fixture
def file(tmp_path):
    from controller.config.shipped import locate

    text = Path(locate("cooled-rf-sim", "bench")).read_text().replace("driver: tc-cxn", "driver: our-generator")
    path = tmp_path / "ours.yaml"
    path.write_text(text)
    return path
"""


@pytest.fixture
def outcome(pytester: pytest.Pytester):
    """Runs a test file in a project of its own."""
    pytester.makeini("[pytest]\nfilterwarnings = error\naddopts = --strict-markers\n")

    def run(source: str, *options: str) -> pytest.RunResult:
        pytester.makepyfile(source)
        return pytester.runpytest_inprocess(*LOAD, "-p", "no:asyncio", "-p", "no:cacheprovider", *options)

    return run


def example(repository: Path) -> str:
    """The example of the documentation."""
    (found,) = re.findall(r"```python\n(.*?)```", (repository / "docs" / "testing-your-own.md").read_text(), re.DOTALL)
    return found


def test_the_documented_example(outcome, repository: Path):
    source = example(repository)
    lines = [line for line in source.splitlines() if line.strip()]
    assert len(lines) <= 10
    outcome(source).assert_outcomes(passed=2)


def test_a_law_that_is_not_installed(outcome):
    outcome(f"""{LAW}
from controller.laws import registry


def test_it_runs(bench):
    result = bench("cooled-rf-sim", laws=[HalfAsMuch]).run(OURS)
    assert result.result == "completed"
    assert result.channel("gen.power_w").value.max() < 26.0
    assert result["energy_j"] == result.energy_j


def test_it_is_gone():
    assert "half-as-much" not in registry.names()


def test_a_result_says_what_it_has(bench):
    result = bench("cooled-rf-sim", laws=[HalfAsMuch]).run(OURS, seed=3)
    assert (result.seed, [e.data["to"] for e in result.events("state")][-1]) == (3, "SAFE")
    try:
        result.energy
    except AttributeError as error:
        assert "energy_j" in str(error)
""").assert_outcomes(passed=3)


def test_a_driver_that_is_not_installed(outcome):
    outcome(f"""{DRIVER}

@pytest.mark.parametrize("emulator", [Emulated, "tc-cxn"])
def test_it_runs(bench, file, emulator):
    result = bench(file, drivers={{Ours: emulator}}).run("demo-30s", faults=["inputs.estop@4"])
    assert (result.result, result.trip["monitor"]) == ("tripped", "estop")


def test_it_is_gone(bench, file):
    with pytest.raises(Exception, match="no driver 'our-generator'"):
        bench(file).run("demo-30s")
""").assert_outcomes(passed=3)


def test_what_is_wrong_is_said_with_the_nearest_name(outcome):
    result = outcome("""
def test_fault(bench):
    bench("cooled-rf-sim").run("demo-30s", faults=["pump.stal@30"])

def test_device(bench):
    bench("cooled-rf-sim").run("demo-30s", faults=["pmp.stall@30"])

def test_protocol(bench):
    bench("cooled-rf-sim").run("demo-30")
""")
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines_random(["*FaultError*did you mean*stall*", "*FaultError*did you mean*pump*"])
    result.stdout.fnmatch_lines(["*ConfigError*demo-30*demo-30s*"])


def test_nothing_is_imported_until_the_fixture_is_used():
    code = "import sys, sim.pytest_plugin; print(*sorted(m for m in sys.modules if m.split('.')[0] in {names}))"
    names: Sequence[str] = ("controller", "drivers", "safety", "sim", "numpy", "numba", "pydantic")
    command = [sys.executable, "-c", code.replace("{names}", repr(tuple(names)))]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert told.split() == ["sim", "sim.pytest_plugin"]
