"""What tracked files must not say: places of one workplace, registries, secrets of a machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.tracked import tracked_files

# Written in two halves, so that this file does not hold what it looks for.
WORKPLACE = [
    first + second
    for first, second in [
        ("/wo", "rk/"),
        ("/ro", "ot/"),
        ("/opt/", "pypi"),
        ("/opt/", "wheels"),
        ("../sha", "red"),
        ("shared/", "design"),
        ("proto", "cols.md"),
        ("phys", "ics.md"),
        ("eco", "system.md"),
        ("anch", "ors.md"),
        ("saf", "ety.md"),
        ("contr", "acts.md"),
        ("issues", " show"),
    ]
]
REGISTRIES = [
    first + second
    for first, second in [
        ("pypi", ".org"),
        ("pythonhosted", ".org"),
        ("--index", "-url"),
        ("--extra-index", "-url"),
        ("--find", "-links"),
        ("--trusted", "-host"),
    ]
]


@pytest.fixture(scope="module")
def texts(repository: Path) -> dict[str, str]:
    """Every tracked text file but the licence."""
    found = {}
    for path in tracked_files(repository):
        content = (repository / path).read_bytes()
        if b"\0" not in content and path != "LICENSE":
            found[path] = content.decode("utf-8")
    return found


@pytest.mark.parametrize("words", [WORKPLACE, REGISTRIES], ids=["workplace", "registries"])
def test_no_tracked_file_names_a_private_place(texts: dict[str, str], words: list[str]) -> None:
    broken = [
        f"{path}:{number}: {word}"
        for path, text in texts.items()
        for number, line in enumerate(text.splitlines(), 1)
        for word in words
        if word in line
    ]
    assert broken == []


def test_text_files_are_clean(texts: dict[str, str]) -> None:
    for path, text in texts.items():
        assert "\r" not in text, f"{path} has carriage returns"
        assert not text or text.endswith("\n"), f"{path} does not end with a new line"
        assert "<<<<<" + "<< " not in text, f"{path} holds a merge conflict"
