"""Text from outside, fit to be shown. What a device, a USB descriptor or a broker says of itself is hostile until it
has been through here: an escape sequence can retitle a terminal, a new line can forge a line of a log, and a name of a
megabyte is no name.
"""

from __future__ import annotations

NAME_LENGTH = 80
TEXT_LENGTH = 2000


def plain(text: object, length: int = TEXT_LENGTH) -> str:
    """``text`` on one line of at most ``length`` characters; whatever is not printable (control characters, escapes,
    marks that turn the direction of writing) stands there as its escape, such as ``\\x1b``.
    """
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text)[: length + 1])
    return shown if len(shown) <= length else f"{shown[: length - 1]}…"
