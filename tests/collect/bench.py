"""A bench that publishes batches as the contract has them, loses what it is told to lose, and answers who asks."""

from __future__ import annotations

import json
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.mqtt.broker import wait_until

SESSION = "01M80R04B0ABCDEFGHJKMNPQRS"
HEAD = "ab" * 32
TICKS = 8


def batch(n: int, **more: Any) -> list[dict[str, Any]]:
    """Batch ``n``: eight ticks with two channels in two parts, and an event."""
    common = {
        "bench": "b1", "boot_id": "x", "bd_seq": 1, "simulated": True, "session": SESSION, "batch": n, "parts": 3,
        "historical": bool(more), **more,
    }  # fmt: skip
    found = []
    for part in (0, 1):
        seq = [n * TICKS + part * 4 + i for i in range(4)]
        t_s = [0.01 * s for s in seq]
        found.append({
            **common, "part": part, "schema": "abl/samples/1", "seq0": seq[0], "n": 4,
            "utc0": f"2026-11-22T04:25:{t_s[0]:06.3f}Z", "seq": seq, "t_s": t_s, "state": ["FIRING"] * 4,
            "demand_w": [30.0] * 4, "permit_w": [50] * 4, "setpoint_w": [None, 30.0, 30.0, 30.0], "epoch": [3] * 4,
            "energy_j": [0.3 * s for s in seq],
            "channels": {
                "gen.power_w": {"t_s": t_s, "value": [29.5, None, 30.5, 31.0], "quality": [0, 1, 0, 0]},
                "tc\ttip_c": {"t_s": [None], "value": [41.5], "quality": [2]},
            },
        })  # fmt: skip
    event = {
        "part": 2, "schema": "abl/events/1", "seq": n + 1, "t_s": n * 0.08, "utc": "2026-11-22T04:25:01.000Z",
        "kind": "note", "data": {"text": "tab\t back\\slash 5 Ω"},
    }  # fmt: skip
    return [*found, {**common, **event}]


def closed(n: int, head: str = HEAD, **more: Any) -> dict[str, Any]:
    """The batch that ends the session."""
    return {
        "bench": "b1", "boot_id": "x", "bd_seq": 1, "simulated": True, "session": SESSION, "batch": n, "part": 0,
        "parts": 1, "historical": bool(more), "schema": "abl/closed/1", "summary": {"result": "completed"},
        "chain_head": head, **more,
    }  # fmt: skip


def meta(**more: Any) -> dict[str, Any]:
    header = {"id": SESSION, "utc": "2026-11-22T04:25:00.000Z", "t_start_s": 0.0, "bench": "b1"}
    channels = [{"name": "gen.power_w", "unit": "W", "low": 0.0, "high": 200.0, "period_s": 0.01}]
    return {
        "bench": "b1", "boot_id": "x", "bd_seq": 1, "simulated": True, "schema": "abl/session/1", "session": SESSION,
        "header": header, "channels": channels, **more,
    }  # fmt: skip


class Bench:
    """``last``: the batch that closes the session. ``refuses``: what it answers to who asks."""

    def __init__(self, port: int, last: int = 20, name: str = "b1") -> None:
        self.root, self.last, self.refuses = f"abl/v1/lab/{name}", last, ""
        self.asked: list[dict[str, Any]] = []
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"bench-{name}")
        self._client.on_message = lambda _c, _u, message: self._answer(json.loads(message.payload))
        self._client.on_connect = lambda client, *_: client.subscribe(f"{self.root}/cmd/backfill", qos=1)
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        wait_until(self._client.is_connected, "the bench")

    def say(self, topic: str, body: object, *, retain: bool = False, wait: bool = True) -> None:
        if wait:
            wait_until(self._client.is_connected, "the broker")
        told = self._client.publish(f"{self.root}/{topic}", json.dumps(body), qos=1, retain=retain)
        if wait:
            told.wait_for_publish(5)

    def status(self, newest: int | None, session: str | None = SESSION) -> None:
        body = {
            "schema": "abl/status/1", "bench": "b1", "boot_id": "x", "bd_seq": 1, "simulated": True, "state": "online",
            "session": session, "acknowledged_batch": newest,
        }  # fmt: skip
        self.say("status", body, retain=True)

    def send(self, n: int, *, parts: tuple[int, ...] = (0, 1, 2)) -> None:
        """A live batch, or some of its parts."""
        if n == self.last:
            self.say(f"session/{SESSION}/events", closed(n))
            return
        for part in parts:
            self.say(f"session/{SESSION}/{'events' if part == 2 else 'samples'}", batch(n)[part])

    def _answer(self, asked: dict[str, Any]) -> None:
        self.asked.append(asked)
        reply, request = f"backfill/{asked['reply_to']}", asked["request"]
        if not self.refuses:
            self.say(f"{reply}/meta", meta(request=request), wait=False)
            for n in range(asked["first_batch"], min(asked["last_batch"], self.last) + 1):
                if n == self.last:
                    self.say(f"{reply}/events", closed(n, request=request), wait=False)
                    continue
                for body in batch(n, request=request):
                    kind = "events" if body["schema"] == "abl/events/1" else "samples"
                    self.say(f"{reply}/{kind}", body, wait=False)
        done = {
            "schema": "abl/backfilled/1", "request": request, "session": asked["session"],
            "first_batch": asked["first_batch"], "last_batch": asked["last_batch"], "sent": 0,
            "refused": self.refuses or None,
        }  # fmt: skip
        self.say(f"{reply}/done", done, wait=False)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
