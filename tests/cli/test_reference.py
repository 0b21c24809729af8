"""The page docs/command-line.md is what the commands say of themselves."""

from __future__ import annotations

from tests.cli.reference import PAGE, page


def test_the_page_is_what_the_commands_say() -> None:
    told = PAGE.read_text(encoding="utf-8")
    assert told == page(), "write it anew: python -m tests.cli.reference"
