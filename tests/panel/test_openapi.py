"""The published document is the panel's, the answers are as it says, and nothing that is asked breaks the panel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from schemathesis import GenerationMode

from controller.panel import acts, looks, metrics, models, openapi
from controller.panel.api import described
from tests.panel.fuzz import asked, panel
from tests.panel.rig import Rig


def test_the_published_document_is_this_one(repository: Path) -> None:
    assert (repository / openapi.FILE).read_text() == openapi.text(), "python -m controller.panel.openapi"


async def test_the_panel_serves_it_without_a_token(rig: Rig) -> None:
    async with rig.client.get(rig.url("openapi.json")) as answer:
        assert await answer.json() == json.loads(openapi.text())


def test_every_route_is_in_it() -> None:
    paths = json.loads(openapi.text())["paths"]
    for route in (*looks.routes(), *metrics.routes(), *acts.routes()):
        operation = paths[route.path][route.method.lower()]
        told = described(route.handler)
        assert told is not None
        assert operation["summary"] == told.summary
        assert {str(told.done), "403"} <= operation["responses"].keys()
        assert ("security" in operation) == (route.path == "/api/v1/health")


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("health", models.Health),
        ("status", models.Status),
        ("bench", models.Bench),
        ("history", models.History),
        ("history?seconds=5", models.History),
    ],
)
async def test_answers_are_as_it_says(rig: Rig, path: str, model: Any) -> None:
    _, told = await rig.get(path)
    model.model_validate(told, strict=True)


@pytest.mark.parametrize("query", ["seconds=-1", "seconds=x", "seconds=inf", "more=1", "seconds=1&seconds=2"])
async def test_a_wrong_query_is_named(rig: Rig, query: str) -> None:
    status, told = await rig.get(f"history?{query}")
    assert (status, told["ok"]) == (400, False)


# -- asked by a machine


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with panel(tmp_path_factory.mktemp("p")) as rig:
        yield rig


SOME = [
    ("history", "get", GenerationMode.NEGATIVE),
    ("confirm", "post", GenerationMode.POSITIVE),
    ("confirm", "post", GenerationMode.NEGATIVE),
    ("reset", "post", GenerationMode.NEGATIVE),
    ("stop", "post", GenerationMode.NEGATIVE),
]
"""All of them: ``python -m tests.panel.fuzz``."""


@pytest.mark.parametrize(("path", "method", "mode"), SOME)
def test_whatever_is_asked_is_answered_as_it_says(running: Rig, path: str, method: str, mode: GenerationMode) -> None:
    assert asked(running.origin, f"/api/v1/{path}", method, mode, examples=8) >= 8
