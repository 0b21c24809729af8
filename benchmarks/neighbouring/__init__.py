"""The neighbours of a daemon, and what keeps each of them at work: rooms of ``benchmarks.neighbours``."""
