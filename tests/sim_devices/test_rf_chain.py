"""The instruments of the bench chain, by exchanges as their manuals print them."""

from __future__ import annotations

import pytest

from sim.bench import SimBench
from sim.devices.resistor import Resistor
from tests.sim_devices.desk import Desk

# ---- 33500B


@pytest.mark.parametrize(
    "line",
    ["SOUR1:FREQ 480000", "FREQ 4.8E5", "source1:frequency 480000", ":Sour:Freq 480000", "FREQuency 480000.000000"],
)
def test_headers_short_long_and_in_any_case(line: str) -> None:
    desk = Desk("keysight-33500b")
    assert desk.ask(line.encode() + b"\n") == b""
    assert desk.ask(b"FREQ?;:SYST:ERR?\n") == b'+4.800000000000000E+05;+0,"No error"\n'


def test_exchanges_of_the_generator() -> None:
    desk = Desk("keysight-33500b")
    assert desk.ask(b"*IDN?\n").startswith(b"Agilent Technologies,33522B,MY")
    assert desk.ask(b"OUTP1?\nSOUR1:FUNC?\nOUTP1:LOAD?\n") == b"0\nSIN\n+5.000000000000000E+01\n"
    assert desk.ask(b"SOUR1:FUNC SIN;VOLT:UNIT VPP;:SOUR1:VOLT 0.5\nOUTP1 1\nOUTP1?\n") == b"1\n"
    assert desk.ask(b"SOUR1:VOLT?\n") == b"+5.000000000000000E-01\n"
    assert desk.ask(b"VOLT:UNIT VRMS;:VOLT?\n").startswith(b"+1.7677669")
    assert desk.ask(b"OUTP OFF;:OUTP?;:FUNC?\n") == b"0;SIN\n"
    desk.ask(b"OUTP ON\n*RST\n")
    assert desk.ask(b"OUTP?;*OPC?\n") == b"0;1\n"


def test_a_compound_header_goes_on_in_its_branch() -> None:
    desk = Desk("keysight-33500b")
    desk.ask(b"SOUR1:VOLT:UNIT VRMS;OFFS 0.1;*WAI;OFFS 0.2\n")
    assert desk.ask(b"VOLT:OFFS?\n") == b"+2.000000000000000E-01\n"
    desk.ask(b"SOUR1:FREQ 1000;UNIT VPP\n")
    assert desk.ask(b"SYST:ERR?\n") == b'-113,"Undefined header"\n'


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"SOUR1:WOLT 1", b'-113,"Undefined header"'),
        (b"VOLTA 1", b'-113,"Undefined header"'),
        (b"VOLT 11", b'-222,"Data out of range; value clipped to upper limit"'),
        (b"VOLT 0.0001", b'-222,"Data out of range; value clipped to lower limit"'),
        (b"FREQ 31E6", b'-222,"Data out of range"'),
        (b"VOLT 0,5", b'-104,"Data type error"'),
        (b"VOLT inf", b'-222,"Data out of range"'),
        (b"OUTP PERHAPS", b'-224,"Illegal parameter value"'),
        (b"VOLT", b'-109,"Missing parameter"'),
        (b"VOLT:LIM:HIGH 0.5;LOW -0.5;STAT ON;:VOLT 2", b'-221,"Settings conflict"'),
    ],
)
def test_errors_of_the_generator(line: bytes, error: bytes) -> None:
    desk = Desk("keysight-33500b")
    desk.ask(line + b"\n")
    assert desk.ask(b"SYST:ERR?\nSYST:ERR?\n") == error + b'\n+0,"No error"\n'


def test_the_error_queue_holds_twenty_first_in_first_out() -> None:
    desk = Desk("keysight-33500b")
    desk.ask(b"VOLT 11\n" + b"BAD\n" * 30)
    assert desk.ask(b"SYST:ERR?\n").startswith(b"-222")
    errors = [desk.ask(b"SYST:ERR?\n") for _ in range(20)]
    assert errors[:18] == [b'-113,"Undefined header"\n'] * 18
    assert errors[18:] == [b'-350,"Queue overflow"\n', b'+0,"No error"\n']
    desk.ask(b"BAD\n*CLS\n")
    assert desk.ask(b"SYST:ERR?\n") == b'+0,"No error"\n'


def test_the_load_setting_changes_what_an_amplitude_means() -> None:
    """1 Vpp shown for an open circuit is 0.5 Vpp in 50 ohm: a quarter of the power."""
    desk = Desk("keysight-33500b", {"gain_db": 40.0})
    desk.ask(b"VOLT 1;:OUTP ON\n")
    desk.wait(0.1)
    matched_w = desk.world.forward_w
    assert matched_w == pytest.approx((1.0 / 2.828427) ** 2 / 50.0 * 1e4, rel=1e-4)
    desk.ask(b"OUTP:LOAD INF\n")
    assert desk.ask(b"VOLT?;:OUTP:LOAD?\n") == b"+2.000000000000000E+00;+9.900000000000000E+37\n"
    desk.ask(b"VOLT 1\n")
    desk.wait(0.1)
    assert desk.world.forward_w == pytest.approx(matched_w / 4.0, rel=1e-4)


def test_the_forerunner_has_no_numbers() -> None:
    desk = Desk("keysight-33500b", {"dialect": "33220a"})
    desk.ask(b"OUTP1 ON\n")
    assert desk.ask(b"OUTP?\nSYST:ERR?\n") == b'0\n-113,"Undefined header"\n'
    desk.ask(b"FREQ 480000;:OUTP ON\n")
    assert desk.ask(b"FREQ?;:OUTP?\n") == b"+4.800000000000000E+05;1\n"


def test_it_stays_on_when_the_host_is_silent() -> None:
    desk = Desk("keysight-33500b")
    desk.ask(b"VOLT 0.5;:OUTP ON\n")
    desk.wait(3600.0)
    assert desk.world.forward_w > 0.0


# ---- AR amplifier


def test_exchanges_of_the_amplifier() -> None:
    desk = Desk("ar-amplifier", {"lag_s": 2.0})
    assert desk.ask(b"*IDN?\n") == b"AR-RF/MICROWAVE-INST,600A400,1.0\n"
    assert desk.ask(b"STATE?\nFPOW?\nRPOW?\nRFG?\nFSTA?\n").splitlines() == [
        b"STATE= 8301",
        b"FPOW=    0",
        b"RPOW=    0",
        b"RFG= 100",
        b"FSTA= 0000",
    ]
    assert desk.ask(b"RF:ON\n").count(b"\n") == 1
    assert desk.ask(b"STATE?\n") == b"STATE= 8301\n"
    desk.wait(1.9)
    assert desk.ask(b"STATE?\n") == b"STATE= 8301\n"
    desk.wait(0.2)
    assert desk.ask(b"STATE?\n") == b"STATE= 8501\n"
    desk.device.input.drive(0.54e-3)
    desk.wait(0.1)
    assert desk.ask(b"FPOW?\n") == b"FPOW=   54\n"
    assert desk.world.forward_w == pytest.approx(54.0)
    desk.ask(b"RF:OFF\n")
    assert desk.world.forward_w == 0.0
    assert desk.ask(b"STATE?\n") == b"STATE= 8501\n"


def test_an_amplifier_without_standby_passes_what_comes() -> None:
    desk = Desk("ar-amplifier", {"standby": False, "model": "125A250", "command_reply": False})
    assert desk.ask(b"RF:OFF\nSTATE?\n") == b"STATE= 8101\n"
    desk.device.input.drive(1e-4)
    desk.wait(0.1)
    assert desk.world.forward_w == pytest.approx(10.0)


def test_an_open_interlock_takes_power_away_for_good() -> None:
    desk = Desk("ar-amplifier", {"lag_s": 0.0})
    desk.ask(b"RF:ON\n")
    desk.device.input.drive(1e-4)
    desk.wait(0.1)
    desk.device.set_interlock(False, desk.t_s)
    assert desk.world.forward_w == 0.0
    assert desk.ask(b"RF:ON\nSTATE?\nFSTA?\n").splitlines()[1:] == [b"STATE= 8B01", b"FSTA= 0002"]
    desk.device.set_interlock(True, desk.t_s)
    assert desk.world.forward_w == 0.0
    assert desk.ask(b"STATE?\n") == b"STATE= 8301\n"


# ---- InfiniiVision


def test_exchanges_of_the_oscilloscope() -> None:
    desk = Desk("infiniivision", {"noise": 0.0, "phase_deg": 0.0})
    assert desk.ask(b"*IDN?\n").startswith(b"AGILENT TECHNOLOGIES,DSO-X 3024A,MY")
    desk.ask(b":CHANnel1:PROBe 100;:CHAN2:UNITs AMPere;:CHAN1:RANGe 400;:CHAN2:RANG 8;:TIMebase:RANGe 20E-6\n")
    assert desk.ask(b":SYSTem:ERRor?\n") == b'+0,"No error"\n'
    assert desk.ask(b":MEASure:VRMS? CYCLe,AC,CHANnel1\n") == b"+9.9E+37\n"
    assert desk.ask(b":MEAS:PHASe? CHAN1,CHAN2\n") == b"+9.9E+37\n"
    assert float(desk.ask(b":MEAS:VRMS? DISPlay,AC,CHAN1\n")) < 0.1
    desk.world.drive(50.0)
    assert desk.ask(b":MEAS:VRMS? CYCL,AC,CHAN1;:MEAS:VRMS? CYCL,AC,CHAN2\n") == b"+5.0000E+01;+1.0000E+00\n"
    assert abs(float(desk.ask(b":MEAS:PHAS? CHAN1,CHAN2\n"))) < 1.0
    assert desk.ask(b":OPER:COND?\n") == b"+8\n"
    desk.ask(b":CHAN1:RANG 40\n")
    assert desk.ask(b":MEAS:VRMS? CYCL,AC,CHAN1\n") == b"+9.9E+37\n", "beyond the screen"


def test_a_stopped_oscilloscope_shows_the_past() -> None:
    desk = Desk("infiniivision", {"noise": 0.0})
    desk.ask(b":CHAN1:RANG 400\n")
    desk.world.drive(50.0)
    desk.ask(b":STOP\n")
    desk.world.drive(0.0)
    assert desk.ask(b":MEAS:VRMS? CYCL,AC,CHAN1;:OPER:COND?\n") == b"+5.0000E+01;+0\n"


# ---- together


def chain(**options: object) -> SimBench:
    device = {
        "driver": "rf-chain",
        "port": "sim://gen",
        "options": {"amplifier_port": "sim://amp", "meter_port": "sim://scope", **options},
    }
    return SimBench({"devices": {"gen": device}}, world=Resistor())


def test_the_generator_drives_the_amplifier_and_the_amplifier_the_load() -> None:
    bench = chain(gain_db=47.0)
    assert bench.ports == {"gen": "gen", "amp": "gen-amplifier", "scope": "gen-meter"}
    generator, amplifier, _ = bench.emulators.values()
    assert bench.generator is amplifier
    generator.receive(b"VOLT:UNIT VRMS;:VOLT 0.1;:OUTP ON\n", 0.0)
    assert bench.world.forward_w == 0.0
    amplifier.receive(b"RF:ON\n", 0.0)
    bench.advance(1.0)
    assert bench.world.forward_w == pytest.approx(0.1**2 / 50.0 * 10**4.7)
    bench.set_inputs({"estop_a": False})
    assert bench.world.forward_w == 0.0


def test_names_and_ports_that_meet_are_refused() -> None:
    device = {
        "driver": "rf-chain",
        "port": "sim://a",
        "options": {"amplifier_port": "sim://a", "meter_port": "sim://b"},
    }
    with pytest.raises(ValueError, match="already the port of gen"):
        SimBench({"devices": {"gen": device}}, world=Resistor())
    two = {"gen-meter": {"driver": "infiniivision", "port": "sim://c"}}
    device = {"driver": "rf-chain", "port": "sim://a", "options": {"meter_port": "sim://b"}}
    with pytest.raises(ValueError, match="rename it"):
        SimBench({"devices": {**two, "gen": device}}, world=Resistor())
