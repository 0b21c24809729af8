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
    generator.frequency = 450_000  # the old way, without a channel's number
    assert generator.frequency == 450_000.0, generator.frequency
    assert generator.check_errors() == [], "the error queue is not empty"
    generator.write("NONSENSE 1")
    assert generator.check_errors() != [], "an unknown command left no error"


if __name__ == "__main__":
    main(sys.argv[1])
