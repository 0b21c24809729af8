"""One connection to a broker: how aiomqtt is set up for it, and publishing through a window. The only user of aiomqtt's
API."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Sequence
from typing import Any

import aiomqtt
from paho.mqtt import client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from controller.mqtt.config import MqttConfig
from controller.mqtt.messages import WINDOW
from controller.mqtt.troubles import Forbidden
from controller.outputs.contract import Publication

TIMEOUT_S = 5.0  # for a connection, and for an acknowledgement


class _Ear(logging.Handler):
    """Keeps the last error that paho logs; some of them reach nobody otherwise."""

    heard = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.heard = record.getMessage()


class Client(aiomqtt.Client):
    """Remembers what the broker refused (aiomqtt takes every acknowledgement for a good one) and what paho logged."""

    def __init__(self, *args: Any, **more: Any) -> None:
        self._ear = _Ear(logging.ERROR)
        quiet = logging.Logger("controller.mqtt.paho", logging.ERROR)  # of this client alone
        quiet.addHandler(self._ear)
        super().__init__(*args, **more, logger=quiet)
        self.refused: list[str] = []
        self.json: Properties | None = None
        if more.get("protocol") is aiomqtt.ProtocolVersion.V5:
            self.json = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            self.json.ContentType = "application/json"

    @property
    def heard(self) -> str:
        """The last error in paho's log; empty when there was none."""
        return self._ear.heard

    def _on_publish(self, client: Any, userdata: Any, mid: int, reason_code: Any, properties: Any) -> None:
        if reason_code.is_failure:  # MQTT 5 only: 3.1.1 has no word for it
            self.refused.append(str(reason_code))
        super()._on_publish(client, userdata, mid, reason_code, properties)


def client_for(
    config: MqttConfig, password: str | None, tls: ssl.SSLContext | None, will: Publication | None, suffix: str = ""
) -> Client:
    """A client that leaves its will, expects nothing to be kept for it, and sends at once.

    ``suffix`` makes a second client of the same bench: a broker knows each by its name.
    """
    five = config.mqtt_version == "5"
    return Client(
        config.host,
        config.port,
        username=config.username,
        password=password,
        identifier=f"{config.client_id}{suffix}" if config.client_id else None,
        protocol=aiomqtt.ProtocolVersion.V5 if five else aiomqtt.ProtocolVersion.V311,
        will=aiomqtt.Will(will.topic, will.payload, qos=will.qos, retain=will.retain) if will is not None else None,
        clean_session=None if five else True,  # nothing may be queued for this bench while it is away
        clean_start=True if five else paho.MQTT_CLEAN_START_FIRST_ONLY,
        timeout=TIMEOUT_S,
        keepalive=config.keepalive_s,
        tls_context=tls,
        socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],  # else 40 ms stalls: Nagle meets delayed ACK
    )


async def publish(client: Client, outgoing: Sequence[Publication]) -> None:
    """Publish in order and return once all of QoS 1 are acknowledged.

    Raises:
        aiomqtt.MqttError: the connection is broken, or too slow.
        Forbidden: the broker took one of them and threw it away, and says so (MQTT 5).
    """
    for i in range(0, len(outgoing), WINDOW):
        window = outgoing[i : i + WINDOW]
        client.refused.clear()
        results = await asyncio.gather(
            *(
                client.publish(
                    one.topic,
                    one.payload,
                    qos=one.qos,
                    retain=one.retain,
                    properties=client.json if isinstance(one.payload, str) else None,
                )
                for one in window
            ),
            return_exceptions=True,
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result
        if client.refused:
            raise Forbidden(sorted({one.topic for one in window}), client.refused[0])


async def subscribe(client: Client, topic: str, timeout_s: float = TIMEOUT_S) -> None:
    """Subscribe with QoS 1.

    Raises:
        Forbidden: the broker does not grant it.
        aiomqtt.MqttError: it does not answer within ``timeout_s``.
    """
    granted = await client.subscribe(topic, qos=1, timeout=timeout_s)
    code = granted[0] if granted else 0
    value = code if isinstance(code, int) else code.value
    if value >= 0x80:
        raise Forbidden([topic], str(code) if not isinstance(code, int) else "not granted")
