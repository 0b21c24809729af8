"""PyMeasure's Agilent 33500 on the emulated function generator: ``pymeasure_33500.py HOST:PORT``, raw socket."""

import sys

from pymeasure.instruments.agilent import Agilent33500


def main(where: str) -> None:
    host, port = where.split(":")
    generator = Agilent33500(
        f"TCPIP::{host}::{port}::SOCKET",
        visa_library="@py",
        read_termination="\n",
        write_termination="\n",
        timeout=1000,
    )
    assert generator.id.startswith("Agilent Technologies,33522B,"), generator.id
    generator.reset()
    generator.clear()
    channel = generator.ch_1
    assert channel.output is False
    channel.shape = "SIN"
    channel.frequency = 480_000
    channel.amplitude_unit = "VPP"
    channel.amplitude = 0.5
    channel.offset = 0.0
    assert channel.shape == "SIN", channel.shape
    assert channel.frequency == 480_000.0, channel.frequency
    assert channel.amplitude == 0.5, channel.amplitude
    assert channel.amplitude_unit == "VPP", channel.amplitude_unit
    assert channel.offset == 0.0, channel.offset
    channel.output_load = 50
    assert channel.output_load == 50.0, channel.output_load
    channel.output_load = "INF"  # the load changes what is shown, not what comes out
    assert channel.output_load > 9e37, channel.output_load
    assert channel.amplitude == 1.0, channel.amplitude
    channel.output_load = 50
    channel.output = True
    assert channel.output is True
    channel.output = False
    assert channel.output is False
    besides_a_sine(generator)
    generator.frequency = 450_000  # the old way, without a channel's number
    assert generator.frequency == 450_000.0, generator.frequency
    assert generator.check_errors() == [], "the error queue is not empty"
    generator.write("NONSENSE 1")
    assert generator.check_errors() != [], "an unknown command left no error"


def besides_a_sine(generator: Agilent33500) -> None:
    channel = generator.ch_1
    held = {
        "voltage_high": 0.4,
        "voltage_low": -0.1,
        "phase": 90.0,
        "square_dutycycle": 20.0,
        "ramp_symmetry": 50.0,
        "pulse_period": 1e-3,
        "pulse_hold": "WIDT",
        "pulse_width": 2e-5,
        "pulse_dutycycle": 5.0,
        "pulse_transition": 5e-8,
        "burst_mode": "TRIG",
        "burst_period": 0.02,
        "burst_ncycles": 5,
        "burst_state": True,
    }
    for name, value in held.items():
        setattr(channel, name, value)
        told = getattr(channel, name)
        assert told == value or abs(told - value) < 1e-9 * abs(value), (name, told)
    assert abs(channel.amplitude - 0.5) < 1e-12, channel.amplitude
    assert abs(channel.offset - 0.15) < 1e-12, channel.offset
    assert abs(channel.frequency - 1000.0) < 1e-9, channel.frequency
    channel.burst_state = False
    generator.trigger_source = "BUS"
    generator.trigger()
    generator.trigger_source = "IMM"
    generator.ext_trig_out = True
    assert generator.ext_trig_out is True
    generator.phase_sync()
    generator.beep()
    generator.display = "hello"
    generator.clear_display()
    assert generator.check_errors() == [], "the error queue is not empty"
    generator.trigger()  # nobody waits for it
    assert generator.check_errors() != [], "a trigger that nobody waits for left no error"
    generator.reset()


if __name__ == "__main__":
    main(sys.argv[1])
