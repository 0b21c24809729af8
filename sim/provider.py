"""The plug-in behind ``port: sim://<name>`` in a bench file (entry-point group ``openablate.transports``).

A bench with such ports gets a neighbour process that emulates them; ``sim://gen`` then is the PTY ``<runtime
directory>/ports/gen``, opened like any other serial port.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sim.bench import SCHEME


class Provider:
    """What the launcher needs to know of a transport plug-in."""

    def neighbour(self, bench_path: str, runtime_dir: str) -> list[str] | None:
        """Command line of the process to run beside the bench; it prints ``READY`` when its ports are open."""
        command = [sys.executable, "-m", "sim.serve", "--bench", bench_path, "--runtime-dir", runtime_dir]
        return [*command, "--exit-with-parent"]

    def resolve(self, url: str, runtime_dir: str) -> str:
        """The serial path of ``url``. Raises ValueError for a URL that is not ``sim://<name>``."""
        name = url.removeprefix(SCHEME).strip("/")
        if not url.startswith(SCHEME) or not name or "/" in name or name.startswith("."):
            raise ValueError(f"port {url!r}: write {SCHEME}<name>, for example {SCHEME}gen")
        return str(Path(runtime_dir) / "ports" / name)


PROVIDER = Provider()
