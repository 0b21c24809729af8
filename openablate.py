"""The start of the ``ablate`` command: it makes sure that the four packages are ours before it runs a line of them.

This module alone has a name that nobody else uses, so it is found even when another ``controller`` is in the way.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Refuse foreign packages (exit 3), then hand over to :func:`controller.cli.main`."""
    spec = importlib.util.spec_from_file_location("_openablate_names", HERE / "controller" / "names.py")
    if spec is None or spec.loader is None:
        raise SystemExit("ablate: the installation is incomplete; reinstall openablate")
    names = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(names)
    names.refuse_foreign(HERE)

    from controller.cli import main as command_line

    command_line()


if __name__ == "__main__":
    main()
