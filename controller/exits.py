"""The exit codes of ``ablate``. Scripts and CI rely on them; they never change their meaning."""

from __future__ import annotations

import enum


class Exit(enum.IntEnum):
    """What the process returns to the shell."""

    DONE = 0
    UNEXPECTED = 1  # a defect: the message asks for a report
    USAGE = 2
    CONFIGURATION = 3
    DEVICE = 4  # not found, refused, or not what the bench file says
    TRIPPED = 5  # a safety trip ended the application
    ABORTED = 6  # the operator ended it
    UNREACHABLE = 7  # no daemon answers
    VERIFICATION = 8  # a record does not verify
    INTERRUPTED = 130  # 128 + SIGINT
    TERMINATED = 143  # 128 + SIGTERM


MEANING = {
    Exit.DONE: "done",
    Exit.UNEXPECTED: "unexpected error",
    Exit.USAGE: "usage",
    Exit.CONFIGURATION: "configuration",
    Exit.DEVICE: "device not found or refused",
    Exit.TRIPPED: "ended by a safety trip",
    Exit.ABORTED: "aborted by the operator",
    Exit.UNREACHABLE: "daemon unreachable",
    Exit.VERIFICATION: "verification failed",
    Exit.INTERRUPTED: "interrupted",
    Exit.TERMINATED: "terminated",
}
"""For ``ablate --help`` and the documentation."""

OUR_PACKAGES = frozenset({"controller", "drivers", "safety", "sim"})

BY_ERROR = {
    "ConfigError": Exit.CONFIGURATION,
    "DeviceError": Exit.DEVICE,
    "FaultError": Exit.USAGE,
    "LinkLost": Exit.DEVICE,
    "PluginError": Exit.CONFIGURATION,
    "RecordError": Exit.DEVICE,  # no record, no energy: as if a device were missing
    "Unreachable": Exit.UNREACHABLE,
    "VerificationError": Exit.VERIFICATION,
}
"""Our exceptions by name, so that ``ablate stop`` need not import pydantic to learn what a configuration error is."""


def code_for(error: BaseException) -> Exit:
    """The exit code for an exception that reached the top of a command.

    An exception of ours counts under its own name or that of a base. One that brings an exit code of another process
    along, as its attribute ``code``, ends this process with the same.
    """
    if isinstance(error, KeyboardInterrupt):
        return Exit.INTERRUPTED
    ours = [cls for cls in type(error).__mro__ if cls.__module__.split(".")[0] in OUR_PACKAGES]
    brought = getattr(error, "code", None)
    if ours and isinstance(brought, int):
        return Exit(brought) if brought in set(Exit) else Exit.UNEXPECTED
    return next((BY_ERROR[cls.__name__] for cls in ours if cls.__name__ in BY_ERROR), Exit.UNEXPECTED)
