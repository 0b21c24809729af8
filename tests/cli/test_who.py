"""Who the record says it was that asked: the name that a client gives."""

from __future__ import annotations

import asyncio
import os
import pwd
from pathlib import Path

import pytest

from controller.client import Client


async def _sent(folder: Path) -> str:
    """The name that a client gives."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_unix_server(serve, folder / "s"):
        client = await Client.connect(folder / "s")
        await client.close()
        return client.who


@pytest.mark.parametrize("known", [True, False])
def test_without_a_name_in_the_shell_the_account_is_asked(
    short_dir: Path, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    if known:
        expected = pwd.getpwuid(os.getuid()).pw_name
    else:
        expected = str(os.getuid())
        monkeypatch.setattr(pwd, "getpwuid", lambda uid: {}[uid])
    assert asyncio.run(_sent(short_dir)) == expected
