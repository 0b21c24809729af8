"""Other people's clients, each in an environment of its own, against our emulators on PTYs and sockets.

``python -m tests.interop.run [--environments DIR] [NAME...]`` makes an environment per client under DIR, installs the
client there (never into ours), runs its script in ``clients/``, and prints one line each: PASS, FAIL, or SKIP with
the reason (a package that cannot be installed here is no failure of ours). Exit code 1 when one failed. Only the
standard library is needed. ``make interop`` runs the same scripts from one environment that they share.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


class Client(NamedTuple):
    """Whose client, in the locked version or the one given, against which emulator."""

    name: str
    script: str
    model: str
    packages: tuple[str, ...]
    load_ohm: float = 50.0
    network: bool = False  # on a TCP port instead of a PTY
    options: Mapping[str, Any] = {}  # of the emulator


SERVE = "import json, sys; from sim.serve import serve_device; sys.exit(serve_device(**json.loads(sys.argv[1])))"
PYMEASURE = ("pymeasure", "pyvisa-py", "pyserial")

CLIENTS = (
    Client("pymeasure-cxn", "pymeasure_cxn.py", "tc-cxn", PYMEASURE, 100.0),
    Client("pymeasure-cxn-bytes", "pymeasure_cxn_bytes.py", "tc-cxn", PYMEASURE),
    Client("pymeasure-kuhne", "pymeasure_kuhne.py", "kuhne-kusg", PYMEASURE),
    Client("pymeasure-33500", "pymeasure_33500.py", "keysight-33500b", PYMEASURE, network=True),
    Client("pymodbus-rtu", "pymodbus_sairem.py", "sairem-gms", ("pymodbus", "pyserial")),
    Client("pymodbus-tcp", "pymodbus_sairem.py", "sairem-gms", ("pymodbus",), network=True),
    Client("minimalmodbus", "minimalmodbus_sairem.py", "sairem-gms", ("minimalmodbus",)),
    Client("pymodbus-moxa", "pymodbus_moxa.py", "moxa-iologik", ("pymodbus",), network=True),
    Client("sensirion-1", "sensirion_scc1.py", "sensirion-slf3x", ("sensirion-uart-scc1==1.1.1",)),
    Client("sensirion-2", "sensirion_scc1.py", "sensirion-slf3x", ("sensirion-uart-scc1",)),
    Client("ismatec", "ismatec_icc.py", "ismatec-reglo-icc", ("ismatec",)),
    Client("numato", "numato_module.py", "numato-gpio", ("numato-gpio",)),
    Client("numato-control", "numato_relays.py", "numato-relay", ("numato-control",)),
    Client("kmtronic", "kmtronic_relays.py", "kmtronic-relay", ("kmtronic-usb-relay",)),
    Client("daqmon", "daqmon_34970a.py", "keysight-34970a", ("daqmon",)),
    Client("julabo", "julabo_circulator.py", "julabo", ("julabo", "sockio"), 50.0, True, {"hasty": True}),
    Client("instrumentkit", "instrumentkit_cesar.py", "ae-bus", ("instrumentkit", "pyserial"), 100.0),
)

BY_HAND = {
    "instrumentkit": "PyPI's 0.6.0 neither builds nor knows the Cesar: pip install a clone of InstrumentKit's main",
}
"""Packages that cannot be locked, and what to do about it."""


def locked() -> dict[str, str]:
    """Package -> version, as ``make interop`` installs them."""
    text = "".join((ROOT / "requirements" / f"interop{part}.txt").read_text() for part in ("", "-bare"))
    return dict(re.findall(r"^([A-Za-z0-9-]+)==([^ \n]+)", text, re.MULTILINE))


@contextlib.contextmanager
def emulated(client: Client) -> Iterator[str]:
    """The client's emulator in a process of its own; yields the link to its PTY, or its ``HOST:PORT``."""
    with tempfile.TemporaryDirectory(prefix="interop-") as folder:
        link, log = f"{folder}/port", Path(folder) / "log"
        where = {"tcp_port": 0} if client.network else {"pty_link": link}
        given = {"model": client.model, "load_ohm": client.load_ohm, "options": client.options, **where}
        command = [sys.executable, "-c", SERVE, json.dumps(given)]
        with (
            log.open("w") as errors,
            subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
        ):
            try:
                assert process.stdout is not None
                ready = process.stdout.readline().strip() == "READY"
                said = log.read_text()
                port = re.search(r"socket://(\S+)", said)
                if not ready or (client.network and not port):
                    raise RuntimeError(f"the emulator of {client.model} did not start: {said}")
                yield port[1] if port else link
            finally:
                process.terminate()


def run_client(client: Client, python: Path) -> subprocess.CompletedProcess[str]:
    """The client's script with its own interpreter; fails by its exit code."""
    with emulated(client) as where:
        script = str(HERE / "clients" / client.script)
        return subprocess.run(
            [str(python), script, where], cwd=HERE, capture_output=True, text=True, timeout=60.0, check=False
        )


def environment(client: Client, under: Path) -> tuple[Path, str]:
    """The interpreter of the client's environment, made if need be, and why there is none."""
    folder = under / client.name
    python = folder / "bin" / "python"
    marker = folder / "installed"
    versions = locked()
    if by_hand := [BY_HAND[package] for package in client.packages if package in BY_HAND]:
        return python, by_hand[0]
    packages = [package if "==" in package else f"{package}=={versions[package]}" for package in client.packages]
    wanted = " ".join(packages)
    if marker.exists() and marker.read_text() == wanted:
        return python, ""
    venv.create(folder, with_pip=True, clear=True)
    install = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", *packages]
    done = subprocess.run(install, capture_output=True, text=True, timeout=600.0, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["pip failed"]
        return python, f"{wanted} cannot be installed: {lines[-1]}"
    marker.write_text(wanted)
    return python, ""


def main(argv: list[str] | None = None) -> int:
    """Run the clients; 1 when one failed."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.interop.run", description="Other people's clients on our wires."
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(c.name for c in CLIENTS)}; default: all"
    )
    parser.add_argument("--environments", type=Path, default=ROOT / ".venv-interop" / "clients", metavar="DIR")
    given = parser.parse_args(argv)
    if unknown := set(given.names) - {client.name for client in CLIENTS}:
        parser.error(f"unknown {', '.join(sorted(unknown))}")
    failed = False
    for client in CLIENTS:
        if given.names and client.name not in given.names:
            continue
        python, why_not = environment(client, given.environments)
        if why_not:
            print(f"SKIP  {client.name}: {why_not}", flush=True)
            continue
        done = run_client(client, python)
        failed |= done.returncode != 0
        print(f"{'FAIL' if done.returncode else 'PASS'}  {client.name}  ({' '.join(client.packages)})", flush=True)
        if done.returncode:
            print(done.stdout + done.stderr, file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
