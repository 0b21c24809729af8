"""A bench file: everything that is wrong with it is said with file, line, path and remedy."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.config.loading import load_bench
from controller.config.problems import ConfigError
from controller.providers import GROUP, Providers
from drivers.registry import lent, load_driver
from tests.config.support import BENCH, bench, refusal, spoiled

pytestmark = pytest.mark.usefixtures("here")


def test_a_good_bench_is_loaded():
    loaded = bench()
    assert loaded.path == Path("bench.yaml")
    assert loaded.bench.roles.tissue == ("tc.tissue_10mm_c",)
    assert loaded.source.native_deadman_s == 2.0
    assert loaded.declarations["enable"].role == "enable"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        # unknown keys and wrong units
        (
            "  power_w: 150",
            "  power_cap_W: 150",
            "bench.yaml:26: limits.power_cap_W: unknown key; did you mean power_w? (in W)",
        ),
        (
            "  power_w: 150",
            "  power_kw: 0.15",
            "bench.yaml:26: limits.power_kw: unknown key; did you mean power_w? (in W)",
        ),
        (
            "flow_min_ml_min: 40",
            "flow_ml: 40",
            "bench.yaml:32: limits.flow_ml: unknown key; did you mean flow_min_ml_min? (in mL/min)",
        ),
        (
            "power_limit_w",
            "power_limit",
            "bench.yaml:3: devices.gen.options.power_limit: unknown key; did you mean power_limit_w? (in W)",
        ),
        # numbers
        ("  power_w: 150", "  power_w: .nan", "bench.yaml:26: limits.power_w: must be a finite number, not .nan"),
        (
            "  power_w: 150",
            '  power_w: "150 W"',
            (
                'bench.yaml:26: limits.power_w: must be a valid number, not "150 W"; '
                "write the number alone: power_w is in W"
            ),
        ),
        ("  power_w: 150", "  power_w: true", "bench.yaml:26: limits.power_w: must be a valid number, not true"),
        (
            "  power_w: 150",
            "  power_w: -1",
            "bench.yaml:26: limits.power_w: must be greater than or equal to 0, not -1",
        ),
        ("gauge: 17", "gauge: 17.0", "bench.yaml:21: applicator.gauge: must be a valid integer, not 17.0"),
        ("tick_hz: 20", "tick_hz: 1000", "bench.yaml:33: tick_hz: must be less than or equal to 200, not 1000"),
        ("tick_hz: 20", "tick_hz: 9.9", "bench.yaml:33: tick_hz: must be greater than or equal to 10, not 9.9"),
        # duplicates
        (
            "  power_w: 150",
            "  power_w: 150\n  power_w: 160",
            "bench.yaml:27: limits.power_w: written twice, first at line 26; keep one",
        ),
        # limits above a layer above them
        (
            "  power_w: 150",
            "  power_w: 250",
            "bench.yaml:26: limits.power_w: 250 W is above the generator's 200 W (bench.yaml:3); write at most 200",
        ),
        (
            "power_max_w: 200",
            "power_max_w: 240",
            (
                "bench.yaml:23: applicator.power_max_w: 240 W is above the generator's 200 W (bench.yaml:3); "
                "write at most 200"
            ),
        ),
        (
            "power_limit_w: 200",
            "power_limit_w: 2000",
            (
                "bench.yaml:3: devices.gen.options.power_limit_w: 2000 W is above the compiled ceiling's 250 W; "
                "write at most 250"
            ),
        ),
        (
            "impedance_low_ohm: 25",
            "impedance_low_ohm: 2",
            "bench.yaml:30: limits.impedance_low_ohm: 2 ohm is below the compiled ceiling's 5 ohm; write at least 5",
        ),
        (
            "tick_hz: 20",
            "sample_age_s: 0.5",
            "bench.yaml:26: limits.power_w: 150 W is above the sample age's 123 W (bench.yaml:33); write at most 123",
        ),
        (
            "impedance_low_ohm: 25",
            "impedance_low_ohm: 600",
            "bench.yaml:30: limits.impedance_low_ohm: 600 ohm is not below impedance_high_ohm, 500 ohm",
        ),
        # devices
        (
            "driver: tc-cxn",
            "driver: tc-cnx",
            "bench.yaml:3: devices.gen.driver: no driver 'tc-cnx'; did you mean 'tc-cxn'?",
        ),
        (
            "load_branch: above",
            "load_branch: over",
            "bench.yaml:3: devices.gen.options.load_branch: must be 'above' or 'below', not \"over\"",
        ),
        (
            'port: "sim://tc"',
            'port: "simm://tc"',
            "bench.yaml:5: devices.tc.port: nothing here opens simm:// ports; did you mean sim://?",
        ),
        (
            'port: "sim://tc"',
            'port: "sim://gen"',
            "bench.yaml:5: devices.tc.port: sim://gen already belongs to gen; one owner per port",
        ),
        # roles
        (
            "  estop: [inputs.estop_a_closed, inputs.estop_b_closed]\n",
            "",
            (
                "bench.yaml:9: roles.estop: no E-stop is wired; wire both its contacts to two inputs and name them, "
                "e.g. estop: [inputs.estop_a_closed, inputs.estop_b_closed]"
            ),
        ),
        (
            "estop: [inputs.estop_a_closed, inputs.estop_b_closed]",
            "estop: [inputs.estop_a_closed]",
            "bench.yaml:16: roles.estop: 1 contact(s) named, a pair is needed; name both contacts",
        ),
        (
            "estop: [inputs.estop_a_closed, inputs.estop_b_closed]",
            "estop: [inputs.estop_a_closed, inputs.estop_a_closed]",
            "bench.yaml:16: roles.estop[1]: inputs.estop_a_closed is named twice; each contact needs its own input",
        ),
        (
            "tip: tc.tip_c",
            "tip: tc.tipp_c",
            "bench.yaml:13: roles.tip: there is no channel tc.tipp_c; did you mean tc.tip_c?",
        ),
        (
            "tip: tc.tip_c",
            "tip: flow.flow_ml_min",
            "bench.yaml:13: roles.tip: flow.flow_ml_min cannot be the tip; a tip channel ends in _c",
        ),
        ("source: gen", "source: genn", "bench.yaml:10: roles.source: there is no device genn; did you mean gen?"),
        (
            "source: gen",
            "source: pump",
            "bench.yaml:10: roles.source: pump (ismatec-reglo-icc) is a coolant_pump, not a source; did you mean gen?",
        ),
        (
            "  pump: pump\n",
            "",
            "bench.yaml:9: roles.pump: missing, and a cooled-needle must be cooled; name the coolant pump",
        ),
        (
            "  flow_min_ml_min: 40\n",
            "",
            (
                "bench.yaml:25: limits.flow_min_ml_min: missing, and a cooled-needle must be cooled; "
                "say below which flow energy must stop, in mL/min"
            ),
        ),
        # names
        (
            "bench: test-bench",
            "bench: ../x",
            (
                "bench.yaml:1: bench: must match pattern '^[a-z][a-z0-9_-]{0,39}$', not \"../x\"; "
                "lower-case letters, digits, - and _"
            ),
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_line_and_remedy(old: str, new: str, says: str):
    assert refusal(spoiled(BENCH, old, new)) == says


def test_several_problems_are_told_at_once():
    text = spoiled(spoiled(BENCH, "applicator:", "aplicator:"), "tick_hz: 20", "tick: 20")
    assert refusal(text).splitlines() == [
        "bench.yaml:1: applicator: missing",
        "bench.yaml:18: aplicator: unknown key; did you mean applicator?",
        "bench.yaml:33: tick: unknown key; did you mean tick_hz? (in Hz)",
    ]


def test_a_password_cannot_stand_in_the_file():
    text = spoiled(BENCH, "tick_hz: 20", "mqtt: {host: a, site: b, password: secret}")
    assert refusal(text) == "bench.yaml:33: mqtt.password: unknown key; did you mean password_file?"


class Elsewhere:
    """A transport plug-in of others; whose ports they are is told by ``simulated`` alone."""

    simulated = False

    def neighbour(self, bench_path: str, runtime_dir: str) -> None:
        return None


class ElsewhereEmulated(Elsewhere):
    simulated = True


class TestOneWorld:
    """H81: a real generator behind simulated contacts, or the other way round."""

    def test_a_real_generator_on_a_simulated_bench(self):
        assert refusal(spoiled(BENCH, "sim://gen", "/dev/serial/by-id/cxn")) == (
            "bench.yaml:3: devices.gen.port: real and simulated ports in one bench (real: gen (/dev/serial/by-id/cxn); "
            "simulated: pump (sim://pump), tc (sim://tc), flow (sim://flow), inputs (sim://in), enable (sim://enable))"
            ": what is simulated cannot stop or feel what is real; give every device the port that it is wired to, or "
            "put all of them into a simulated bench of their own"
        )

    @pytest.mark.parametrize("real", ["/dev/ttyS9", "tcp://10.0.0.7:4001", "rfc2217://h:1", "visa://ASRL1::INSTR"])
    @pytest.mark.parametrize("port", ["gen", "pump", "tc", "flow", "in", "enable"])
    def test_whichever_port_it_is(self, port: str, real: str):
        assert f"real: {port.replace('in', 'inputs')} ({real}); simulated: " in refusal(
            spoiled(BENCH, f"sim://{port}", real)
        )

    @given(st.sets(st.sampled_from(["gen", "pump", "tc", "flow", "in", "enable"]), min_size=1, max_size=5))
    def test_no_mixture_is_accepted(self, real: set[str]):
        text = BENCH
        for port in real:
            text = spoiled(text, f"sim://{port}", f"/dev/serial/by-id/{port}")
        assert "real and simulated ports in one bench (" in refusal(text)

    @pytest.mark.parametrize("port", ["gen", "pump", "tc", "flow", "in", "enable"])
    def test_a_simulated_device_on_a_real_bench(self, port: str):
        wired = BENCH.replace("sim://", "/dev/serial/by-id/")
        said = refusal(spoiled(wired, f"/dev/serial/by-id/{port}", f"sim://{port}"))
        assert f"devices.{port.replace('in', 'inputs')}.port: real and simulated ports in one bench" in said

    def test_a_further_port_of_a_device(self, repository: Path):
        text = (repository / "examples" / "benches" / "rf-chain-sim.yaml").read_text()
        said = refusal(spoiled(text, "meter_port: sim://scope", "meter_port: tcp://10.0.0.7:5025"))
        assert "devices.gen.options.meter_port: real and simulated ports in one bench (real: gen (tcp://" in said

    def test_a_plug_in_says_itself_to_which_world_it_belongs(self):
        text = spoiled(BENCH, "sim://gen", "rack://gen")
        with lent(GROUP, "rack", ElsewhereEmulated):
            assert Providers(bench(text).bench.ports()).simulated
        with lent(GROUP, "rack", Elsewhere):
            assert "(real: gen (rack://gen); simulated: pump" in refusal(text)

    def test_nothing_says_simulated_where_one_port_is_real(self):
        assert Providers(["sim://gen", "sim://tc"]).simulated
        assert not Providers(["sim://gen", "/dev/ttyS9"]).simulated
        assert not Providers(["/dev/ttyS9"]).simulated


class TestIndependentCutoff:
    """A generator that stays on when host and watchdog die."""

    @pytest.fixture(autouse=True)
    def no_dead_man(self, monkeypatch: pytest.MonkeyPatch) -> None:
        source = load_driver("tc-cxn")
        declared = source.declaration
        monkeypatch.setattr(
            source, "declaration", lambda self: dataclasses.replace(declared(self), native_deadman_s=None)
        )

    def test_an_enable_line_is_enough(self):
        assert bench().source.native_deadman_s is None

    def test_a_relay_that_holds_its_state_is_no_cut_off(self):
        assert refusal(spoiled(BENCH, "relay: 1, native_timeout_s: 2.0", "relay: 1")) == (
            "bench.yaml:17: roles.enable: tc-cxn (200 W) has no dead-man of its own and enable (kmtronic-relay) opens "
            "only when it is told to: if host and watchdog die, it stays on; use a relay that opens when it is not "
            "refreshed and give its time as options.native_timeout_s, or write "
            "'accept_no_independent_cutoff_i_understand_the_generator_stays_on: true' (every record will say so)"
        )

    def test_without_one_the_bench_is_refused(self):
        assert refusal(spoiled(BENCH, "  enable: enable\n", "")) == (
            "bench.yaml:10: roles.source: tc-cxn (200 W) has no dead-man of its own and this bench has no enable line: "
            "if host and watchdog die, it stays on; wire an enable relay and name it as roles.enable, "
            "or write 'accept_no_independent_cutoff_i_understand_the_generator_stays_on: true' (every "
            "record will say so)"
        )

    def test_unless_the_bench_says_so_in_a_key_nobody_writes_by_accident(self):
        text = spoiled(BENCH, "  enable: enable\n", "")
        loaded = bench(text + "accept_no_independent_cutoff_i_understand_the_generator_stays_on: true\n")
        assert loaded.bench.accept_no_independent_cutoff_i_understand_the_generator_stays_on

    def test_ten_watts_need_none(self):
        text = spoiled(BENCH, "  enable: enable\n", "")
        text = spoiled(text, "power_limit_w: 200", "power_limit_w: 10")
        text = spoiled(spoiled(text, "power_max_w: 200", "power_max_w: 10"), "power_w: 150", "power_w: 10")
        assert bench(text).source.power_max_w == 10.0


def test_a_file_that_is_not_there():
    with pytest.raises(ConfigError, match=r"^bench\.yaml: no such file; or name a shipped bench: cooled-rf-sim$"):
        load_bench("bench.yaml")
