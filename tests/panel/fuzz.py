"""Asks a panel whatever its OpenAPI document allows, and what it does not: ``python -m tests.panel.fuzz [EXAMPLES]``.

Every answer must be one that the document knows, and none a failure of the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode, checks

from controller.panel import openapi
from tests.panel.rig import TOKENS, Rig, rigged

MAX_LINE = 8000  # of a request, a little less than aiohttp takes
ALWAYS_TAKEN = "/api/v1/stop"  # whatever its body says


@contextlib.contextmanager
def panel(folder: Path) -> Iterator[Rig]:
    """A panel in a thread of its own: whoever asks it waits for answers."""
    made: list[Rig] = []
    ready, over = threading.Event(), threading.Event()

    async def main() -> None:
        async with rigged(folder) as rig:
            made.append(rig)
            ready.set()
            while not over.is_set():  # noqa: ASYNC110 - a thread's event
                await asyncio.sleep(0.02)

    thread = threading.Thread(target=lambda: asyncio.run(main()), name="shared-panel")
    thread.start()
    try:
        assert ready.wait(20.0), "the panel did not start"
        yield made[0]
    finally:
        over.set()
        thread.join()


def operations() -> list[tuple[str, str]]:
    """(path, method) of everything but WebSockets."""
    paths = json.loads(openapi.text())["paths"]
    return [
        (path, method)
        for path, methods in paths.items()
        for method in methods
        if not path.endswith(("/stream", "/play"))
    ]


def _without_headers(document: dict[str, Any]) -> dict[str, Any]:
    """Token and name are what :func:`asked` sends; other tests try wrong ones."""
    del document["security"]
    for methods in document["paths"].values():
        for operation in methods.values():
            operation["parameters"] = [each for each in operation["parameters"] if each["in"] != "header"]
    return document


def asked(origin: str, path: str, method: str, mode: GenerationMode, examples: int) -> int:
    """Ask one operation; how often. Raises :class:`schemathesis.core.failures.FailureGroup`."""
    schema = schemathesis.openapi.from_dict(_without_headers(json.loads(openapi.text())))
    schema.config.update(base_url=origin)
    operation = schema[path][method]
    parts = (operation.query, operation.path_parameters, operation.headers, operation.body)
    if mode is GenerationMode.NEGATIVE and not any(len(part) for part in parts):
        return 0  # nothing in it can be wrong
    headers = {"Authorization": f"Bearer {TOKENS.control}", "X-Client": "page-1"}
    excluded = [checks.negative_data_rejection] if path == ALWAYS_TAKEN else []
    count = 0

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(operation.as_strategy(mode))
    def ask(case: Any) -> None:
        nonlocal count
        count += 1
        answer = case.call(headers=headers)
        if len(str(answer.request.url)) > MAX_LINE:
            assert answer.status_code == 400  # by the HTTP parser itself, before anything of ours
            return
        case.validate_response(answer, excluded_checks=excluded)
        assert "Traceback" not in answer.text

    with contextlib.suppress(Unsatisfiable):  # a part that any text is right for cannot be wrong
        ask()
    return count


def main() -> int:
    """All operations; prints what was asked."""
    examples = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    failed = 0
    with tempfile.TemporaryDirectory(prefix="abl-") as folder, panel(Path(folder)) as rig:
        for path, method in operations():
            for mode in GenerationMode:
                began_s = time.monotonic()
                try:
                    told = f"{asked(rig.origin, path, method, mode, examples):5d} asked"
                except Exception as error:
                    failed += 1
                    told = f"FAILED {str(error)[-1000:]}"
                print(f"{method:5s} {path:45s} {mode.value:9s} {told}  {time.monotonic() - began_s:.1f} s", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
