"""What `run` and `demo` show while an application runs: one line of live values, redrawn on a terminal, sparse in a
log.
"""

from __future__ import annotations

import sys
import time
from typing import Any, TextIO

from rich.live import Live
from rich.table import Table
from rich.text import Text

from controller.bell import Bell
from controller.console import console
from controller.streams import OUTPUT_CLOSED, let_go

LOG_EVERY_S = 5.0


def _number(value: object, unit: str, digits: int = 1) -> str:
    return f"{value:z.{digits}f} {unit}" if isinstance(value, (int, float)) else f"-- {unit}"


def _tissue(status: dict[str, Any], at: int) -> str:
    """``tissue`` for the first sensor in tissue; the others by their channel, ``tissue_15mm``, or else by number."""
    if at == 0:
        return "tissue"
    told = (status.get("evidence") or {}).get(f"tissue_c[{at}]") or {}
    return str(told.get("channel") or "").rpartition(".")[2].removesuffix("_c") or f"tissue {at + 1}"


def line(status: dict[str, Any]) -> str:
    """One status as one line of text: what a person wants to see at a glance."""
    values, alarms = status.get("values", {}), status.get("alarms") or {}
    tissue = values.get("tissue_c") or []
    parts = [
        f"{status['state']:<9}",
        f"{status.get('elapsed_s', 0.0):6.1f} s",
        f"P {_number(values.get('power_w'), 'W')} (set {_number(status.get('setpoint_w'), 'W', 0)})",
        f"Z {_number(values.get('impedance_ohm'), 'ohm')}",
        f"tip {_number(values.get('tip_c'), '°C')}",
        *(f"{_tissue(status, at)} {_number(t, '°C')}" for at, t in enumerate(tissue[:2])),
        f"flow {_number(values.get('flow_ml_min'), 'mL/min', 0)}",
        f"roll-offs {status.get('rolloffs', 0)}",
    ]
    if activation := alarms.get("activation"):
        parts.insert(1, activation)
    if paused_s := alarms.get("paused_s"):
        parts.append(f"SILENCED {paused_s:.0f} s")
    if waits := status.get("waits"):
        parts.append(f"waits for {waits}")
    if attended := attendance(status):
        parts.append(attended)
    if prompt := status.get("prompt"):
        parts.append(f"PROMPT {prompt['id']}: {prompt['text']}")
    return "  ".join(parts)


def attendance(status: dict[str, Any]) -> str:
    """The count-down of an attended application; empty where there is none."""
    told = status.get("attended") or {}
    if (ends_s := told.get("ends_in_s")) is not None:
        return f"STILL THERE? energy ends in {ends_s:.0f} s"
    asks_s = told.get("asks_in_s")
    return f"asks whether you are there in {asks_s:.0f} s" if asks_s is not None else ""


STYLES = {"high": "bold red", "medium": "yellow", "low": "cyan"}


def alarm(told: dict[str, Any]) -> str:
    """One alarm in one line: what, where, value and limit, likely causes, what to do."""
    number = "" if told["value"] is None else f" ({told['value']:g}, limit {told['limit'] or 0.0:g})"
    causes = f" Likely: {told['causes']}." if told["causes"] else ""
    where = f"{told['where']}: " if told["where"] else ""
    seen = ", acknowledged" if told["acknowledged"] else ""
    return f"ALARM {told['priority']}{seen}: {where}{told['text']}{number}.{causes} Do: {told['do']}."


def broker_line(mqtt: dict[str, Any]) -> str:
    """How the telemetry does, in one line."""
    there = f"mqtt {mqtt['broker']} connected" if mqtt["connected"] else f"mqtt NOT CONNECTED: {mqtt['text']}"
    behind = f"{mqtt['lag_rows']} rows, {mqtt['lag_s']:.1f} s behind" if mqtt["lag_batches"] else "nothing waits"
    earlier = f"; earlier sessions to be sent: {mqtt['earlier_sessions']}" if mqtt["earlier_sessions"] else ""
    return f"{there}; {behind}{earlier}"


class LiveView:
    """Shows statuses on ``stream``; quiet when asked to be. Use as a context.

    ``closed`` says so once nobody reads what it shows: it goes on without a word, and whoever holds energy stops.
    """

    def __init__(self, *, quiet: bool, duration_s: float | None = None, stream: TextIO | None = None) -> None:
        self._quiet = quiet
        self.closed = ""
        self._duration_s = duration_s
        self._console = console(stream or sys.stderr)
        self._live: Live | None = None
        self._state = ""
        self._logged = 0.0
        self._trip_shown = False
        self._alarms_shown: set[str] = set()
        self._bell = Bell(self._console.bell)

    def __enter__(self) -> LiveView:
        if not self._quiet and self._console.is_terminal and not self._console.is_dumb_terminal:
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
        for told in (status.get("alarms") or {}).get("list", []):
            if told["key"] not in self._alarms_shown:
                self._alarms_shown.add(told["key"])
                self.say(alarm(told), STYLES[told["priority"]])
        if self._live is not None:
            self._bell(status)
            self._live.update(self._panel(status))
            return
        if status["state"] == "BOOT":
            return  # nothing has been read yet
        now = time.monotonic()
        if status["state"] != self._state or now - self._logged >= LOG_EVERY_S:
            self._state, self._logged = status["state"], now
            self._print(Text(line(status)))

    def say(self, text: str, style: str = "") -> None:
        """A sentence that stays."""
        if not self._quiet:
            self._print(Text(text, style=style))

    def _print(self, text: Text) -> None:
        try:
            self._console.print(text, soft_wrap=True)
        except BrokenPipeError:
            self.closed = OUTPUT_CLOSED
            let_go()

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
