"""What the shipped packages import is asked for in pyproject.toml, not only by the tests' extras."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from tests.support.tracked import modules

OURS = {"controller", "drivers", "safety", "sim", "openablate"}
TOOLS = {"hypothesis", "pytest"}  # whoever uses our fixture or the laws' conformance suite has them
CARRIED = {"distributed", "paho", "pydantic_core"}  # come with dask[distributed], aiomqtt, pydantic, and belong to them


def test_every_import_is_a_dependency_or_an_extra_for_users(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    extras = {name: asked for name, asked in project["optional-dependencies"].items() if name != "dev"}
    wanted = [*project["dependencies"], *(one for asked in extras.values() for one in asked)]
    offered = {re.match(r"[\w.-]+", one)[0].lower().replace("_", "-") for one in wanted}  # type: ignore[index]
    homes = packages_distributions()
    missing = set()
    for path in modules(repository, "controller", "drivers", "safety", "sim"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = (
                [a.name for a in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            for name in {n.partition(".")[0] for n in names} - OURS - TOOLS - CARRIED - sys.stdlib_module_names - {""}:
                if not {home.lower().replace("_", "-") for home in homes.get(name, [])} & offered:
                    missing.add((str(path.relative_to(repository)), name))
    assert missing == set()
