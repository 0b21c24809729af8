"""The classic RF bench: function generator, amplifier and oscilloscope as one power source."""
