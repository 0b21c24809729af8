"""Which modules are mutated, and which tests must notice.

A module is held by tests of its own, not by whatever the whole kernel happens to notice: that keeps a mutant below
half a second, and says where a reader finds what a line is for.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]

SLOWEST_S = 0.6
"""Tests that take more processor time than this are not asked, but for those that were written to kill."""

ROOMS = ("sensors", "tissue", "coolant", "power", "contacts", "host", "order")
INTERLOCKS = tuple(f"safety/interlocks_{room}" for room in ROOMS)  # each through every monitor: any of them may notice
KERNEL = ("safety/edges", "safety/acts", "safety/off_and_after", *INTERLOCKS)
ALSO: Mapping[str, tuple[str, ...]] = {
    "drivers.doubt": ("drivers/doubt",),
    "safety.safeoff": ("watchdog/enable_echo",),
    "safety.state": ("safety/mutants_rules",),
    "safety.kernel": ("safety/mutants_kernel_power", "safety/mutants_kernel_collapse"),
    "safety.transitions": (
        "safety/mutants_transitions_requests",
        "safety/mutants_transitions_to_fire",
        "safety/mutants_transitions_to_off",
    ),
    "safety.monitors": KERNEL,
    "safety.monitors.bounds": INTERLOCKS,
    "safety.monitors.tissue": ("safety/bounds", *INTERLOCKS),
    "safety.watchdog.client": ("watchdog/mutants_client_link",),
    "safety.watchdog.contract": ("watchdog/client",),
    "safety.watchdog.core": ("watchdog/mutants_core_frames", "watchdog/mutants_core_line"),
    "safety.watchdog.cutoff": (
        "watchdog/mutants_cutoff_source",
        "watchdog/mutants_cutoff_line",
        "watchdog/mutants_cutoff_disk",
    ),
    "safety.watchdog.process": ("watchdog/mutants_process_lines",),
}
"""Test modules besides those that bear the module's name."""


def source(module: str) -> Path:
    """The file of a module or package."""
    path = ROOT / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def modules() -> list[str]:
    """Everything that is mutated: kernel, watchdog, codecs, and which of their readings are believed."""
    files = [
        *sorted((ROOT / "safety").glob("*.py")),
        *sorted((ROOT / "safety" / "monitors").glob("*.py")),
        *sorted((ROOT / "safety" / "watchdog").glob("*.py")),
        *sorted((ROOT / "drivers").glob("*/codec.py")),
        ROOT / "drivers" / "doubt.py",
    ]
    names = (".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for file in files)
    return [name for name in names if name not in ("safety", "safety.watchdog")]


def tests(module: str) -> list[str]:
    """Test files of a module, the sharpest first; those that exist."""
    top, *_, last = module.split(".")
    if top == "drivers":
        stems = [f"drivers/mutants_{module.split('.')[1]}"]  # a table of its own: milliseconds, and no emulator
    else:
        folder = "watchdog" if ".watchdog" in module else "safety"
        stems = [f"{folder}/mutants_{last}", f"{folder}/{last}"]
    stems += ALSO.get(module, ())
    paths = (f"tests/{stem.replace('/', '/test_', 1)}.py" for stem in dict.fromkeys(stems))
    return [path for path in paths if (ROOT / path).exists()]
