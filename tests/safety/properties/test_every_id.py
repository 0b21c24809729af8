"""No property without a test that draws its examples, and no name of a test that is none."""

from __future__ import annotations

import importlib
import operator
import re
from pathlib import Path

import pytest

from tests.safety.properties.index import ELSEWHERE, PROPERTIES
from tests.safety.test_hazards import found_in

HERE = (*sorted(Path(__file__).parent.glob("test_*.py")), Path(__file__).parents[1] / "test_graph.py")
MINE = {f"I{m[1]}" for path in HERE for test in found_in(path) if (m := re.match(r"test_i(\d\d)_", test))}


def proofs(prop: str, repository: Path) -> list[str]:
    """Every test of a property, as ``file::test``."""
    named = f"test_{prop.lower()}_"
    mine = [f"{p.relative_to(repository)}::{t}" for p in HERE for t in sorted(found_in(p)) if t.startswith(named)]
    return [*mine, *ELSEWHERE.get(prop, ())]


def is_drawn(node: str) -> bool:
    """Whether hypothesis draws what a test is given."""
    file, _, test = node.partition("::")
    module = importlib.import_module(file.removesuffix(".py").replace("/", "."))
    return getattr(operator.attrgetter(test.replace("::", "."))(module), "is_hypothesis_test", False)


def test_there_are_thirty_two() -> None:
    assert list(PROPERTIES) == [f"I{n:02d}" for n in range(1, 33)]
    assert set(PROPERTIES) >= MINE | set(ELSEWHERE)


@pytest.mark.parametrize("prop", PROPERTIES)
def test_every_property_has_a_test(prop: str, repository: Path) -> None:
    assert prop in MINE or ELSEWHERE.get(prop)
    for node in ELSEWHERE.get(prop, ()):
        file, _, test = node.partition("::")
        assert test in found_in(repository / file), node


@pytest.mark.parametrize("prop", PROPERTIES)
def test_every_property_has_a_test_by_drawn_examples(prop: str, repository: Path) -> None:
    assert [node for node in proofs(prop, repository) if is_drawn(node)] != []


def test_a_test_by_chosen_examples_is_not_taken_for_one() -> None:
    assert not is_drawn("tests/safety/properties/test_every_id.py::test_there_are_thirty_two")
