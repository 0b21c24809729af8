"""Transport plug-ins: who owns a port scheme, what must run beside the bench for it, and what it can say of the
specimen.

A provider (entry-point group ``openablate.transports``, named by its URL scheme) is an object with

* ``simulated: bool`` — copied into records and banners; decides nothing but whether ports may stand in one bench file;
* ``neighbour(bench_path, runtime_dir) -> list[str] | None`` — argv of a process to run beside the bench, which prints
  ``READY``;
* ``resolve(url, runtime_dir) -> str`` — the port URL that an ordinary transport can open;
* ``async specimen(runtime_dir) -> dict | None`` — the zone reached and its picture, where the provider can know;
* ``async touch(runtime_dir, thing, how) -> bool`` — act in the operator's place on a contact, a sensor or a tube, as
  the steps of ``ablate commission`` ask (:class:`controller.commissioning.job.Act`); False where hands are real;
* ``async hands(runtime_dir, kind, value)`` — do in the operator's place what a prompt of ``kind`` asks for; where hands
  are real, nothing;
* ``async foot(runtime_dir, pressed) -> bool`` (may be left out) — press or let go of the bench's footswitch; False
  where there is none to press from here. A press lasts 0.3 s unless it is repeated: whoever presses may die.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Protocol

from drivers.registry import offered

GROUP = "openablate.transports"
BANNERS = ("", "SIMULATED")
"""What every view shows, by ``simulated``: a look-up, because nothing may branch on it."""
WORLDS = ("real", "simulated")
"""What a port belongs to, by its provider's ``simulated``."""


Foot = Callable[[str, bool], Awaitable[bool]]


class Provider(Protocol):
    """See the module's text."""

    simulated: bool

    def neighbour(self, bench_path: str, runtime_dir: str) -> list[str] | None: ...
    def resolve(self, url: str, runtime_dir: str) -> str: ...
    async def specimen(self, runtime_dir: str) -> dict[str, Any] | None: ...
    async def hands(self, runtime_dir: str, kind: str, value: float | None) -> None: ...
    async def touch(self, runtime_dir: str, thing: str, how: str) -> bool: ...


def scheme_of(url: str) -> str:
    """``sim`` for ``sim://gen``; empty for a path."""
    return url.split("://", 1)[0] if "://" in url else ""


class Providers:
    """The providers that a bench's ports need."""

    def __init__(self, urls: Iterable[str]) -> None:
        """Load what the schemes in ``urls`` ask for; schemes without a plug-in are left to the ordinary transports."""
        there = offered(GROUP)
        self._urls = tuple(urls)
        schemes = sorted({scheme_of(url) for url in self._urls} & set(there))
        self._by_scheme: dict[str, Provider] = {scheme: there[scheme].load() for scheme in schemes}

    @property
    def simulated(self) -> bool:
        """True when every port is simulated: with one real port among them nothing may say that no energy is there.
        Only ever copied into records and banners.
        """
        return set(self.worlds()) == {WORLDS[True]}

    def worlds(self) -> dict[str, list[str]]:
        """The ports by :data:`WORLDS`, real ones first. A bench has one world: a simulated contact cannot stop a real
        generator (H81).
        """
        found: dict[str, list[str]] = {world: [] for world in WORLDS}
        for url in self._urls:
            found[WORLDS[getattr(self._by_scheme.get(scheme_of(url)), "simulated", False)]].append(url)
        return {world: urls for world, urls in found.items() if urls}

    def neighbours(self, bench_path: str, runtime_dir: str) -> list[list[str]]:
        """The argv of every process that must run beside the bench."""
        found = (provider.neighbour(bench_path, runtime_dir) for provider in self._by_scheme.values())
        return [argv for argv in found if argv]

    def resolve(self, url: str, runtime_dir: str) -> str:
        """The port to open for ``url``."""
        provider = self._by_scheme.get(scheme_of(url))
        return provider.resolve(url, runtime_dir) if provider is not None else url

    async def specimen(self, runtime_dir: str) -> dict[str, Any] | None:
        """What is known of the specimen after the application: ``zone`` and ``picture``; None on a real bench."""
        for provider in self._by_scheme.values():
            if (told := await provider.specimen(runtime_dir)) is not None:
                return told
        return None

    async def hands(self, runtime_dir: str, kind: str, value: float | None) -> None:
        """What the operator says that he did is done where nobody has hands. Raises ValueError: it cannot be."""
        for provider in self._by_scheme.values():
            await provider.hands(runtime_dir, kind, value)

    async def foot(self, runtime_dir: str, pressed: bool) -> bool:
        """Press the footswitch for 0.3 s, or let go of it; False where that cannot be done from here."""
        for provider in self._by_scheme.values():
            foot: Foot | None = getattr(provider, "foot", None)
            if foot is not None and await foot(runtime_dir, pressed):
                return True
        return False

    def provides(self, urls: Iterable[str]) -> bool:
        """Is every one of these ports a provider's, so that there is no real thing to touch?"""
        return all(scheme_of(url) in self._by_scheme for url in urls)

    async def touch(self, runtime_dir: str, thing: str, how: str) -> bool:
        """Somebody's hands but the operator's have done it. Raises ValueError: they cannot."""
        for provider in self._by_scheme.values():
            if await provider.touch(runtime_dir, thing, how):
                return True
        return False
