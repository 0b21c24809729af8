"""No property without a test, and no name of a test that is none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.safety.properties.index import ELSEWHERE, PROPERTIES
from tests.safety.test_hazards import found_in

HERE = (*sorted(Path(__file__).parent.glob("test_*.py")), Path(__file__).parents[1] / "test_graph.py")
MINE = {f"I{m[1]}" for path in HERE for test in found_in(path) if (m := re.match(r"test_i(\d\d)_", test))}


def test_there_are_thirty_two() -> None:
    assert list(PROPERTIES) == [f"I{n:02d}" for n in range(1, 33)]
    assert set(PROPERTIES) >= MINE | set(ELSEWHERE)


@pytest.mark.parametrize("prop", PROPERTIES)
def test_every_property_has_a_test(prop: str, repository: Path) -> None:
    assert prop in MINE or ELSEWHERE.get(prop)
    for node in ELSEWHERE.get(prop, ()):
        file, _, test = node.partition("::")
        assert test in found_in(repository / file), node
