"""The operator at the terminal of `ablate run`: what he is asked is printed, Enter says that it is done.

Standard input is read by the loop, never waited for, so that the hold is renewed while he works.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

from controller.daemon.prompts import ATTEND
from controller.perform import Answer

OPERATOR_S = 3.0
"""How long hands take that nobody watches, where ``simulation: {operator_s: …}`` of the bench does not say."""

Say = Callable[[str], None]


class NoOperator(Exception):
    """Something will be asked that only hands can do, and nobody is there to say that it is done (exit code 2)."""

    code = 2


def answerer(say: Say, *, yes: bool, simulation: Mapping[str, Any] | None, needed: bool) -> Answer | None:
    """Who answers prompts in this foreground; None: nobody here, but nothing will be asked either.

    Args:
        say: prints one line.
        yes: every prompt for hands is answered by itself, after a while. Whether somebody is there is answered by
            nobody but somebody: by a key here, or by whoever confirms it elsewhere.
        simulation: of the bench file.
        needed: what is run will ask.

    Raises:
        NoOperator: it will ask, and standard input is no terminal.
    """
    there = sys.stdin is not None and sys.stdin.isatty()
    keyboard = Keyboard(say, sys.stdin.fileno()) if there else None
    if yes:
        operator_s = float((simulation or {}).get("operator_s", OPERATOR_S))

        async def say_yes(prompt: dict[str, Any]) -> float | None:
            if prompt["kind"] == ATTEND:
                return await (keyboard.answer(prompt) if keyboard is not None else _left_to_others(say, prompt))
            say(f"{prompt['text']}: answered by --yes")
            await asyncio.sleep(operator_s)
            return None

        return say_yes
    if keyboard is not None:
        return keyboard.answer
    if needed:
        raise NoOperator(
            "the operator will be asked to do something by hand, and standard input is no terminal; nothing was "
            "energised. Run it from a terminal, or with --yes where no hand is needed"
        )
    return None


async def _left_to_others(say: Say, prompt: dict[str, Any]) -> float | None:
    say(f"PROMPT {prompt['id']}: {prompt['text']}. Nobody is at this terminal; answer with: ablate confirm")
    await asyncio.get_running_loop().create_future()  # until somebody else answers
    return None


class Keyboard:
    """Lines from a terminal."""

    def __init__(self, say: Say, fd: int) -> None:
        self._say, self._fd = say, fd

    async def answer(self, prompt: dict[str, Any]) -> float | None:
        """Print the prompt and wait for Enter; what is typed before it is the length reached."""
        loop = asyncio.get_running_loop()
        if refused := prompt.get("refused"):
            self._say(f"refused: {refused}")
        length = (
            "" if prompt["value"] is None else f"; another length than {prompt['value']:g} {prompt['unit']}: type it"
        )
        enter = "Press Enter." if prompt["kind"] == ATTEND else f"Enter when it is done{length}."
        self._say(f"PROMPT {prompt['id']}: {prompt['text']}. {enter}")
        while True:
            line = await self._line(loop)
            if line is None:
                self._say(f"standard input has ended; confirm with: ablate confirm {prompt['id']}")
                await loop.create_future()  # until somebody else answers
            elif not (typed := line.strip()) or prompt["kind"] == ATTEND:
                return None
            else:
                try:
                    return float(typed)
                except ValueError:
                    self._say(f"{typed!r} is no length; Enter alone says that it is done")

    async def _line(self, loop: asyncio.AbstractEventLoop) -> str | None:
        """The next line; None when there will be none."""
        got: asyncio.Future[str | None] = loop.create_future()
        typed = bytearray()

        def read() -> None:
            try:
                data = os.read(self._fd, 1024)
            except OSError:
                data = b""
            typed.extend(data)
            if (not data or b"\n" in data) and not got.done():
                got.set_result(typed.decode(errors="replace") if data else None)

        loop.add_reader(self._fd, read)
        try:
            return await got
        finally:
            loop.remove_reader(self._fd)
