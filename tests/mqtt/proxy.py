"""A TCP proxy between a bench and its broker that can be told to misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Literal

from tests.mqtt.broker import free_port

Mode = Literal["pass", "refuse", "delay", "deaf"]
"""``refuse``: connections end at once. ``delay``: each piece waits. ``deaf``: nothing comes back any more, and nothing
says so (a half of the connection is gone)."""


class Proxy:
    """Listens on ``port`` and hands on to ``target``, in a thread of its own."""

    def __init__(self, target: int) -> None:
        self.port, self._target = free_port(), target
        self.mode: Mode = "pass"
        self.delay_s = 0.0
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._ended = asyncio.Event()
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._serve(ready)), daemon=True)
        self._thread.start()
        assert ready.wait(5)

    def drop(self) -> None:
        """Cut every connection now."""
        self._loop.call_soon_threadsafe(self._drop)

    def close(self) -> None:
        """End."""
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(5)
        self._loop.close()

    def _drop(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    async def _serve(self, ready: threading.Event) -> None:
        server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        ready.set()
        await self._ended.wait()
        server.close()
        self._drop()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            if self.mode == "refuse":
                return
            with contextlib.suppress(OSError):
                back_reader, back_writer = await asyncio.open_connection("127.0.0.1", self._target)
                self._open.add(back_writer)
                try:
                    there = asyncio.create_task(self._pump(reader, back_writer, False))
                    back = asyncio.create_task(self._pump(back_reader, writer, True))
                    _, late = await asyncio.wait((there, back), return_when=asyncio.FIRST_COMPLETED)
                    for task in late:
                        task.cancel()
                finally:
                    self._open.discard(back_writer)
                    back_writer.transport.abort()
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, back: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if self.mode == "delay":
                    await asyncio.sleep(self.delay_s)
                if self.mode == "deaf" and back:
                    continue
                writer.write(data)
                await writer.drain()
