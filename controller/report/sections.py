"""Pieces of a page that several sections use. Everything that came from files, devices or people is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape


def tile(text: str, label: str) -> str:
    """A number that is seen at a glance."""
    return f"<div class=tile><b>{escape(text)}</b><span>{escape(label)}</span></div>"


def table(pairs: Sequence[tuple[str, str]]) -> str:
    """Names and values."""
    rows = "".join(f"<tr><td class=n>{escape(name)}</td><td>{escape(text)}</td></tr>" for name, text in pairs)
    return f"<table>{rows}</table>"


def grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table with a head."""
    titles = "".join(f"<th>{escape(title)}</th>" for title in head)
    lines = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{titles}</tr>{lines}</table>"
