"""The pictures of the pages, made by the software itself: ``python -m tests.docs.pictures [NAME...]`` writes them.

``zone.png``, ``application.svg`` and ``processes.svg`` need nothing but this environment; ``panel.png``, written only
when it is named, needs Chromium and a computer that is not busy: a screenshot in the middle of an application.
"""

from __future__ import annotations

import html
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image

from controller import cli
from controller.config import setup as setups
from controller.records.reader import open_session
from sim.rehearsal import rehearse
from tests.docs.blocks import ROOT

FOLDER = ROOT / "docs" / "pictures"
ORANGE, BLUE, GREY, RED, GREEN = "#E69F00", "#0072B2", "#777777", "#D55E00", "#009E73"  # Okabe and Ito
FONT = "font-family='sans-serif' font-size='13'"
ZONE_WIDTH_PX, PANEL_WIDTH_PX, COLOURS = 760, 1280, 96


def svg(width: int, height: int, parts: Sequence[str]) -> str:
    """One picture on white."""
    head = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' {FONT} fill='black'>"
    return "\n".join([head, f"<rect width='{width}' height='{height}' fill='white'/>", *parts, "</svg>", ""])


def text(x: float, y: float, words: str, more: str = "") -> str:
    return f"<text x='{x:g}' y='{y:g}' {more}>{html.escape(words)}</text>"


def zone() -> bytes:
    """What `ablate simulate --picture` writes, smaller."""
    with tempfile.TemporaryDirectory() as folder:
        path, small = Path(folder) / "zone.png", Path(folder) / "small.png"
        assert cli.run(["simulate", "cooled-needle-3cm-12min", "--picture", str(path)]) == 0
        return smaller(path, small, ZONE_WIDTH_PX)


def smaller(path: Path, small: Path, width_px: int) -> bytes:
    """A picture scaled to ``width_px``, with few colours."""
    with Image.open(path) as whole:
        height_px = round(whole.height * width_px / whole.width)
        image = whole.convert("RGB").resize((width_px, height_px), Image.Resampling.LANCZOS)
    image.quantize(COLOURS).save(small, optimize=True)
    return small.read_bytes()


def panel() -> bytes:
    """The panel in the middle of `demo-30s`."""
    from playwright.sync_api import sync_playwright

    from tests.browser.served import Served

    protocol = ROOT / "controller/data/protocols/demo-30s.yaml"
    with Served() as bench, sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=options)
        page = browser.new_page(viewport={"width": 1280, "height": 720}, color_scheme="light")
        page.goto(bench.link)
        with bench.firing(protocol):
            page.wait_for_timeout(15_000)
            page.screenshot(path=f"{folder}/panel.png")
        browser.close()
        return smaller(Path(folder) / "panel.png", Path(folder) / "small.png", PANEL_WIDTH_PX)


def application() -> str:
    """Power and impedance of `demo-30s`, from its session file."""
    with tempfile.TemporaryDirectory() as folder:
        told = rehearse(setups.load("cooled-rf-sim", "demo-30s"), out=Path(folder))
        with open_session(told["session_file"]) as session:
            zero_s = next(event.t_s for event in session.events("fire"))
            curves = [
                (name, unit, colour, dash, session.series(channel))
                for name, unit, colour, dash, channel in (
                    ("power", "W", BLUE, "", "gen.power_w"),
                    ("impedance", "Ω", RED, "7 4", "gen.impedance_ohm"),
                )
            ]
    left, right, top, bottom, most, end_s = 56, 704, 40, 280, 250.0, 32.0
    parts = [
        f"<rect x='{left}' y='{top}' width='{right - left}' height='{bottom - top}' fill='none' stroke='{GREY}'/>",
        text((left + right) / 2, 318, "seconds since FIRE", "text-anchor='middle'"),
    ]
    for value in range(0, 251, 50):
        y = bottom - (bottom - top) * value / most
        parts.append(f"<line x1='{left}' x2='{right}' y1='{y:g}' y2='{y:g}' stroke='#dddddd'/>")
        parts.append(text(left - 8, y + 4, str(value), "text-anchor='end'"))
    parts += [
        text(left + (right - left) * second / end_s, bottom + 18, str(second), "text-anchor='middle'")
        for second in range(0, 33, 4)
    ]
    for place, (name, unit, colour, dash, series) in enumerate(curves):
        points, last_x = [], -9.0
        for t_s, value in zip(series.t_s, series.value, strict=True):
            x = left + (right - left) * (t_s - zero_s) / end_s
            if left <= x <= right and value == value and x - last_x >= 1.0:
                points.append(f"{x:.1f},{max(top, bottom - (bottom - top) * value / most):.1f}")
                last_x = x
        line = f"<polyline fill='none' stroke='{colour}' stroke-width='2' stroke-dasharray='{dash}' points='{{}}'/>"
        parts.append(line.format(" ".join(points)))
        key_x = left + 10 + 150 * place
        parts.append(line.format(f"{key_x},24 {key_x + 34},24"))
        parts.append(text(key_x + 42, 28, f"{name}, {unit}"))
    return svg(720, 332, parts)


BOXES = {  # x, y, width, height, words, colour
    "operator": (16, 20, 190, 66, ("terminal or panel", "ARM, STOP; reads"), GREY),
    "watchdog": (270, 20, 200, 66, ("watchdog", "the daemon's parent"), RED),
    "daemon": (270, 150, 200, 116, ("daemon", "readings → kernel: permit", "law: demand", "gate: set-point"), BLUE),
    "record": (16, 176, 190, 66, ("session file", "no record, no energy"), GREEN),
    "generator": (540, 150, 186, 66, ("generator", "its own dead-man"), ORANGE),
    "instruments": (540, 250, 186, 50, ("pump, sensors, contacts",), GREY),
    "enable": (540, 20, 186, 66, ("enable line: relay", "opens by itself"), RED),
    "estop": (540, 330, 186, 50, ("E-stop, hard-wired",), RED),
    "network": (16, 300, 190, 66, ("MQTT broker", "hears; may say STOP"), GREY),
}
ARROWS = [  # from, to, what goes there
    ((206, 60), (270, 190), "control socket"),
    ((370, 86), (370, 150), "kills"),
    ((400, 150), (400, 86), "beats"),
    ((470, 53), (540, 53), "refreshes"),
    ((470, 76), (560, 150), "off, by itself"),
    ((470, 190), (540, 190), "watts"),
    ((540, 275), (470, 250), "readings"),
    ((270, 210), (206, 210), "every tick"),
    ((110, 242), (110, 300), ""),
    ((660, 86), (660, 150), "interlock"),
]


def processes() -> str:
    """Who runs where, and who can cut the energy."""
    tip = "<path d='M0 0 8 4 0 8z'/>"
    size = "viewBox='0 0 8 8' refX='8' refY='4' markerWidth='8' markerHeight='8' orient='auto'"
    parts = [f"<defs><marker id='tip' {size}>{tip}</marker></defs>"]
    for x, y, width, height, words, colour in BOXES.values():
        parts.append(
            f"<rect x='{x}' y='{y}' width='{width}' height='{height}' rx='5' fill='white' stroke='{colour}' "
            "stroke-width='2.5'/>"
        )
        first = y + height / 2 - 9 * (len(words) - 1) + 4
        for row, line in enumerate(words):
            bold = "font-weight='bold'" if row == 0 else ""
            parts.append(text(x + width / 2, first + 18 * row, line, f"text-anchor='middle' {bold}"))
    for (x1, y1), (x2, y2), words in ARROWS:
        parts.append(f"<line x1='{x1}' y1='{y1}' x2='{x2}' y2='{y2}' stroke='black' marker-end='url(#tip)'/>")
        if words:
            right = x1 == x2 and x1 in (400, 660)
            anchor, dx = ("start", 6) if right else ("end", -6) if x1 == x2 else ("middle", 0)
            halo = "paint-order='stroke' stroke='white' stroke-width='4'"
            more = f"text-anchor='{anchor}' font-size='11' fill='{GREY}' {halo}"
            parts.append(text((x1 + x2) / 2 + dx, (y1 + y2) / 2 - (0 if x1 == x2 else 5), words, more))
    parts.append("<path d='M726 355 H748 V183 H728' fill='none' stroke='black' marker-end='url(#tip)'/>")
    return svg(764, 400, parts)


PICTURES: dict[str, Callable[[], str | bytes]] = {
    "zone.png": zone,
    "application.svg": application,
    "processes.svg": processes,
}

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in sys.argv[1:] or PICTURES:
        made = {**PICTURES, "panel.png": panel}[name]()
        path = FOLDER / name
        path.write_bytes(made if isinstance(made, bytes) else made.encode())
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size} bytes")
