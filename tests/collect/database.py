"""A real PostgreSQL of a test's own, on a Unix socket."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

DEBIAN = sorted(str(path) for path in Path("/usr/lib/postgresql").glob("*/bin"))  # where it is not on the path
INITDB, POSTGRES = (
    shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *DEBIAN])) for name in ("initdb", "postgres")
)
USER = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root


def usable() -> bool:
    """Whether a server can be started here."""
    if INITDB is None or POSTGRES is None:
        return False
    return USER is None or any(entry.pw_name == USER for entry in pwd.getpwall())


class Server:
    """``conninfo`` is of its only database."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.conninfo = f"host={folder} dbname=postgres user=lab"
        folder.mkdir(mode=0o700)
        if USER:
            shutil.chown(folder, USER)
        assert INITDB is not None
        options = ["-A", "trust", "-U", "lab", "-N", "--no-locale", "-E", "UTF8"]
        subprocess.run([INITDB, "-D", folder / "data", *options], check=True, user=USER, cwd="/", capture_output=True)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        import psycopg

        assert POSTGRES is not None
        options = ["-F", "-k", str(self._folder), "-c", "listen_addresses=", "-c", "shared_buffers=16MB"]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [POSTGRES, "-D", self._folder / "data", *options], user=USER, cwd="/", stdout=log, stderr=log
            )
        for _ in range(200):
            with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.conninfo):
                return
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.05)
        raise AssertionError((self._folder / "log").read_text())

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(3)  # immediate shutdown
            self._process.wait(10)
            self._process = None

    def rows(self, query: str) -> list[tuple[object, ...]]:
        import psycopg

        with psycopg.connect(self.conninfo) as db:
            return db.execute(query).fetchall()  # type: ignore[call-overload, no-any-return]


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Server]:
    server = Server(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
