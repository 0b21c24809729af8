"""``python -m tests.security.imports BENCH PROTOCOL``: rehearses, and prints as JSON what was imported between FIRE and
the end of energy, and how much had been before. In an interpreter of its own: whatever a test has imported is there.
"""

from __future__ import annotations

import asyncio
import importlib.abc
import importlib.machinery
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from controller.config import setup as setups
from controller.treatment.runner import act_of
from safety.types import State
from sim.clock import VirtualLoop
from sim.rehearsal import Rehearsal


class Noted(importlib.abc.MetaPathFinder):
    """Finds nothing; notes what is looked for while ``asked()``."""

    def __init__(self, asked: Callable[[], bool]) -> None:
        self.asked = asked
        self.names: list[str] = []

    def find_spec(self, name: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:
        """See :class:`importlib.abc.MetaPathFinder`."""
        if self.asked():
            self.names.append(name)
        return None


def main() -> None:
    """Rehearse and print."""
    setup = setups.load(sys.argv[1], sys.argv[2])
    before = 0

    async def run(folder: str) -> tuple[str, list[str]]:
        rehearsal = Rehearsal(setup, seed=1, faults=(), out=Path(folder))

        def firing() -> bool:
            control = getattr(rehearsal.daemon, "control", None)
            return control is not None and control.state.state is State.FIRING

        def watch(status: dict[str, object]) -> None:
            nonlocal before
            if status["state"] == State.FIRING.value and not before:
                before = len(sys.modules)
                if "--canary" in sys.argv:
                    import this_is_nowhere  # type: ignore[import-not-found]  # noqa: F401

        noted = Noted(firing)
        sys.meta_path.insert(0, noted)
        try:
            result = await rehearsal.run(act_of(setup), watch, lambda: False)
        except ImportError:
            return "import refused", noted.names
        return str(result["result"]), noted.names

    with (
        tempfile.TemporaryDirectory(prefix="ablate-imports-") as folder,
        asyncio.Runner(loop_factory=lambda: VirtualLoop(float("inf"))) as runner,
    ):
        result, names = runner.run(run(folder))
    print(json.dumps({"result": result, "imported": names, "before": before}))


if __name__ == "__main__":
    main()
