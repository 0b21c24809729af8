"""Finding laws by name: entry points of the group ``openablate.laws`` (name -> class derived from
:class:`controller.laws.base.Law`).

Metadata is read; code is imported only for the law that a protocol names. A law that cannot be loaded is an error,
never skipped.
"""

from __future__ import annotations

from typing import Any

from controller.laws.base import Law, LawParams
from drivers.registry import imported, offered, pick

GROUP = "openablate.laws"


def names() -> list[str]:
    """The names of the installed laws, sorted.

    Raises:
        PluginError: two distributions offer the same name.
    """
    return sorted(offered(GROUP))


def find(kind: str) -> type[Law[Any]]:
    """The law called ``kind``.

    Raises:
        PluginError: unknown (with a suggestion), offered twice, not importable, or no law.
    """
    return imported(pick(kind, offered(GROUP), "law"), Law, "law")


def create(params: LawParams) -> Law[Any]:
    """A fresh law for one application.

    Raises:
        PluginError: see :func:`find`.
    """
    return find(params.kind)(params)
