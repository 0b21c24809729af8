"""How kernels are compiled: cached on disk, SIMD reductions allowed, NaN and infinity kept meaningful."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

_F = TypeVar("_F", bound=Callable[..., object])


_FAST = {"reassoc", "contract", "arcp", "nsz"}


def kernel(function: _F) -> _F:
    """Compile ``function`` at its first call; later processes load it from the cache beside its file."""
    return cast(_F, numba.njit(cache=True, error_model="numpy", fastmath=_FAST)(function))


def inlined(function: _F) -> _F:
    """A part of a kernel, compiled into whichever kernel calls it (half the compile time of a kernel of its own)."""
    return cast(_F, numba.njit(inline="always", error_model="numpy", fastmath=_FAST)(function))


def part(function: _F) -> _F:
    """A part of a kernel as a function of its own: compiles faster where parts are many or called more than once."""
    compiler: Any = numba.njit  # whose types do not know the option
    return cast(_F, compiler(error_model="numpy", fastmath=_FAST, no_cpython_wrapper=True)(function))
