"""Who touches the bench: a person at the terminal, or the hands of the ports' own provider."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Awaitable, Callable, Sequence

from controller.commissioning.job import Act, Skipped

Touch = Callable[[str, str], Awaitable[bool]]
"""(thing, how): done in the operator's place; False: nobody's hands but his can."""

SKIP = "skip"


class Provided:
    """Hands of the ports' provider: it does what is asked, and its word is that it did."""

    def __init__(self, touch: Touch, say: Callable[[str], None]) -> None:
        self._touch, self._say = touch, say

    async def do(self, text: str, acts: Sequence[Act]) -> None:
        """See :class:`~controller.commissioning.job.Hands`. Raises Skipped: the provider cannot."""
        for act in acts:
            if not await self._touch(act.thing, act.how):
                raise Skipped(f"the provider of the ports has no hand for {act.thing}: {act.how}")

    async def word(self, question: str) -> bool:
        """Nobody is there who could say no."""
        return True

    def skipped(self) -> None:
        """Never."""

    def begin(self) -> None:
        """See :class:`~controller.commissioning.job.Hands`."""

    def tell(self, text: str) -> None:
        """See :class:`~controller.commissioning.job.Hands`."""
        self._say(text)


class Person:
    """Somebody at the terminal. Lines are read by the loop, so that the bench is watched meanwhile; ``skip REASON``
    ends the step under way.
    """

    def __init__(self, say: Callable[[str], None], fd: int | None = None) -> None:
        self._say, self._fd = say, sys.stdin.fileno() if fd is None else fd
        self._typed = bytearray()
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._skip: str | None = None
        self._asking = False
        self._ended = False

    def __enter__(self) -> Person:
        asyncio.get_running_loop().add_reader(self._fd, self._read)
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ValueError, OSError):
            asyncio.get_running_loop().remove_reader(self._fd)

    def _read(self) -> None:
        try:
            data = os.read(self._fd, 1024)
        except OSError:
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self._fd)
            self._ended, self._skip = True, "the terminal was closed"
            self._lines.put_nowait(f"{SKIP} {self._skip}")
        self._typed.extend(data)
        *lines, rest = bytes(self._typed).split(b"\n")
        self._typed = bytearray(rest)
        for line in lines:
            self._heard(line.decode(errors="replace").strip())

    def _heard(self, line: str) -> None:
        if self._asking:
            self._lines.put_nowait(line)
        elif line.partition(" ")[0] == SKIP:
            self._skip = line.partition(" ")[2].strip() or "no reason given"
        elif line:
            self._say(f"  nothing to answer now; `{SKIP} REASON` leaves this step out")

    async def do(self, text: str, acts: Sequence[Act]) -> None:
        """See :class:`~controller.commissioning.job.Hands`."""
        self._say(f"  -> {text}   ({SKIP} REASON leaves it out)")

    async def word(self, question: str) -> bool:
        """Ask until it is yes, no or skip. Raises Skipped."""
        self._asking = True
        try:
            while not self._ended:
                self._say(f"  ?  {question} [yes/no/{SKIP} REASON]")
                line = await self._lines.get() or ""
                word, _, rest = line.partition(" ")
                if word == SKIP:
                    raise Skipped(rest.strip() or "no reason given")
                if word.lower() in ("yes", "y", "no", "n"):
                    return word.lower().startswith("y")
        finally:
            self._asking = False
        raise Skipped("the terminal was closed")

    def skipped(self) -> str | None:
        """See :class:`~controller.commissioning.job.Hands`."""
        return self._skip

    def begin(self) -> None:
        """See :class:`~controller.commissioning.job.Hands`. A closed terminal stays closed."""
        if not self._ended:
            self._skip = None

    def tell(self, text: str) -> None:
        """See :class:`~controller.commissioning.job.Hands`."""
        self._say(text)
