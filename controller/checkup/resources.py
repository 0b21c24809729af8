"""VISA resources: which answer, and who they say they are. Asks ``*IDN?`` and nothing else.

Searching takes seconds and broadcasts on the network, which is why the daemon never does it. Serial resources are left
out: what identifies one serial instrument may command another, and they are listed as ports anyway.
"""

from __future__ import annotations

import contextlib
import os
import warnings
from dataclasses import asdict, dataclass
from typing import Any

from drivers.contract import DeviceError
from drivers.plain import NAME_LENGTH, plain

TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource; ``name`` is what a bench file writes. ``identity`` is empty when it did not answer."""

    name: str
    identity: str

    def as_dict(self) -> dict[str, str]:
        """For ``--json``."""
        return asdict(self)


def visa_resources(manager: Any = None) -> list[Resource]:
    """Every VISA resource but the serial ones, sorted. ``manager``: a pyvisa ResourceManager; None makes one.

    Raises:
        DeviceError: pyvisa or its backend is missing.
    """
    if manager is None:
        manager = _manager()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pyvisa-py warns of every bus whose library is not installed
        names = sorted(name for name in manager.list_resources("?*") if _may_be_asked(name.upper()))
    return [Resource(f"visa://{name}", _identity(manager, name)) for name in names]


def _may_be_asked(name: str) -> bool:
    """An instrument on LAN, USB or GPIB; no serial line, and no adapter on one."""
    return "ASRL" not in name and name.endswith(("::INSTR", "::SOCKET"))


def _manager() -> Any:
    try:
        import pyvisa

        return pyvisa.ResourceManager(os.environ.get("PYVISA_LIBRARY", "@py"))
    except Exception as error:
        raise DeviceError("visa", f"no VISA here ({error})", "pip install 'openablate[visa]'") from error


def _identity(manager: Any, name: str) -> str:
    with contextlib.suppress(Exception):  # whatever goes wrong, it did not say who it is
        session = manager.open_resource(name, open_timeout=round(TIMEOUT_S * 1000), timeout=round(TIMEOUT_S * 1000))
        try:
            session.write_termination = session.read_termination = "\n"
            return plain(str(session.query("*IDN?")).strip(), 2 * NAME_LENGTH)
        finally:
            session.close()
    return ""
