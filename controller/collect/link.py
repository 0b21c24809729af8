"""The connection to the broker: a lasting one, that acknowledges a message when it is told to and not before.

What the broker has kept while the collector was away can be gigabytes, and comes before everything else: before the
answer to a subscription too. It is taken as fast as it can be put away, and no faster.
"""

from __future__ import annotations

import asyncio
import math
import socket
import ssl
import time
from collections.abc import Iterable
from typing import Any

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from controller.mqtt.broker import TIMEOUT_S, Client, subscribe
from controller.mqtt.config import MqttConfig

KEPT_S = 7 * 24 * 3600  # how long the broker keeps what comes while the collector is away (MQTT 5; 3.1.1: for ever)
MOST_HELD = 2000
"""Messages that have come and were not taken yet; with so many, the socket is not read until they are half as many."""


class Link(Client):
    """aiomqtt, but a message is acknowledged by :meth:`acknowledge` alone (paho's manual acknowledgement)."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._client.manual_ack_set(True)
        self._paused = False
        self._heard_s = -math.inf

    def _on_message(self, client: Any, userdata: Any, message: Any) -> None:
        super()._on_message(client, userdata, message)
        self._heard_s = time.monotonic()
        sock = self._client.socket()
        if not self._paused and self._queue.qsize() >= MOST_HELD and sock is not None:
            self._paused = self._loop.remove_reader(sock.fileno())

    def _read_on(self) -> None:
        sock, self._paused = self._client.socket(), False
        if sock is not None:
            self._loop.add_reader(sock.fileno(), self._read)
            self._read()  # what TLS has decoded already makes no socket readable

    def _read(self) -> None:
        """As aiomqtt's own reader does."""
        try:
            self._client.loop_read()
            while not self._paused and getattr(self._client.socket(), "pending", int)():
                self._client.loop_read()
        except Exception as error:
            if not self._disconnected.done():
                self._disconnected.set_exception(error)

    async def subscribed(self, topic: str) -> None:
        """Subscribe, with patience for as long as something else comes.

        Raises:
            aiomqtt.MqttError: the broker says nothing any more.
            Forbidden: it does not grant the topic.
        """
        answer = asyncio.create_task(subscribe(self, topic, math.inf))
        try:
            while not (await asyncio.wait([answer], timeout=TIMEOUT_S))[0]:
                if time.monotonic() - self._heard_s > TIMEOUT_S:
                    raise aiomqtt.MqttError("Operation timed out")
        finally:
            answer.cancel()
            await asyncio.gather(answer, return_exceptions=True)
        answer.result()

    def acknowledge(self, messages: Iterable[aiomqtt.Message]) -> None:
        """These are safe here: the broker may forget them."""
        for message in messages:
            if message.qos:
                self._client.ack(message.mid, message.qos)

    async def gather(self, most: int) -> list[aiomqtt.Message]:
        """Wait for a message; that one and those which came with it."""
        found = [await anext(self.messages)]
        while len(found) < most and not self._queue.empty():
            found.append(self._queue.get_nowait())
        self._heard_s = time.monotonic()
        if self._paused and self._queue.qsize() <= MOST_HELD // 2:
            self._read_on()
        return found


def link_for(config: MqttConfig, name: str, password: str | None, tls: ssl.SSLContext | None) -> Link:
    """A connection under a fixed name, for which the broker keeps what comes while it is broken."""
    five = config.mqtt_version == "5"
    lasting: dict[str, Any] = {"clean_session": False}
    if five:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = KEPT_S
        lasting = {"clean_start": False, "properties": properties}
    return Link(
        config.host,
        config.port,
        username=config.username,
        password=password,
        identifier=config.client_id or f"ablate-collect-{name}",
        protocol=aiomqtt.ProtocolVersion.V5 if five else aiomqtt.ProtocolVersion.V311,
        timeout=TIMEOUT_S,
        keepalive=config.keepalive_s,
        tls_context=tls,
        socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        **lasting,
    )
