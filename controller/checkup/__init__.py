"""What ``ablate doctor`` looks at. A check never raises: what it cannot know is a finding."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Verdict(enum.Enum):
    """WARN can be worked with; FAIL cannot."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's report. ``remedy`` is a sentence for a person, empty when all is well; ``command`` is
    the line to paste, where one does it.
    """

    verdict: Verdict
    subject: str
    text: str
    remedy: str = ""
    command: str = ""

    def as_dict(self) -> dict[str, str]:
        """For ``--json``."""
        told = {"verdict": self.verdict.value, "subject": self.subject, "text": self.text, "remedy": self.remedy}
        return {**told, "command": self.command}


def ok(subject: str, text: str) -> Finding:
    """All is well."""
    return Finding(Verdict.OK, subject, text)


def warn(subject: str, text: str, remedy: str, command: str = "") -> Finding:
    """Works, with something to know."""
    return Finding(Verdict.WARN, subject, text, remedy, command)


def fail(subject: str, text: str, remedy: str, command: str = "") -> Finding:
    """Does not work."""
    return Finding(Verdict.FAIL, subject, text, remedy, command)
