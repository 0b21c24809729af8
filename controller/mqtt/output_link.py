"""The connection of one output: its own client, its own will, and its failures kept to itself."""

from __future__ import annotations

import asyncio
import logging

import aiomqtt

from controller.mqtt import broker
from controller.mqtt.broker import Client
from controller.mqtt.post import Post
from controller.mqtt.troubles import Forbidden, explain
from controller.outputs.contract import Output
from controller.together import until_one_ends

log = logging.getLogger("controller.mqtt")

FOLLOW_S = 1.0
AGAIN_S = 5.0


class OutputLink:
    """Runs an output for as long as the publisher runs."""

    def __init__(self, post: Post, name: str, kind: type[Output]) -> None:
        self._post, self._name, self._kind = post, name, kind
        self._about = f"output {name}"
        self._first = post.bd_seq  # number of its first connection since the bench's start

    async def run(self) -> None:
        """Connect, tell, and connect again, until the publisher closes."""
        post, connection = self._post, self._first
        while not post.closing:
            try:
                await self._once(self._kind(connection))
            except (aiomqtt.MqttError, Forbidden, OSError, ValueError) as error:
                post.note(self._about, f"{self._about}: {explain(error, post.config)}")
            except Exception as error:
                text = f"{self._about} failed: {type(error).__name__}: {error}; tell its author, or take it out of mqtt"
                post.note(self._about, text)
                log.exception("%s failed", self._about)
            connection += 1
            await self._rest(AGAIN_S)

    async def _once(self, output: Output) -> None:
        post = self._post
        will, suffix = output.will(post.view()), f"-{self._name}"
        version = output.MQTT_VERSION or post.config.mqtt_version
        config = post.config.model_copy(update={"mqtt_version": version})
        client = broker.client_for(config, post.password, post.tls, will, suffix)
        async with client:
            for topic in output.subscriptions(post.view()):
                await broker.subscribe(client, topic)
            await broker.publish(client, output.born(post.view()))
            post.note(self._about, "")
            lock = asyncio.Lock()  # the messages of an output keep their order
            await until_one_ends(self._follow(client, output, lock), self._listen(client, output, lock))

    async def _follow(self, client: Client, output: Output, lock: asyncio.Lock) -> None:
        post = self._post
        while not post.closing:
            async with lock:
                await broker.publish(client, output.follow(post.view()))
            await self._rest(FOLLOW_S)
        await broker.publish(client, output.farewell(post.view()))

    async def _rest(self, seconds: float) -> None:
        """Sleep, at most until the publisher closes."""
        for _ in range(int(seconds / 0.1)):
            if not self._post.closing:
                await asyncio.sleep(0.1)

    async def _listen(self, client: Client, output: Output, lock: asyncio.Lock) -> None:
        async for message in client.messages:
            payload = message.payload if isinstance(message.payload, bytes) else str(message.payload or "").encode()
            async with lock:
                view = self._post.view()
                await broker.publish(client, output.heard(str(message.topic), payload, bool(message.retain), view))
