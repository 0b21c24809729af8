"""One try to connect, for ``ablate doctor``."""

from __future__ import annotations

import asyncio

import aiomqtt

from controller.mqtt.broker import client_for
from controller.mqtt.config import MqttConfig
from controller.mqtt.publisher import secrets_of
from controller.mqtt.troubles import explain


def probe(config: MqttConfig) -> str:
    """Connect as the bench would, with a name of its own so that a running bench is not pushed out, and leave.

    Returns:
        What is wrong and what to do; empty when nothing is.

    Raises:
        MqttProblem: password or certificates cannot be used.
    """
    password, tls = secrets_of(config)

    async def go() -> str:
        client = client_for(config, password, tls, None, "-doctor")
        try:
            async with client:
                return ""
        except (aiomqtt.MqttError, OSError, ValueError) as error:
            return explain(error, config, heard=client.heard)

    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        return runner.run(go())
