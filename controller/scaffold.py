"""A new driver's distribution from the template in the package: ``ablate devices new NAME``."""

from __future__ import annotations

import keyword
import re
from importlib import resources
from pathlib import Path

from controller.config.problems import ConfigError, Problem

TEMPLATE = "driver_template"
PLACES = {
    "pyproject.toml.in": "pyproject.toml",
    "README.md.in": "README.md",
    "__init__.py.in": "{module}/__init__.py",
    "codec.py.in": "{module}/codec.py",
    "driver.py.in": "{module}/driver.py",
    "emulator.py.in": "{module}/emulator.py",
    "conformance.py.in": "{module}/conformance.py",
    "test.py.in": "tests/test_{module}.py",
    "bench.yaml.in": "tests/bench.yaml",
}
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def files(model: str) -> dict[str, str]:
    """Relative path -> text of a distribution that adds the driver ``model``.

    Raises:
        ConfigError: ``model`` cannot be a driver's name.
    """
    module = model.replace("-", "_")
    if _NAME.fullmatch(model) is None or keyword.iskeyword(module):
        text = f"{model!r} cannot name a driver: small letters, digits and single hyphens, e.g. acme-rf200"
        raise ConfigError([Problem("NAME", 0, "", text)])
    words = {"model": model, "module": module, "class": "".join(part.capitalize() for part in model.split("-"))}
    folder = resources.files("controller") / "data" / TEMPLATE
    found = {}
    for source, place in PLACES.items():
        text = (folder / source).read_text(encoding="utf-8")
        for word, value in words.items():
            text = text.replace(f"@{word}@", value)
        found[place.format(module=module)] = text
    return found


def write(model: str, folder: Path) -> list[Path]:
    """Write :func:`files` into ``folder``, which must not exist or be empty.

    Raises:
        ConfigError: the name, or the folder, will not do.
    """
    made = files(model)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        text = "exists and is not an empty folder; nothing was written: name another with --out"
        raise ConfigError([Problem(str(folder), 0, "", text)])
    written = []
    for place, text in made.items():
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written
