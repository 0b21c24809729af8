"""Replay: a recorded session through today's kernel and law, tick by tick, without a device.

from controller.replay import read, replay
found = replay(read("2026-11-22T10-00-00Z_bench_01K….ablate"))
found.equal, found.text
"""

from controller.replay.engine import Replayed, replay
from controller.replay.recording import Recording, ReplayError, read

__all__ = ["Recording", "ReplayError", "Replayed", "read", "replay"]
