"""``python -m controller``: the same as ``ablate``."""

from controller.names import refuse_foreign

if __name__ == "__main__":
    from pathlib import Path

    refuse_foreign(Path(__file__).resolve().parent.parent)

    from controller.cli import main

    main()
