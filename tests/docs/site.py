"""The pages as a site: ``python -m tests.docs.site`` writes build/site, which needs neither network nor server.

A page may link to files of the repository that are no pages; in the site they are named instead.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.docs.blocks import ROOT

CONFIG, PAGES, SITE = ROOT / "mkdocs.yml", ROOT / "build" / "pages", ROOT / "build" / "site"
OUTSIDE = re.compile(r"\[([^]]*)\]\(((?:\.\./)+)(?!\.)([^)]*)\)")


def inside(text: str, depth: int) -> str:
    """``text`` of a page ``depth`` folders deep, with its links out of docs/ as names of what they lead to."""

    def named(link: re.Match[str]) -> str:
        out = link[2].count("../") > depth
        return f"{link[1]} (`{link[3]}`)" if out and link[1] != link[3] else f"`{link[3]}`" if out else link[0]

    return OUTSIDE.sub(named, text)


def stage() -> None:
    """Put docs/ where the builder reads it."""
    shutil.rmtree(PAGES, ignore_errors=True)
    shutil.copytree(ROOT / "docs", PAGES)
    for page in PAGES.rglob("*.md"):
        depth = len(page.relative_to(PAGES).parts) - 1
        page.write_text(inside(page.read_text(encoding="utf-8"), depth), encoding="utf-8")


def build() -> str:
    """Build the site; what the builder said.

    Raises:
        RuntimeError: it failed, or found a page that does not exist.
    """
    stage()
    shutil.rmtree(SITE, ignore_errors=True)
    zensical = Path(sys.executable).with_name("zensical")
    command = [zensical, "build", "--clean", "--strict", "--config-file", CONFIG]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr).partition("Traceback")[0])
    return done.stdout


if __name__ == "__main__":
    try:
        build()
    except RuntimeError as error:
        sys.exit(str(error))
    print(f"{SITE / 'index.html'}")
