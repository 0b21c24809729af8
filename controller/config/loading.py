"""From files to checked benches and protocols. One file at a time; :mod:`controller.config.setup` joins two."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from controller.config import bench_checks, drawer
from controller.config.applicators import Shape
from controller.config.bench import Bench
from controller.config.layers import Layer, bench_layers, loosenings, protocol_layers
from controller.config.problems import ConfigError, Problem
from controller.config.protocol import Protocol, ProtocolOf
from controller.config.protocol_checks import law_within
from controller.config.shipped import Kind, locate
from controller.config.validate import validate
from controller.config.yaml_loader import Document, load
from controller.laws import registry as laws
from drivers.contract import Declaration, Driver, Options
from drivers.registry import PluginError, load_driver
from drivers.transport.base import Port, T


@dataclass(frozen=True)
class LoadedBench:
    """A bench file that passed every check that can be made without touching a port."""

    path: Path
    document: Document = field(repr=False)
    bench: Bench
    drivers: dict[str, type[Driver]]
    options: dict[str, Options]
    declarations: dict[str, Declaration]
    layers: tuple[Layer, ...] = field(repr=False)
    whole: Document | None = field(default=None, repr=False)
    """The file as it is written, as long as a protocol may still choose among its applicators."""
    listed: bool = False

    @property
    def reference(self) -> Path:
        """What another process must load to get this very bench: the file, and of a list the applicator."""
        return Path(f"{self.path}{drawer.MARK}{self.bench.applicator.name}") if self.listed else self.path

    def mounting(self, wanted: Shape) -> LoadedBench:
        """This bench with the applicator that fits ``wanted`` best; the mounted one where nothing is left to choose.

        Raises:
            ConfigError: as :func:`check_bench`.
        """
        if self.whole is None:
            return self
        return replace(_check(drawer.mount(self.whole, "", wanted), self.path), listed=self.listed)

    def fixed(self) -> LoadedBench:
        """This bench with what is mounted now: nothing is left to choose."""
        return replace(self, whole=None)

    @property
    def source(self) -> Declaration:
        """What the generator declares."""
        return self.declarations[self.bench.roles.source]


@dataclass(frozen=True)
class LoadedProtocol:
    """A protocol file that is consistent in itself."""

    path: Path
    document: Document = field(repr=False)
    protocol: Protocol


class _NoPort:
    """Stands in for a port while a driver is only asked for its declaration."""

    url = ""

    async def exchange(
        self,
        request: bytes,
        parse: Callable[[bytearray], T | None],
        *,
        timeout_s: float = 0.2,
        urgent: bool = False,
        before_send: Callable[[], bool] | None = None,
    ) -> T:
        raise AssertionError("a declaration needs no port")

    async def send(self, data: bytes, *, urgent: bool = False, quiet_s: float = 0.0) -> None:
        raise AssertionError("a declaration needs no port")

    def now(self) -> float:
        return 0.0

    def fileno(self) -> int | None:
        return None

    async def close(self) -> None:
        return None


def declare(driver: type[Driver], name: str, options: Options) -> Declaration:
    """What a device would declare with these options; touches no port.

    Raises:
        ValueError: options that are fine one by one and make no sense together.
    """
    return driver(name, cast(Port, _NoPort()), options).declaration()


def kind_of(document: Document) -> Kind:
    """Whether a file is a bench or a protocol: by its first words, not by its name.

    Raises:
        ConfigError: it is neither.
    """
    kinds: list[Kind] = [kind for kind in ("bench", "protocol") if kind in document.data]
    if len(kinds) == 1:
        return kinds[0]
    hint = "begin with 'bench: NAME' or 'protocol: NAME'"
    if "plan" in document.data:
        hint = f"it is a plan: ablate plans check {document.file}"
    raise ConfigError([Problem(document.file, 1, "", "neither a bench nor a protocol", hint)])


def _of_kind(document: Document, wanted: Kind) -> Document:
    """``document``, unless it says of itself that it is of another kind: that is one mistake, not one of every key.

    Raises:
        ConfigError: it is another file.
    """
    other = next((kind for kind in ("bench", "protocol", "plan") if kind in document.data), wanted)
    if wanted in document.data or other == wanted:
        return document
    hint = "commands that take both take the bench first"
    what = f"is a {other} file; a {wanted} file is wanted here"
    raise ConfigError([Problem(document.file, document.line((other,)), "", what, hint)])


def load_bench(argument: str | os.PathLike[str]) -> LoadedBench:
    """Read and check a bench: a path, or the name of a shipped one; behind a ``#`` which of its applicators is mounted.

    Raises:
        ConfigError: with every problem found.
    """
    file, name = drawer.split(os.fspath(argument))
    path = locate(file, "bench")
    return check_bench(_of_kind(load(path), "bench"), path, name)


def load_protocol(argument: str | os.PathLike[str]) -> LoadedProtocol:
    """Read and check a protocol: a path, or the name of a shipped one.

    Raises:
        ConfigError: with every problem found.
    """
    path = locate(os.fspath(argument), "protocol")
    return check_protocol(_of_kind(load(path), "protocol"), path)


def check_bench(document: Document, path: Path, applicator: str = "") -> LoadedBench:
    """Check a bench that was read, with every applicator that it lists; see :func:`load_bench`."""
    problems = drawer.problems(document, applicator)
    for one in drawer.each(document) if not problems else ():
        try:
            _check(one, path)
        except ConfigError as error:
            problems += [problem for problem in error.problems if problem not in problems]
    if problems:
        raise ConfigError(problems)
    mounted = _check(drawer.mount(document, applicator, None), path)
    return replace(mounted, whole=None if applicator else document, listed=drawer.listed(document))


def _check(document: Document, path: Path) -> LoadedBench:
    """A bench with one applicator."""
    bench, problems = validate(Bench, document)
    drivers: dict[str, type[Driver]] = {}
    options: dict[str, Options] = {}
    declarations: dict[str, Declaration] = {}
    devices = document.data.get("devices")
    for name, device in (devices if isinstance(devices, dict) else {}).items():
        if isinstance(device, dict) and isinstance(device.get("driver"), str):
            problems += _device(document, str(name), device, drivers, options, declarations)
    problems += bench_checks.unwired(document, document.data.get("roles"))
    if bench is None:
        raise ConfigError(problems)
    problems += bench_checks.ports(document, bench) or bench_checks.one_world(document, bench)
    problems += bench_checks.off_ports(document, bench)
    if len(declarations) == len(bench.devices):
        problems += bench_checks.wiring(document, bench, declarations)
    source = declarations.get(bench.roles.source)
    layers = bench_layers(document, bench, source) if source is not None else ()
    problems += loosenings(layers)
    problems += bench_checks.limits(document, bench)
    if problems:
        raise ConfigError(problems)
    return LoadedBench(path, document, bench, drivers, options, declarations, layers)


def _device(
    document: Document,
    name: str,
    device: dict[str, Any],
    drivers: dict[str, type[Driver]],
    options: dict[str, Options],
    declarations: dict[str, Declaration],
) -> list[Problem]:
    """Find one device's driver, validate its options, ask for its declaration."""
    at = ("devices", name)
    try:
        driver = load_driver(device["driver"])
    except PluginError as error:
        return [document.problem((*at, "driver"), str(error))]
    if "options" in device and not isinstance(device["options"], dict):
        return []  # the model says so already
    written = document if "options" in device else _with_empty_options(document, name)
    checked, problems = validate(driver.OPTIONS, written, (*at, "options"))
    if checked is None:
        return problems
    try:
        declaration = declare(driver, name, checked)
    except ValueError as error:  # options that are fine one by one and make no sense together
        return [document.problem((*at, "options"), str(error))]
    drivers[name], options[name], declarations[name] = driver, checked, declaration
    return []


def _with_empty_options(document: Document, name: str) -> Document:
    """The document as if ``options: {}`` had been written, so that missing options are reported at the device."""
    devices = {**document.data["devices"], name: {**document.data["devices"][name], "options": {}}}
    return Document(document.file, {**document.data, "devices": devices}, document.lines)


def check_protocol(document: Document, path: Path) -> LoadedProtocol:
    """Check a protocol that was read; see :func:`load_protocol`."""
    problems: list[Problem] = []
    law = document.data.get("law")
    model: Any = ProtocolOf[dict[str, Any]]
    if isinstance(law, dict):
        if not isinstance(law.get("kind"), str):
            problems.append(document.problem(("law", "kind"), "missing", f"one of: {', '.join(laws.names())}"))
        else:
            try:
                model = ProtocolOf[laws.find(law["kind"]).PARAMS]  # type: ignore[misc]
            except PluginError as error:
                problems.append(document.problem(("law", "kind"), str(error)))
    found, more = validate(model, document)
    problems += more
    if found is None or problems:
        raise ConfigError(problems)
    protocol = cast(Protocol, found)
    layers = protocol_layers(document, protocol)
    problems += loosenings(layers)
    problems += law_within(document, protocol, layers)
    if problems:
        raise ConfigError(problems)
    return LoadedProtocol(path, document, protocol)
