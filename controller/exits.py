"""The exit codes of ``ablate``. Scripts and CI rely on them; they never change their meaning."""

from __future__ import annotations

import enum
import errno


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
    HUNG_UP = 129  # 128 + SIGHUP
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
    Exit.HUNG_UP: "its terminal was closed",
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


FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the system says of a disk, a quota or a file that takes no more; it names no file then."""


def code_for(error: BaseException) -> Exit:
    """The exit code for an exception that reached the top of a command.

    An exception of ours counts under its own name or that of a base. One that brings an exit code of another process
    along, as its attribute ``code``, ends this process with the same.
    """
    if isinstance(error, KeyboardInterrupt):
        return Exit.INTERRUPTED
    known = ours(error)
    brought = getattr(error, "code", None)
    if known and isinstance(brought, int):
        return Exit(brought) if brought in set(Exit) else Exit.UNEXPECTED
    if not known and isinstance(error, OSError) and (error.filename is not None or error.errno in FULL):
        return Exit.CONFIGURATION
    return next((BY_ERROR[cls.__name__] for cls in known if cls.__name__ in BY_ERROR), Exit.UNEXPECTED)


def ours(error: BaseException) -> list[type]:
    """The classes of an exception that are ours, its own first."""
    return [cls for cls in type(error).__mro__ if cls.__module__.split(".")[0] in OUR_PACKAGES]


def of_the_disk(error: OSError) -> str:
    """A path or a disk that does not do what was asked: which, why, and what to do. That is no defect of ours."""
    what = error.strerror or str(error)
    where = f"{error.filename}: " if error.filename is not None else "what was to be written did not fit: "
    do = "free some space, or write elsewhere" if error.errno in FULL else "look at that path, or name another"
    return f"{where}{what}; {do}"
