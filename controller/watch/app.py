"""The application of ``ablate watch``: draws what :mod:`controller.watch.screen` makes of the newest status."""

from __future__ import annotations

import time
from collections import deque
from typing import Any, ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from controller.client import Client
from controller.console import plain
from controller.exits import Exit
from controller.watch import screen
from controller.watch.link import Clock, Link

DRAW_S = 0.1
MINUTE_S = 60
SERIES = (("power", "W", "power_w"), ("impedance", "ohm", "impedance_ohm"), ("tip", "°C", "tip_c"))
BESIDES = 30
"""Columns of a line of the last minute that are no plot."""
LEAST = (48, 10)
"""Columns and rows below which values would be torn apart: then state, keys and a sentence are left."""


class Watch(App[int]):
    """Everything on one page of 80 x 24; what does not fit is said. ``link`` is followed from mount to exit."""

    CSS = """
    Screen { layout: vertical; }
    #head { max-height: 4; dock: top; }
    #foot { height: auto; max-height: 6; dock: bottom; }
    #said { max-height: 3; }
    #keys { text-style: reverse; max-height: 2; }
    #help, #small, #room { display: none; }
    Static { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,s", "stop", "STOP (RF off)", priority=True),
        Binding("a", "ack", "acknowledge"),
        Binding("m", "silence", "silence"),
        Binding("question_mark", "help", "help"),
        Binding("up", "scroll(-1)", "up", show=False),
        Binding("down", "scroll(1)", "down", show=False),
        Binding("pageup", "scroll(-10)", "page up", show=False),
        Binding("pagedown", "scroll(10)", "page down", show=False),
        Binding("q,ctrl+c", "leave", "leave", priority=True),
    ]
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, link: Link, clock: Clock = time.monotonic) -> None:
        super().__init__(ansi_color=plain() or None)  # the terminal's own two colours where no others are wanted
        self.link, self._clock = link, clock
        self._seconds: deque[tuple[int, dict[str, float | None]]] = deque(maxlen=MINUTE_S)
        self._helps = False
        self._rung: set[str] = set()
        self._known: set[str] = set()

    def compose(self) -> ComposeResult:
        yield Static(id="head")
        with VerticalScroll(id="body", can_focus=False):
            yield Static(id="troubles")
            yield Static(id="values")
            yield Static(id="minute")
            yield Static(id="interlocks")
        with VerticalScroll(id="help", can_focus=False):
            yield Static(screen.HELP, markup=False)
        yield Static(id="small", markup=False)
        with Vertical(id="foot"):
            yield Static(id="room", markup=False)
            yield Static(id="said")
            yield Static(id="keys", markup=False)

    def on_mount(self) -> None:
        self.run_worker(self.link.follow(), name="status")
        self.set_interval(DRAW_S, self.redraw)
        self.redraw()

    # ---- what is shown

    def redraw(self) -> None:
        """Show the newest status, with its age. What cannot be shown is said: STOP must go on working."""
        try:
            self._draw()
        except (KeyError, TypeError, ValueError) as error:  # a daemon of another version
            self.say(f"this status cannot be shown ({type(error).__name__}: {error}); STOP works", screen.LATCHED)

    def _draw(self) -> None:
        link, age_s = self.link, self.link.age_s()
        live = age_s is not None and age_s <= screen.NOT_LIVE_S
        if live:
            self._remember(link.status)
            self._ring(link.status)
        self._put("head", screen.head(link.status, age_s, link.answer_s))
        self._put("troubles", screen.troubles(link.status, live, "" if live else link.trouble))
        self._put("values", screen.values(link.status, live, self._known))
        self._put("minute", screen.minute(self._minute(), max(10, self.size.width - BESIDES), live))
        self._put("interlocks", screen.interlocks(link.status, live))

        self._fit()

    def _fit(self) -> None:
        """Say what this terminal has no room for."""
        if not self.is_running:
            return
        width, height = self.size
        small, helps = width < LEAST[0] or height < LEAST[1], bool(self._helps)
        for name, shown in (("small", small), ("help", helps and not small), ("body", not helps and not small)):
            self.query_one(f"#{name}").display = shown
        self._put("small", Text(screen.small(width, height, LEAST), screen.LATCHED))
        page = self.query_one("#help" if helps else "#body", VerticalScroll)
        below = page.max_scroll_y - page.scroll_offset.y
        self.query_one("#room").display = bool(page.max_scroll_y) and not small
        self._put("room", Text(screen.room(page.scroll_offset.y, below), "bold"))
        self._put("keys", Text(screen.keys(width)))

    def _put(self, name: str, text: Text) -> None:
        if self.is_running:  # the clock still ticks while the page is taken down
            self.query_one(f"#{name}", Static).update(text)

    def _remember(self, status: dict[str, Any]) -> None:
        """A point a second; a second in which nothing was heard has none."""
        second, told = int(self._clock()), status.get("values") or {}
        self._known |= {key for key, value in told.items() if value is not None}
        point = {key: told.get(key) for _, _, key in SERIES}
        if self._seconds and self._seconds[-1][0] == second:
            self._seconds[-1] = (second, point)
        else:
            self._seconds.append((second, point))

    def _minute(self) -> list[tuple[str, str, list[float | None]]]:
        now, known = int(self._clock()), dict(self._seconds)
        seconds = range(now - MINUTE_S + 1, now + 1)
        found = [(name, unit, [known.get(s, {}).get(key) for s in seconds]) for name, unit, key in SERIES]
        return [row for row in found if any(point is not None for point in row[2])]

    def _ring(self, status: dict[str, Any]) -> None:
        """One bell for each new alarm and for the question whether somebody is there."""
        prompt, alarms = status.get("prompt") or {}, status.get("alarms") or {}
        now = {str(told["key"]) for told in alarms.get("list", []) if not told.get("acknowledged")}
        now |= {f"prompt {prompt['id']}"} if prompt.get("kind") == "attend" else set()
        if now - self._rung and not alarms.get("paused_s"):
            self.bell()
        self._rung = now

    def say(self, text: str, style: str = "") -> None:
        """The answer to the newest key, on the last line."""
        self._put("said", Text(f"{time.strftime('%H:%M:%S')} {screen.printable(text)}", style))

    # ---- keys

    def action_stop(self) -> None:
        """Energy off; each press is sent, whatever became of the one before."""
        self.say("STOP: sending …", "bold red")
        self.run_worker(self._stop(), group="stop")

    async def _stop(self) -> None:
        began_s = self._clock()
        answer = await self.link.act(_stop)
        if answer.get("ok"):
            self.say(f"STOP was taken after {1000 * (self._clock() - began_s):.0f} ms", "bold")
        else:
            why = answer.get("error")
            self.say(f"STOP WAS NOT TAKEN, use the emergency stop of the bench: {why}", screen.LATCHED)

    def action_ack(self) -> None:
        self.run_worker(self._act(Client.ack, "acknowledged; a trip stays latched"), group="acts")

    def action_silence(self) -> None:
        self.run_worker(self._act(Client.silence, "silent for a while; the alarms stay"), group="acts")

    async def _act(self, act: Any, done: str) -> None:
        answer = await self.link.act(act)
        self.say(
            done if answer.get("ok") else f"refused: {answer.get('error')}", "" if answer.get("ok") else "bold red"
        )

    def action_help(self) -> None:
        """Help in place of the values, and back; STOP works in both."""
        self._helps = not self._helps
        self._fit()

    def action_scroll(self, lines: int) -> None:
        """What does not fit on this terminal is reached so."""
        self.query_one("#help" if self._helps else "#body", VerticalScroll).scroll_relative(y=lines, animate=False)

    def action_leave(self) -> None:
        """The bench goes on as it is."""
        self.exit(int(Exit.DONE))


async def _stop(client: Client) -> dict[str, Any]:
    return await client.stop("", "ablate watch")
