"""The reference pages are what models, declarations and tables say; pictures are small, and made by the software."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from controller.config.schema import schema
from controller.config.words import MEANING
from drivers.registry import load_driver, offered
from tests.docs import pictures, reference
from tests.docs.blocks import ROOT, pages
from tests.docs.schema_tables import Schema

AGAIN = "write it again: python -m tests.docs.reference"


@pytest.mark.parametrize("name", reference.pages())
def test_a_page_is_what_the_code_says(name: str) -> None:
    assert (reference.FOLDER / name).read_text(encoding="utf-8") == reference.pages()[name], AGAIN


def test_no_page_is_left_over() -> None:
    assert {path.name for path in reference.FOLDER.iterdir()} == set(reference.pages())


def test_the_table_of_layers_is_that_of_readme() -> None:
    readme, page = (path.read_text(encoding="utf-8") for path in (ROOT / "README.md", reference.SAFE))
    assert reference.layer_table(page, readme) == page, AGAIN
    assert page.count("| watchdog |") == 1


def models(kind: str) -> dict[str, Schema]:
    made = schema("bench" if kind == "Bench" else "protocol")
    return {kind: made, **made["$defs"]}


@pytest.mark.parametrize("kind", ["Bench", "Protocol"])
def test_every_key_has_a_meaning(kind: str) -> None:
    missing = [
        f"{model}.{key}"
        for model, node in models(kind).items()
        for key, part in node.get("properties", {}).items()
        if not part.get("description")
    ]
    assert missing == [], "say it in the model, or in controller/config/words.py"


def test_no_meaning_is_of_a_key_that_is_gone() -> None:
    found = {**models("Bench"), **models("Protocol")}
    of_models = {f"{model}.{key}" for model, node in found.items() for key in node.get("properties", {})}
    known = of_models | {name.partition(".")[2] for name in of_models}
    assert sorted(set(MEANING) - known) == []


def test_every_driver_declares_itself() -> None:
    page = (reference.FOLDER / "drivers.md").read_text(encoding="utf-8")
    for name in offered():
        assert f"\n## {name}\n" in page
        assert reference.declared(name).model == load_driver(name).MODEL


def test_the_picture_of_processes_is_what_the_command_writes() -> None:
    assert (pictures.FOLDER / "processes.svg").read_text(encoding="utf-8") == pictures.processes()


def test_pictures_are_small_whole_and_used() -> None:
    found = sorted(pictures.FOLDER.iterdir())
    assert sum(path.stat().st_size for path in found) < 300_000
    for path in found:
        if path.suffix == ".svg":
            assert "href" not in ElementTree.fromstring(path.read_text(encoding="utf-8")).attrib
    texts = "".join(path.read_text(encoding="utf-8") for path in pages())
    assert [path.name for path in found if f"pictures/{path.name}" not in texts] == []
    assert set(pictures.PICTURES) <= {path.name for path in found}
