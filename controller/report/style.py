"""How our pages look: one file of HTML that needs nothing else, light, and good on paper. Every page adds its own."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
BASE = """
body{font:15px/1.45 system-ui,sans-serif;margin:0;color:#1b1b1b;background:#fff}
main{max-width:1100px;margin:0 auto;padding:0 20px 40px}
h1{font-size:1.5em;margin:.8em 0 .1em}
h2{font-size:1.15em;margin:1.8em 0 .5em;border-bottom:1px solid #ddd}
.sub{color:#555}
.tiles{display:flex;flex-wrap:wrap;gap:10px;margin:1em 0}
.tile{border:1px solid #ccc;border-radius:6px;padding:8px 14px;min-width:110px}
.tile b{display:block;font-size:1.3em}
.tile span{color:#555;font-size:.85em}
table{border-collapse:collapse;width:100%;font-size:.92em}
td,th{padding:2px 10px 2px 0;text-align:left;vertical-align:top;border-bottom:1px solid #eee;overflow-wrap:anywhere}
th{white-space:nowrap}
td.n{color:#555}
.ok{color:#00694c}
.bad{color:#a33f00;font-weight:600}
.mono{font-family:ui-monospace,monospace;font-size:.85em;overflow-wrap:anywhere}
@media print{main{max-width:none}.tile{break-inside:avoid}h2{break-after:avoid}}
"""
REPORT = """
.sub{margin:0 0 1em}
.banner{background:#f0c36d;color:#000;padding:8px 20px;text-align:center;font-weight:600}
.completed{border-left:6px solid #009E73}
.tripped{border-left:6px solid #D55E00}
.aborted{border-left:6px solid #E69F00}
.card{border:2px solid #D55E00;border-radius:6px;padding:4px 18px 12px;margin:1em 0;background:#fff6f1}
.card h2{border:0;margin:.6em 0 .3em;color:#a33f00}
.check{font-weight:600}
.two{display:grid;grid-template-columns:repeat(auto-fit,minmax(380px,1fr));gap:0 40px}
td.t{white-space:nowrap}
td.n{width:45%}
svg{max-width:100%;height:auto}
.zone svg{max-width:640px}
pre{background:#f6f6f6;padding:10px;overflow:auto;font-size:.85em;max-height:40em}
footer{color:#555;font-size:.85em;margin-top:3em;border-top:1px solid #ddd;padding-top:.6em}
@media print{.card,.two section{break-inside:avoid}}
summary{min-height:24px;line-height:24px}
@page{size:A4;margin:14mm}
"""
FOOTER = "Made by Openablate. For research on the bench. Not a medical device; never for use on people or animals."


def document(title: str, banner: str, parts: Sequence[str]) -> str:
    """A whole report page. ``parts`` are HTML; title and banner are text."""
    over = f"<div class=banner>{escape(banner)}</div>" if banner else ""
    body = "\n".join([over, "<main>", *parts, f"<footer>{FOOTER}</footer>", "</main>"])
    return (
        "<!doctype html>\n<html lang=en><head><meta charset=utf-8>"
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name=viewport content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{BASE}{REPORT}</style></head><body>\n{body}\n</body></html>\n"
    )
