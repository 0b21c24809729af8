"""``python -P -m controller.panel --bench-file FILE --runtime-dir DIR …``: the panel of one bench, beside its daemon.

Prints ``READY`` when it listens, and serves until SIGTERM or SIGINT; ``DIR/panel.json`` (0600) says where and with
which tokens. Exit codes: 0 ended by a signal, 2 usage, 3 a bench file that cannot be, 4 a port in use.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from pathlib import Path

from controller.beside_panel import FILE, Where, where
from controller.config.loading import load_bench
from controller.config.problems import ConfigError
from controller.panel.context import Context
from controller.panel.guards import LOOPBACK, Tokens
from controller.panel.server import PortTaken, bound, served
from controller.providers import Providers
from controller.step_back import step_back

LOOK_S = 0.5


def main(argv: list[str] | None = None) -> int:
    """See the module's text."""
    parser = argparse.ArgumentParser(prog="python -m controller.panel", description="The panel of one bench.")
    parser.add_argument("--bench-file", required=True, metavar="FILE")
    parser.add_argument("--runtime-dir", type=Path, required=True, metavar="DIR")
    parser.add_argument("--records", type=Path, metavar="DIR", help="folder of session files")
    parser.add_argument("--port", type=int, metavar="N", help="no other than this one")
    parser.add_argument("--host", default=LOOPBACK, help=argparse.SUPPRESS)
    parser.add_argument("--again", action="store_true", help="after a panel that died: with its port and its tokens")
    parser.add_argument("--exit-with-parent", action="store_true", help="end when the starting process has gone")
    given = parser.parse_args(argv)
    if given.host not in (LOOPBACK, "localhost"):
        parser.error(
            f"the panel listens on {LOOPBACK} only, not on {given.host}; from another computer use an SSH tunnel: "
            f"ssh -L 8480:{LOOPBACK}:8480 THIS-COMPUTER"
        )
    if given.port is not None and not 1 <= given.port <= 65535:
        parser.error(f"{given.port} is no port; write 1 to 65535")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # what is no HTTP is worth no line
    step_back()
    try:
        return asyncio.run(serve(given))
    except (ConfigError, PortTaken) as error:
        print(f"panel: {error}", file=sys.stderr)
        return 3 if isinstance(error, ConfigError) else 4


async def serve(given: argparse.Namespace) -> int:
    """Serve until told to end. Raises :class:`ConfigError`, :class:`PortTaken`."""
    loop, stop, parent = asyncio.get_running_loop(), asyncio.Event(), os.getppid()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loaded = load_bench(given.bench_file).fixed()
    file = given.runtime_dir / FILE
    before = where(given.runtime_dir) if given.again else None
    tokens = Tokens.new() if before is None else Tokens(before.token, before.viewer_token)
    listener = bound(given.port if before is None else before.port)
    port = listener.getsockname()[1]
    records = (given.records or Path(loaded.bench.records.folder)).absolute()
    context = Context(
        loaded, given.bench_file, given.runtime_dir, records, Providers(loaded.bench.ports()), tokens, port
    )
    async with served(context, listener):
        _tell(file, port, tokens)
        print("READY", flush=True)
        while not stop.is_set() and not (given.exit_with_parent and os.getppid() != parent):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LOOK_S)
    file.unlink(missing_ok=True)  # one that fails leaves it to whoever comes after it
    return 0


def _tell(file: Path, port: int, tokens: Tokens) -> None:
    """Whole or not at all, and for this user only."""
    told = Where(f"http://{LOOPBACK}:{port}/", port, os.getpid(), tokens.control, tokens.viewer)
    new = file.with_name(f".{FILE}.new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        json.dump(told._asdict(), out)
    os.replace(new, file)


if __name__ == "__main__":
    sys.exit(main())
