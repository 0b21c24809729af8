"""Lauda thermostats and chillers."""
