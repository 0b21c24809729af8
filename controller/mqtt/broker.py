"""One connection to a broker: how aiomqtt is set up for it, and publishing through a window. The only user of aiomqtt's
API."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Sequence
from typing import TYPE_CHECKING

from controller.mqtt import messages
from controller.mqtt.config import MqttConfig
from controller.mqtt.messages import Message, Stamp

if TYPE_CHECKING:
    import aiomqtt

WINDOW = 10  # publications in flight; aiomqtt warns beyond
TIMEOUT_S = 5.0  # for a connection, and for an acknowledgement


def client_for(
    config: MqttConfig, password: str | None, tls: ssl.SSLContext | None, root: str, stamp: Stamp
) -> aiomqtt.Client:
    """A client that leaves its will, expects nothing to be kept for it, and sends at once."""
    import aiomqtt
    from paho.mqtt import client as paho

    farewell = messages.status(stamp, online=False)
    five = config.mqtt_version == "5"
    return aiomqtt.Client(
        config.host,
        config.port,
        username=config.username,
        password=password,
        identifier=config.client_id,
        protocol=aiomqtt.ProtocolVersion.V5 if five else aiomqtt.ProtocolVersion.V311,
        will=aiomqtt.Will(f"{root}/{farewell.topic}", farewell.payload, qos=1, retain=True),
        clean_session=None if five else True,  # nothing may be queued for this bench while it is away
        clean_start=True if five else paho.MQTT_CLEAN_START_FIRST_ONLY,
        timeout=TIMEOUT_S,
        keepalive=config.keepalive_s,
        tls_context=tls,
        socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],  # else 40 ms stalls: Nagle meets delayed ACK
    )


async def publish(client: aiomqtt.Client, root: str, outgoing: Sequence[Message]) -> None:
    """Publish in order with QoS 1 and return once all are acknowledged. Raises :class:`aiomqtt.MqttError`."""
    for i in range(0, len(outgoing), WINDOW):
        results = await asyncio.gather(
            *(
                client.publish(f"{root}/{message.topic}", message.payload, qos=1, retain=message.retain)
                for message in outgoing[i : i + WINDOW]
            ),
            return_exceptions=True,
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result
