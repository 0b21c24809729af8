"""What `run` and `demo` show while an application runs: one line of live values, redrawn on a terminal, sparse in a
log.
"""

from __future__ import annotations

import sys
import time
from typing import Any, TextIO

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

LOG_EVERY_S = 5.0


def _number(value: object, unit: str, digits: int = 1) -> str:
    return f"{value:.{digits}f} {unit}" if isinstance(value, (int, float)) else f"-- {unit}"


def line(status: dict[str, Any]) -> str:
    """One status as one line of text: what a person wants to see at a glance."""
    values = status.get("values", {})
    tissue = values.get("tissue_c") or []
    parts = [
        f"{status['state']:<9}",
        f"{status.get('elapsed_s', 0.0):6.1f} s",
        f"P {_number(values.get('power_w'), 'W')} (set {_number(status.get('setpoint_w'), 'W', 0)})",
        f"Z {_number(values.get('impedance_ohm'), 'ohm')}",
        f"tip {_number(values.get('tip_c'), '°C')}",
        *(f"tissue {_number(t, '°C')}" for t in tissue[:2]),
        f"flow {_number(values.get('flow_ml_min'), 'mL/min', 0)}",
        f"roll-offs {status.get('rolloffs', 0)}",
    ]
    if waits := status.get("waits"):
        parts.append(f"waits for {waits}")
    if prompt := status.get("prompt"):
        parts.append(f"PROMPT {prompt['id']}: {prompt['text']}")
    return "  ".join(parts)


class LiveView:
    """Shows statuses on ``stream``; quiet when asked to be. Use as a context."""

    def __init__(self, *, quiet: bool, duration_s: float | None = None, stream: TextIO | None = None) -> None:
        self._quiet = quiet
        self._duration_s = duration_s
        self._console = Console(file=stream or sys.stderr)
        self._live: Live | None = None
        self._state = ""
        self._logged = 0.0
        self._trip_shown = False

    def __enter__(self) -> LiveView:
        if not self._quiet and self._console.is_terminal:
            self._live = Live(console=self._console, refresh_per_second=8, transient=True)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def __call__(self, status: dict[str, Any]) -> None:
        """Show ``status`` now, or leave it out when it says nothing new."""
        if self._quiet:
            return
        trip = status.get("trip")
        if trip and not self._trip_shown:
            self._trip_shown = True
            self.say(f"TRIP {trip['hazard']} {trip['monitor']}: {trip['text']}. Check: {trip['check']}.", "bold red")
        if self._live is not None:
            self._live.update(self._panel(status))
            return
        now = time.monotonic()
        if status["state"] != self._state or now - self._logged >= LOG_EVERY_S:
            self._state, self._logged = status["state"], now
            self._console.print(line(status), soft_wrap=True, highlight=False)

    def say(self, text: str, style: str = "") -> None:
        """A sentence that stays."""
        if not self._quiet:
            self._console.print(Text(text, style=style), soft_wrap=True)

    def _panel(self, status: dict[str, Any]) -> Table:
        table = Table.grid(padding=(0, 1))
        if banner := status.get("banner"):
            table.add_row(Text(f" {banner} ", style="black on yellow"))
        table.add_row(Text(line(status)))
        if self._duration_s:
            done = min(1.0, status.get("elapsed_s", 0.0) / self._duration_s)
            width = 50
            table.add_row(Text("█" * int(done * width) + "░" * (width - int(done * width)) + f" {100 * done:3.0f} %"))
        return table
