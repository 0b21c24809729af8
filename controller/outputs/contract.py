"""What an output is, and how one is found: entry points of the group ``openablate.sinks``.

An output turns facts into messages and does nothing else: no clock, no thread, no connection of its own. The publisher
gives each one a connection to the bench's broker (with its own will), calls :meth:`Output.follow` once a second, and
keeps one that fails away from everything else. An output is a view of the newest values; whoever needs every sample
reads ``abl/v1/…`` or the session file.

    [project.entry-points."openablate.sinks"]
    my-output = "my_pkg.output:MyOutput"
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint
from typing import Any, ClassVar, Literal, NamedTuple

from drivers.registry import imported, offered, pick

GROUP = "openablate.sinks"
API_VERSION = 1


class Publication(NamedTuple):
    """One message to a broker; ``topic`` is whole."""

    topic: str
    payload: str | bytes
    retain: bool = False
    qos: int = 1


class View(NamedTuple):
    """What is known of the bench now.

    ``root``: its topics, ``abl/v1/<site>/<bench>``. ``software``: versions by name. ``state``: what the daemon is doing
    (``fsm`` is its state). ``latest``: the body of the message of that name, None before a session's first tick.
    """

    site: str
    bench: str
    root: str
    simulated: bool
    software: Mapping[str, Any]
    state: Mapping[str, Any]
    latest: Mapping[str, Any] | None
    utc_ms: int  # since 1970-01-01T00:00Z

    @property
    def channels(self) -> Mapping[str, Mapping[str, Any]]:
        """Newest readings by channel: ``value`` (None: not a number), ``unit``, ``quality`` (0 good), ``t_s``."""
        found: Mapping[str, Mapping[str, Any]] = self.latest["channels"] if self.latest is not None else {}
        return found


class Output(ABC):
    """Made anew for each connection. A subclass writes ``API_VERSION = 1`` in its own body."""

    API_VERSION: ClassVar[int]
    MQTT_VERSION: ClassVar[Literal["3.1.1", "5"] | None] = None  # None: as the bench file has it

    def __init__(self, connection: int) -> None:
        """``connection``: 0 for the first since the program started, then 1, 2, …"""
        self.connection = connection

    def will(self, view: View) -> Publication | None:
        """What the broker says when the connection is lost."""
        return None

    def subscriptions(self, view: View) -> Sequence[str]:
        """Topics to hear."""
        return ()

    @abstractmethod
    def born(self, view: View) -> list[Publication]:
        """The first messages of a connection."""

    @abstractmethod
    def follow(self, view: View) -> list[Publication]:
        """What has changed; once a second."""

    def heard(self, topic: str, payload: bytes, retained: bool, view: View) -> list[Publication]:
        """The answer to a message. Nothing that is heard may act on the bench: an output has no way to."""
        return []

    def farewell(self, view: View) -> list[Publication]:
        """The last messages before the connection is closed in order."""
        return []


def check_name(name: str) -> EntryPoint:
    """The entry point of an output; nothing is imported.

    Raises:
        PluginError: there is none of this name; with a suggestion.
    """
    return pick(name, offered(GROUP), "output")


def load_output(name: str) -> type[Output]:
    """The output called ``name`` in bench files.

    Raises:
        PluginError: unknown, offered twice, not importable, not an output, or written for another version.
    """
    return imported(check_name(name), Output, "output", API_VERSION)
