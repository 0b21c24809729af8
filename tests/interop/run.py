"""Other people's clients, each in an environment of its own, against our emulators on PTYs.

``python -m tests.interop.run [--environments DIR] [NAME...]`` makes an environment per client under DIR, installs the
client there (never into ours), runs its script in ``clients/``, and prints one line each: PASS, FAIL, or SKIP with
the reason (a package that cannot be installed here is no failure of ours). Exit code 1 when one failed. Only the
standard library is needed.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


class Client(NamedTuple):
    """Whose client, which of its versions, against which emulator."""

    name: str
    script: str
    model: str
    packages: tuple[str, ...]
    load_ohm: float = 50.0


CLIENTS = (
    Client("pymeasure", "pymeasure_cxn.py", "tc-cxn", ("pymeasure==0.16.0", "pyvisa-py==0.8.1", "pyserial"), 100.0),
    Client("sensirion-1", "sensirion_scc1.py", "sensirion-slf3x", ("sensirion-uart-scc1==1.1.1",)),
    Client("sensirion-2", "sensirion_scc1.py", "sensirion-slf3x", ("sensirion-uart-scc1==2.0.0",)),
    Client("ismatec", "ismatec_icc.py", "ismatec-reglo-icc", ("ismatec==1.5.2",)),
    Client("numato", "numato_module.py", "numato-gpio", ("numato-gpio==0.14.0",)),
    Client("daqmon", "daqmon_34970a.py", "keysight-34970a", ("daqmon==0.1.1",)),
)


@contextlib.contextmanager
def emulated(model: str, load_ohm: float) -> Iterator[str]:
    """The emulator of ``model`` in a process of its own; yields the link to its PTY."""
    with tempfile.TemporaryDirectory(prefix="interop-") as folder:
        link = f"{folder}/port"
        command = [sys.executable, "-m", "sim.serve", "--device", model, "--pty", link, "--load", str(load_ohm)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                if process.stdout.readline().strip() != "READY":
                    raise RuntimeError(f"the emulator of {model} did not start")
                yield link
            finally:
                process.terminate()


def run_client(client: Client, python: Path) -> subprocess.CompletedProcess[str]:
    """The client's script with its own interpreter; fails by its exit code."""
    with emulated(client.model, client.load_ohm) as link:
        script = str(HERE / "clients" / client.script)
        return subprocess.run(
            [str(python), script, link], cwd=HERE, capture_output=True, text=True, timeout=60.0, check=False
        )


def environment(client: Client, under: Path) -> tuple[Path, str]:
    """The interpreter of the client's environment, made if need be, and why there is none."""
    folder = under / client.name
    python = folder / "bin" / "python"
    marker = folder / "installed"
    wanted = " ".join(client.packages)
    if marker.exists() and marker.read_text() == wanted:
        return python, ""
    venv.create(folder, with_pip=True, clear=True)
    install = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", *client.packages]
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
