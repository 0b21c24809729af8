"""The sound of the foreground: what a status says is to be heard, on the bell of its terminal."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from controller.daemon.prompts import ATTEND

ASKED: dict[str, Any] = {"name": ATTEND, "pulses": 2, "every_s": 3.0}
"""How the question whether somebody is there sounds."""
PULSE_S = 0.2
"""Two pulses closer than this are one to the ear, and to many a terminal."""


class Bell:
    """Call it with every status; ``ring`` makes one pulse."""

    def __init__(self, ring: Callable[[], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._ring, self._clock = ring, clock
        self._sound: tuple[object, object] | None = None
        self._begin_s = self._rung_s = 0.0
        self._left = 0

    def __call__(self, status: dict[str, Any]) -> None:
        """One pulse at most; a burst begins when the sound is another one, and again when its time has come."""
        prompt = status.get("prompt") or {}
        asked = {**ASKED, "number": prompt.get("id")} if prompt.get("kind") == ATTEND else None
        sound = (status.get("alarms") or {}).get("sound") or asked
        if sound is None:
            self._sound = None
            return
        now_s, every_s = self._clock(), sound["every_s"]
        if self._sound != (sound["name"], sound["number"]):
            self._sound = (sound["name"], sound["number"])
            self._begin_s, self._left = now_s, sound["pulses"]
        elif every_s is not None and now_s - self._begin_s >= every_s:
            self._begin_s, self._left = now_s, sound["pulses"]
        if self._left and now_s - self._rung_s >= PULSE_S:
            self._left, self._rung_s = self._left - 1, now_s
            self._ring()
