"""The devices of a bench: each is opened, identified, found off, released. Nothing is energised or left open."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from controller import held
from controller.checkup import Finding, fail, ok, warn
from controller.client import runtime_root
from controller.config.loading import LoadedBench
from controller.neighbour import beside
from controller.providers import Providers
from drivers.contract import BadReply, DeviceError, Driver, Identity, LinkLost, NoReply, Options, Refused
from drivers.opening import open_driver
from drivers.transport.base import Link, SerialSettings
from drivers.transport.open import open_link

CONNECT_S = 15.0
GENERIC_REMEDY = "check power, cable, port and baud rate, and that no other program uses it"


async def bench_devices(loaded: LoadedBench) -> list[Finding]:
    """One finding per device of the bench."""
    bench = loaded.bench
    if is_running(bench.bench):
        return [warn("devices", f"bench {bench.bench} is running and owns its ports", "stop it to check its devices")]
    providers = Providers(bench.ports())
    with tempfile.TemporaryDirectory(prefix="abl-") as runtime_dir:
        log = Path(runtime_dir, "neighbour.log")
        try:
            async with contextlib.AsyncExitStack() as stack:
                for argv in providers.neighbours(str(loaded.path.resolve()), runtime_dir):
                    await stack.enter_async_context(beside(argv, log))
                resolve = partial(providers.resolve, runtime_dir=runtime_dir)
                return list(await asyncio.gather(*(_device(loaded, name, resolve) for name in bench.devices)))
        except DeviceError as error:
            return [fail(error.device, error.problem, _last_words(log) or error.remedy)]


def _last_words(log: Path) -> str:
    """What a neighbour said at its end; empty where it said nothing. Its log goes with the folder."""
    try:
        return log.read_text(errors="replace").strip().rpartition("\n")[2]
    except OSError:
        return ""


async def identify(
    kind: type[Driver],
    name: str,
    options: Options,
    url: str,
    baud: int | None = None,
    resolve: Callable[[str], str] | None = None,
) -> Identity:
    """Open ``url``, ask the device who it is, and release the port.

    Raises:
        DeviceError: no such port, no answer, not this device, or a device that must not be used as it is.
    """

    async def opened(url: str, baud: int, settings: SerialSettings) -> tuple[Link, str]:
        return await open_link(url, baud, resolve, settings), url

    driver = await open_driver(kind, name, options, url, baud, opened)
    try:
        async with asyncio.timeout(CONNECT_S):
            return await driver.connect()
    except TimeoutError:
        problem = f"{kind.MODEL} on {url} was not done identifying itself after {CONNECT_S:.0f} s"
        raise DeviceError(name, problem, GENERIC_REMEDY) from None
    except (NoReply, LinkLost, BadReply, Refused) as error:
        problem = f"{kind.MODEL} does not answer as it should on {url}: {error}"
        raise DeviceError(name, problem, GENERIC_REMEDY) from error
    finally:
        await driver.close()


async def _device(loaded: LoadedBench, name: str, resolve: Callable[[str], str]) -> Finding:
    device = loaded.bench.devices[name]
    subject = f"device {name}"
    try:
        told = await identify(loaded.drivers[name], name, loaded.options[name], device.port, device.baud, resolve)
    except DeviceError as error:
        return fail(subject, error.problem, error.remedy)
    details = " ".join(part for part in (told.model, told.serial, told.firmware) if part)
    return ok(subject, f"{details} on {device.port}")


def is_running(bench: str) -> bool:
    """Does another process run the bench, or a daemon that nobody waits for?"""
    return held.is_held(runtime_root() / bench)
