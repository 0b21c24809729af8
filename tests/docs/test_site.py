"""The site is built without a dead link, asks nothing of any network, and is searched without a server."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml

from tests.docs import site
from tests.docs.blocks import ROOT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
LOADED = re.compile(r"<(?:script|img|iframe|source|link)\b[^>]*?\b(?:src|href|srcset)=[\"']?([^\"'\s>]+)")
FETCHED = re.compile(r"@import|url\([\"']?https?:")


def nav() -> list[str]:
    """The pages that the navigation names."""
    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))

    def walk(node: object) -> list[str]:
        if isinstance(node, str):
            return [node]
        children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
        return [page for child in children for page in walk(child)]

    return walk(config["nav"])


@pytest.fixture(scope="module")
def built() -> Path:
    pytest.importorskip("zensical", reason="zensical is not installed")
    site.build()
    return site.SITE


def test_every_page_is_in_the_navigation_once() -> None:
    pages = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}
    assert sorted(nav()) == sorted(pages)


def test_nothing_is_fetched_from_elsewhere(built: Path) -> None:
    """What a browser loads to show a page; links that a reader may follow are his own affair."""
    pages = list(built.rglob("*.html"))
    assert len(pages) > 40
    loaded = {f"{page.name}: {url}" for page in pages for url in LOADED.findall(page.read_text(encoding="utf-8"))}
    assert [where for where in sorted(loaded) if re.search(r": (https?:)?//", where)] == []
    styles = [path for path in built.rglob("*.css") if FETCHED.search(path.read_text(encoding="utf-8"))]
    assert styles == []


def test_pictures_and_files_that_pages_name_are_there(built: Path) -> None:
    for page in built.rglob("*.html"):
        for url in re.findall(r"<img[^>]*\bsrc=[\"']?([^\"'\s>]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / url).is_file(), f"{page.name}: {url}"
    assert {"asyncapi.json", "safety-case.html"} <= {path.name for path in built.iterdir()}


def test_links_out_of_the_pages_are_named() -> None:
    text = "[mqtt](mqtt.md), [examples/lab](../examples/lab), [here](../deploy), [up](../drivers.md)"
    assert site.inside(text, 0) == "[mqtt](mqtt.md), `examples/lab`, here (`deploy`), up (`drivers.md`)"
    assert site.inside(text, 1) == text


@pytest.mark.process
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_search_works_from_a_disk(built: Path) -> None:
    """Opened as a file, with no server and no network: a word is typed, and its page is found."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        try:
            page = browser.new_page()
            asked: list[str] = []
            page.on("request", lambda request: asked.append(request.url))
            page.goto((built / "index.html").as_uri())
            page.keyboard.press("/")
            page.keyboard.type("roll-off", delay=30)
            page.get_by_text(re.compile(r"^\d+ results$")).wait_for(timeout=15_000)
        finally:
            browser.close()
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
