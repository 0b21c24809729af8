"""Emulated devices on the wire, as a process: ``python -m sim.serve``.

A whole bench:  ``--bench FILE --runtime-dir DIR [--power-log FILE] [--fault SPEC]… [--seed N]``. Each device whose
port is ``sim://<name>`` is served on a PTY at ``DIR/ports/<name>``; ``DIR/sim.sock`` is the back door of tests and
reports (``sim.backdoor``). One device:  ``--device MODEL (--pty LINK | --tcp PORT) [--load OHM] [--fault SPEC]…
[--power-log FILE]``, on a dummy load.

Prints one line ``READY`` when the ports are open, and serves until SIGTERM or SIGINT. The power log gets one JSON line
per change of what the load absorbs, flushed at once: ``{"t_mono_s": time.monotonic(), "device": "gen", "power_w":
12.5}``; a bench that a launcher started, and not you, writes one where ``$ABLATE_POWER_LOG`` says.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from pathlib import Path
from typing import Any, TextIO

import yaml

from controller.providers import Providers
from sim.assembly import SCHEME
from sim.backdoor import Backdoor
from sim.bench import SimBench
from sim.devices import emulator_class
from sim.devices.resistor import LINE_OHM, Resistor
from sim.servers import PtyServer, TcpServer, serving_loop

ADVANCE_PERIOD_S = 0.05
LINGER_S = 30.0
"""How long a bench outlives a launcher that died, so that dead-men can be watched at work."""

PINS = {"estop_a_closed": 0, "estop_b_closed": 1, "foot_no_closed": 2, "foot_nc_closed": 3, "door_closed": 4}
DESK: Mapping[str, tuple[str, Mapping[str, Any]]] = {  # name and options of a device that is emulated alone
    "tc-cxn": ("gen", {}),
    "ismatec-reglo-icc": ("pump", {}),
    "keysight-34970a": (
        "tc",
        {"channels": {101: "tip_c", 102: "tissue_10mm_c", 103: "tissue_20mm_c", 104: "coolant_in_c"}},
    ),
    "sensirion-slf3x": ("flow", {}),
    "numato-gpio": ("inputs", {"pins": PINS}),
    "moxa-iologik": ("inputs", {"pins": PINS}),
    "kmtronic-relay": ("enable", {}),
}

Server = PtyServer | TcpServer


def serve_bench(
    bench_path: Path,
    runtime_dir: Path,
    *,
    power_log: Path | None = None,
    faults: Iterable[str] = (),
    seed: int | None = None,
    parent: int | None = None,
) -> int:
    """Serve the devices of a bench file until SIGTERM or SIGINT; with ``parent``, end some time after that process did.

    Returns an exit code: 0 ended by a signal; 3 a bench or SPEC that cannot be, 4 a port that cannot be made, each
    explained on stderr.
    """

    def run() -> None:
        read = _read(bench_path)
        _all_emulated(read)
        bench = SimBench(read, seed=seed, faults=faults)
        from sim.world.warm import warm

        warm()  # kernels are compiled before anybody is told that the bench is ready

        def ports() -> list[Server]:
            return [
                PtyServer(bench.wires[device], runtime_dir / "ports" / port) for port, device in bench.ports.items()
            ]

        with _log(power_log) as log:
            _run(_serve(bench, ports, log, runtime_dir / "sim.sock", parent))

    return _guarded(run)


def serve_device(
    model: str,
    *,
    pty_link: str | Path | None = None,
    tcp_port: int | None = None,
    load_ohm: float | None = None,
    faults: Iterable[str] = (),
    power_log: Path | None = None,
    options: Mapping[str, Any] | None = None,
) -> int:
    """Serve one device on a dummy load (50 ohm, or ``load_ohm``) until SIGTERM or SIGINT.

    It is served on a PTY that ``pty_link`` becomes a symbolic link to, or on a TCP port (0: a free one, see stderr).

    A SPEC may leave out the device's name: ``ignore_off@30``. Returns as :func:`serve_bench`.
    """

    def run() -> None:
        name, usual = DESK.get(model, ("device", {}))
        if tcp_port is not None and "framing" in emulator_class(model).OPTIONS:
            usual = {"framing": "tcp", **usual}  # Modbus: what is listened to on a network is Modbus TCP
        bench = {"devices": {name: {"driver": model, "port": f"sim://{name}", "options": {**usual, **(options or {})}}}}
        specs = [spec if spec.split(".")[0] in (name, "load") else f"{name}.{spec}" for spec in faults]
        built = SimBench(bench, faults=specs, world=Resistor(LINE_OHM if load_ohm is None else load_ohm))

        def ports() -> list[Server]:
            wire = built.wires[name]
            return [TcpServer(wire, tcp_port or 0) if pty_link is None else PtyServer(wire, Path(pty_link))]

        with _log(power_log) as log:
            _run(_serve(built, ports, log, None, None))

    return _guarded(run)


def _guarded(run: Callable[[], None]) -> int:
    try:
        run()
    except OSError as error:
        print(f"emulator: {error}", file=sys.stderr)
        return 4
    except ValueError as error:
        print(f"emulator: {error}", file=sys.stderr)
        return 3
    except RuntimeError as error:
        print(f"emulator: stopped: {error}", file=sys.stderr)
        return 1
    return 0


def _run(serving: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=serving_loop) as runner:
        runner.run(serving)


async def _serve(
    bench: SimBench,
    ports: Callable[[], list[Server]],
    log: TextIO | None,
    socket_path: Path | None,
    parent: int | None,
) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    broken: list[str] = []

    def give_up(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """A bench whose world has stopped must not go on answering as if it had not."""
        broken.append(f"{context.get('message')}: {context.get('exception')!r}")
        stop.set()

    loop.set_exception_handler(give_up)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if log is not None:

        def write(t_s: float, device: str, power_w: float) -> None:
            log.write(f'{{"t_mono_s": {t_s:.6f}, "device": "{device}", "power_w": {power_w:.3f}}}\n')
            log.flush()

        bench.on_power = write
    bench.start(loop, advance_period_s=ADVANCE_PERIOD_S)
    servers: list[Server] = []
    backdoor = None
    try:
        servers = ports()
        if socket_path is not None:
            backdoor = await Backdoor.open(bench, socket_path)
        gc.collect()
        gc.freeze()  # collections stay short: nothing that lives as long as the bench is looked at again
        for server in servers:
            print(f"{server.wire.emulator.name}: {server.where()}", file=sys.stderr)
        print("READY", flush=True)
        if parent is None:
            await stop.wait()
        else:
            await _stop_or_orphaned(stop, parent)
    finally:
        if backdoor is not None:
            backdoor.close()
        for server in servers:
            server.close()
        bench.stop()
    if broken:
        raise RuntimeError(broken[0])


async def _stop_or_orphaned(stop: asyncio.Event, parent: int) -> None:
    orphan_since_s: float | None = None
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 1.0)
        if os.getppid() == parent:
            continue
        orphan_since_s = time.monotonic() if orphan_since_s is None else orphan_since_s
        if time.monotonic() - orphan_since_s > LINGER_S:
            return


@contextlib.contextmanager
def _log(path: Path | None) -> Any:
    if path is None:
        yield None
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="ascii") as file:
        yield file


def main(argv: list[str] | None = None) -> int:
    """The command line above. Exit codes: 0 ended by a signal, 2 usage, 3 a bench or SPEC that cannot be, 4 a port
    that cannot be made."""
    parser = argparse.ArgumentParser(prog="python -m sim.serve", description="Emulated devices on the wire.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--bench", type=Path, help="bench file: serve all its sim:// devices")
    what.add_argument("--device", metavar="MODEL", help="serve one device on a dummy load")
    parser.add_argument("--runtime-dir", type=Path, help="where ports/ and sim.sock are made (with --bench)")
    parser.add_argument("--pty", type=Path, metavar="LINK", help="symbolic link to make to the PTY (with --device)")
    parser.add_argument(
        "--tcp", type=int, metavar="PORT", help="TCP port on 127.0.0.1, 0 for a free one (with --device)"
    )
    parser.add_argument("--load", type=float, default=50.0, metavar="OHM", help="dummy load (with --device)")
    parser.add_argument(
        "--fault", action="append", default=[], metavar="SPEC", help="device.fault[=value][@onset_s][+duration_s]"
    )
    parser.add_argument(
        "--power-log",
        type=Path,
        metavar="FILE",
        default=os.environ.get("ABLATE_POWER_LOG") or None,
        help="append a JSON line per change of the absorbed power (default: $ABLATE_POWER_LOG)",
    )
    parser.add_argument("--seed", type=int, help="replaces the bench file's seed")
    parser.add_argument(
        "--exit-with-parent", action="store_true", help="end some time after the starting process has gone"
    )
    given = parser.parse_args(argv)
    if given.bench is not None:
        if given.runtime_dir is None:
            parser.error("--bench needs --runtime-dir")
        return serve_bench(
            given.bench,
            given.runtime_dir,
            power_log=given.power_log,
            faults=given.fault,
            seed=given.seed,
            parent=os.getppid() if given.exit_with_parent else None,
        )
    if (given.pty is None) == (given.tcp is None):
        parser.error("--device needs either --pty LINK or --tcp PORT")
    return serve_device(
        given.device,
        pty_link=given.pty,
        tcp_port=given.tcp,
        load_ohm=given.load,
        faults=given.fault,
        power_log=given.power_log,
    )


def _all_emulated(bench: Mapping[str, Any]) -> None:
    """Faults and hands come in by the back door: it is not opened beside a real instrument (H81). Raises ValueError."""
    named: dict[str, str] = {}
    for name, device in (bench.get("devices") or {}).items():
        options = device.get("options") or {}
        more = [url for option, url in options.items() if str(option).endswith("_port")]
        named |= dict.fromkeys(map(str, filter(None, (device.get("port"), *more))), name)
    if real := Providers(named).worlds().get("real"):
        who = ", ".join(f"{named[url]} ({url})" for url in real)
        raise ValueError(f"a bench with real ports is not emulated, nor a part of it: {who}; write {SCHEME}<name>")


def _read(path: Path) -> Mapping[str, Any]:
    """The bench of a file; ``bench.yaml#NAME``: with this one of its applicators, else with the first."""
    file, _, name = str(path).partition("#")
    try:
        bench = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: {error}") from error
    if not isinstance(bench, dict):
        raise ValueError(f"{path}: is not a bench file")
    if name and isinstance(owned := bench.get("applicator"), list):
        if not (named := [entry for entry in owned if entry.get("name") == name]):
            raise ValueError(f"{path}: there is no applicator {name!r}")
        bench["applicator"] = named[0]
    return bench


if __name__ == "__main__":
    sys.exit(main())
