"""Addresses that a browser can open in a page of its own, where it sends no token: signed, and good for a while."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable

LASTS_S = 3600.0


class Links:
    """Makes and judges them. The secret is of this start of the panel, and of nobody else."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._secret, self._clock = secrets.token_bytes(32), clock

    def make(self, path: str) -> str:
        """``path`` with what makes it good."""
        until = int(self._clock() + LASTS_S)
        return f"{path}?until={until}&key={self._key(path, until)}"

    def good(self, path: str, until: int, key: str) -> bool:
        """Whether this was made here, for this very path, and not too long ago."""
        return hmac.compare_digest(self._key(path, until).encode(), key.encode()) and self._clock() <= until

    def _key(self, path: str, until: int) -> str:
        return hmac.new(self._secret, f"{until} {path}".encode(), hashlib.sha256).hexdigest()
