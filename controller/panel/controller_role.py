"""Which page controls: at most one, chosen by taking it; all others look. STOP is everybody's."""

from __future__ import annotations

from collections.abc import Callable

GRACE_S = 10.0
"""A page that is reloaded keeps its control when it is back within this time."""


class ControllerRole:
    """``now`` is the client that controls, None: nobody. ``changed`` is called with it whenever it changes."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._holder: str | None = None
        self._here: dict[str, int] = {}  # how many streams a client has open
        self._left_s: float | None = None  # since when the holder has none
        self.changed: Callable[[str | None], None] = lambda client: None

    @property
    def now(self) -> str | None:
        if self._left_s is not None and self._clock() - self._left_s > GRACE_S:
            self._hand(None)
        return self._holder

    def take(self, client: str) -> str | None:
        """``client`` controls from now on; who did before, where that was another one."""
        before = self.now
        if before != client:
            self._hand(client)
        self._left_s = None if client in self._here else self._clock()
        return before if before != client else None

    def release(self, client: str) -> bool:
        """Let go; False when ``client`` does not control."""
        if self.now != client:
            return False
        self._hand(None)
        return True

    def seen(self, client: str) -> None:
        """An act came: who has no stream open (a script) keeps control while it acts."""
        if client == self._holder and self._left_s is not None:
            self._left_s = self._clock()

    def came(self, client: str) -> None:
        """A stream was opened."""
        self._here[client] = self._here.get(client, 0) + 1
        if client == self.now:
            self._left_s = None

    def went(self, client: str) -> None:
        """A stream was closed."""
        self._here[client] -= 1
        if not self._here[client]:
            del self._here[client]
            if client == self._holder:
                self._left_s = self._clock()

    def _hand(self, client: str | None) -> None:
        self._holder, self._left_s = client, None
        self.changed(client)
