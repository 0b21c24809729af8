"""Plays a recorded session to a page over a WebSocket, in the messages of the live stream.

Every status is one recorded tick, sent when its time has come; at a high speed ticks are left out between two, never
events. A status is repeated while nothing newer is due, so that a page knows that the stream is alive.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from aiohttp import web

from controller.panel.api import compact
from controller.panel.library_aside import Aside
from controller.panel.sockets import heard
from controller.panel.stream import SEND_S, text_of

SPEEDS = (0.25, 64.0)
AHEAD_S = 2.0  # of playing, read at once
SPACING_S = (
    0.8 / 20.0
)  # between two statuses at speed 1: every tick of a 20 Hz bench, which come a little nearer at times
REPEAT_S = 0.25
READ_S = 30.0
HISTORY_S, POINTS = 3600.0, 1200
MOST_EVENTS = 500
UNREADABLE, BYE = 4010, 1000
Clock = Callable[[], float]


class Stopped(Exception):
    """The session cannot be played, or not any further; says why."""


class Player:
    """Plays one session to one page, which may pause, seek and change the speed.

    From the page: ``{"type": "play" | "pause"}``, ``{"type": "seek", "t_s": seconds since the first tick}``,
    ``{"type": "speed", "speed": 0.25 to 64}``, ``{"type": "ping", "id"}``.
    """

    def __init__(
        self, aside: Aside, socket: web.WebSocketResponse, session: str, speed: float, clock: Clock = time.monotonic
    ) -> None:
        self._aside, self._socket, self._session, self._clock = aside, socket, session, clock
        self._speed, self._paused, self._ended = within(speed), False, False
        self._told: dict[str, Any] = {}
        self._at_s, self._since_s = 0.0, clock()  # the bench's clock, at a moment of ours
        self._frame: dict[str, Any] = {}  # the one that is shown
        self._frames: deque[dict[str, Any]] = deque()  # what comes next, and up to where it was read
        self._read_s = -math.inf
        self._events: deque[dict[str, Any]] = deque()
        self._wanted_s: float | None = None
        self._asked = asyncio.Event()
        self._sent_s, self._seq = 0.0, 0

    async def run(self) -> None:
        """Until the page hangs up, or the session cannot be played; that is said to the page."""
        playing = asyncio.get_running_loop().create_task(self._play(), name="playback")
        try:
            while (text := await text_of(self._socket)) is not None:
                await self._hear(text)
        finally:
            playing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await playing

    # -- what the page asks for

    async def _hear(self, text: str) -> None:
        said = heard(text) or {}
        kind = said.get("type")
        now_s = self._now_s()
        try:
            if kind == "seek":
                self._wanted_s = self._start_s + _number(said.get("t_s"))
            elif kind == "speed":
                self._speed = within(_number(said.get("speed")))
                self._again_from(self._frame.get("t_s", -math.inf))
            elif kind == "pause":
                self._paused = True
            elif kind == "play":
                self._paused = False
                if self._ended:
                    self._wanted_s = self._start_s
            elif kind == "ping":
                await self._send({"type": "pong", "id": said.get("id")})
                return
            else:
                raise ValueError(f"playback knows play, pause, seek, speed and ping, not {str(kind)[:40]!r}")
        except ValueError as error:
            await self._send({"type": "refused", "text": str(error)})
            return
        self._place(now_s)
        self._asked.set()

    # -- where it is

    @property
    def _start_s(self) -> float:
        return float(self._told.get("start_s", 0.0))

    @property
    def _end_s(self) -> float:
        return float(self._told.get("end_s", 0.0))

    @property
    def _runs(self) -> bool:
        return not self._paused and not self._ended

    def _now_s(self) -> float:
        """On the bench's clock."""
        if not self._runs:
            return self._at_s
        return min(self._at_s + (self._clock() - self._since_s) * self._speed, self._end_s)

    def _place(self, at_s: float) -> None:
        self._at_s, self._since_s = at_s, self._clock()

    def _again_from(self, t_s: float) -> None:
        """What comes behind ``t_s`` is read anew."""
        self._frames.clear()
        self._read_s = t_s

    # -- what the page gets

    async def _play(self) -> None:
        try:
            self._told = await self._read("play")
            if not self._told["ticks"]:
                raise Stopped("this session holds no tick: there is nothing to play")
            await self._begin(self._start_s if self._wanted_s is None else self._wanted_s)
            while True:
                await self._step()
        except Stopped as error:
            await self._send({"type": "gone", "text": str(error)})
            await self._socket.close(code=UNREADABLE, message=str(error).encode()[:120])
        except (ConnectionError, RuntimeError, TimeoutError):  # the page has gone, or takes nothing
            await self._socket.close(code=BYE)

    async def _step(self) -> None:
        """What is due now; then wait for what comes next, or for the page."""
        if self._wanted_s is not None:
            await self._begin(self._wanted_s)
        if self._runs:
            await self._due()
        if self._asked.is_set() or self._clock() - self._sent_s >= REPEAT_S:
            self._asked.clear()
            await self._status()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._idle_s()):
                await self._asked.wait()

    def _idle_s(self) -> float:
        """Until something is to be sent."""
        idle_s = self._sent_s + REPEAT_S - self._clock()
        if self._runs:
            next_s = self._frames[0]["t_s"] if self._frames else self._end_s
            idle_s = min(idle_s, (next_s - self._now_s()) / self._speed)
        return max(idle_s, 0.001)

    async def _begin(self, wanted_s: float) -> None:
        """Everything up to a time, as a page gets it that comes then."""
        at_s = min(max(wanted_s, self._start_s), self._end_s)
        self._wanted_s = None
        self._frame = await self._read("at", t_s=at_s)
        past = await self._read("history", until_s=at_s, seconds=HISTORY_S, points=POINTS)
        self._ended = False
        self._place(at_s)
        self._again_from(self._frame["t_s"])
        events = self._told["events"]
        self._events = deque(event for event in events if event["t_s"] > at_s)
        await self._send(
            {
                "type": "snapshot",
                **self._tick(),
                "bench": self._told["bench"],
                "history": past["columns"],
                "events": [event for event in events if event["t_s"] <= at_s][-MOST_EVENTS:],
                "you": {"role": "viewer"},
                "controller": None,
            }
        )

    async def _due(self) -> None:
        if not self._frames and self._read_s < self._end_s:
            until_s = min(max(self._now_s(), self._read_s) + AHEAD_S * self._speed, self._end_s)
            found = await self._read("frames", after_s=self._read_s, until_s=until_s, spacing_s=SPACING_S * self._speed)
            self._frames.extend(found["frames"])
            self._read_s = until_s
        now_s = self._now_s()
        events = []
        while self._events and self._events[0]["t_s"] <= now_s:
            events.append(self._events.popleft())
        if events:
            await self._send({"type": "events", "events": events})
        while self._frames and self._frames[0]["t_s"] <= now_s:
            self._frame = self._frames.popleft()
            await self._status()
        if not self._frames and now_s >= self._end_s:
            self._place(self._end_s)
            self._ended = True
            self._asked.set()

    async def _status(self) -> None:
        await self._send({"type": "status", **self._tick()})

    def _tick(self) -> dict[str, Any]:
        return {key: self._frame[key] for key in ("t_s", "rows", "status")}

    async def _send(self, message: dict[str, Any]) -> None:
        self._seq += 1
        self._sent_s = self._clock()
        playback = {
            "session": self._session,
            "t_s": round(self._now_s() - self._start_s, 3),
            "duration_s": round(self._end_s - self._start_s, 3),
            "start_s": self._start_s,
            "zero_s": float(self._told.get("zero_s", 0.0)),
            "speed": self._speed,
            "paused": self._paused,
            "ended": self._ended,
        }
        text = compact({**message, "seq": self._seq, "sent_ms": int(time.time() * 1000), "playback": playback})
        async with asyncio.timeout(SEND_S):
            await self._socket.send_str(text)

    async def _read(self, verb: str, **fields: object) -> dict[str, Any]:
        answer = await self._aside.ask(verb, READ_S, session=self._session, **fields)
        told = answer.json()
        if not answer.ok:
            raise Stopped(f"{told['error']}; {told['remedy']}".removesuffix("; "))
        return told


def within(speed: float) -> float:
    """The nearest speed that can be played."""
    return min(max(speed, SPEEDS[0]), SPEEDS[1])


def _number(told: object) -> float:
    if isinstance(told, bool) or not isinstance(told, int | float) or not math.isfinite(told):
        raise ValueError("a number is missing")
    return float(told)
