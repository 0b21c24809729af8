"""The table of layers in README is that of the program, with the figures of the committed safety case."""

from __future__ import annotations

import html
import re
from pathlib import Path

from controller.evidence import layers
from controller.evidence.store import Found


def in_readme(repository: Path) -> list[list[str]]:
    """Rows between the markers, without head and rule."""
    text = (repository / "README.md").read_text(encoding="utf-8")
    assert layers.put(text, Found({}, {})).startswith(
        text.partition(layers.BEGIN)[0]
    )  # the markers are there, once each
    table = text.partition(layers.BEGIN)[2].partition(layers.END)[0]
    lines = [line for line in table.splitlines() if line.startswith("|")]
    assert lines[0] == f"| {' | '.join(layers.HEAD)} |"
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def in_the_case(repository: Path) -> dict[str, str]:
    """What the safety case shows of each layer."""
    text = (repository / "docs" / "safety-case.html").read_text(encoding="utf-8")
    table = text.partition("<h2>What takes the energy away</h2>")[2].partition("</table>")[0]
    rows = [re.findall(r"<td>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", table)]
    return {html.unescape(row[0]): html.unescape(row[4]) for row in rows if row}


def test_layers_are_those_of_the_program(repository: Path) -> None:
    told = [row[:4] for row in in_readme(repository)]
    assert told == [[layer.name, layer.lives_in, layer.catches, layer.bound] for layer in layers.LAYERS.values()]


def test_figures_are_those_of_the_safety_case(repository: Path) -> None:
    """Of what the case has not run README may tell an earlier run."""
    case = in_the_case(repository)
    assert set(case) == {layer.name for layer in layers.LAYERS.values()}
    wrong = [(row[0], row[4]) for row in in_readme(repository) if case[row[0]] not in (row[4], "not run")]
    assert wrong == [], "write it again: ablate safety-case --readme README.md"
