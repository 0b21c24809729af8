"""A report on paper: a browser that is already there prints the page, without a window and without a network."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge", "brave-browser")
VARIABLE = "ABLATE_BROWSER"
PATIENCE_S = 60.0


class PdfError(Exception):
    """No browser, or it did not print; the text says what to do."""


def browser() -> str:
    """The program that prints.

    Raises:
        PdfError: there is none.
    """
    named = os.environ.get(VARIABLE)
    for name in (named,) if named else BROWSERS:
        if found := shutil.which(name):
            return found
    if named:
        raise PdfError(f"{VARIABLE} names {named}, and there is no such program; correct or unset it")
    raise PdfError(
        f"no browser that can print was found ({', '.join(BROWSERS)}); install Chromium, name a browser of its "
        f"family in {VARIABLE}, or open the .html and print it from there"
    )


def write(page: Path, path: Path) -> Path:
    """Print ``page`` to ``path``.

    Raises:
        PdfError: see :func:`browser`; or it printed nothing within a minute.
    """
    program = browser()
    with tempfile.TemporaryDirectory(prefix="ablate-pdf-") as profile:
        made = Path(profile, "page.pdf")
        options = [
            "--headless",
            "--disable-gpu",
            "--no-first-run",
            "--no-pdf-header-footer",
            f"--user-data-dir={profile}",
        ]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            options.append("--no-sandbox")  # Chromium refuses to run as root with it; the page holds no script
        command = [program, *options, f"--print-to-pdf={made}", page.resolve().as_uri()]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
            said = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        except subprocess.TimeoutExpired:
            said = [f"no answer within {PATIENCE_S:g} s"]
        except OSError as error:
            said = [str(error)]
        if not made.is_file() or not made.stat().st_size:
            raise PdfError(f"{program} printed nothing ({said[0][:300]}); open {page} and print it from there")
        shutil.move(made, path)
    return path
