"""Relay boards as electrode switch: one generator, several electrodes."""
