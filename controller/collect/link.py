"""The connection to the broker: a lasting one, that acknowledges a message when it is told to and not before."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable
from typing import Any

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from controller.mqtt.broker import TIMEOUT_S, Client
from controller.mqtt.config import MqttConfig

KEPT_S = 7 * 24 * 3600  # how long the broker keeps what comes while the collector is away (MQTT 5; 3.1.1: for ever)


class Link(Client):
    """aiomqtt, but a message is acknowledged by :meth:`acknowledge` alone (paho's manual acknowledgement)."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._client.manual_ack_set(True)

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
