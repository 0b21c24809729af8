"""Keysight InfiniiVision oscilloscopes as meters of voltage, current and phase."""
