"""How kernels are compiled: cached on disk, SIMD reductions allowed, NaN and infinity kept meaningful."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba

_F = TypeVar("_F", bound=Callable[..., object])


_FAST = {"reassoc", "contract", "arcp", "nsz"}


def kernel(function: _F) -> _F:
    """Compile ``function`` at its first call; later processes load it from the cache beside its file."""
    return cast(_F, numba.njit(cache=True, error_model="numpy", fastmath=_FAST)(function))


def inlined(function: _F) -> _F:
    """A part of a kernel, compiled into whichever kernel calls it (half the compile time of a kernel of its own)."""
    return cast(_F, numba.njit(inline="always", error_model="numpy", fastmath=_FAST)(function))
