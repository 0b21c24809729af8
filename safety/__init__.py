"""Decisions only: limits, interlocks, states, permits; and, in ``safety.watchdog``, the process that outlives the
daemon.

Nothing here but ``safety.watchdog`` reads a clock, opens a file or awaits. Everything imports the standard library
only.
"""
