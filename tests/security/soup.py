"""``docs/soup.md`` from ``requirements/run.txt`` and what is installed: ``python -m tests.security.soup``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
LOCK, PAGE = ROOT / "requirements" / "run.txt", ROOT / "docs" / "soup.md"

HEAD = """# Software of others

Everything that a bench runs with and that was not written here, in the versions of `requirements/run.txt`. Written by
`python -m tests.security.soup` from that file and from the packages' own metadata; `tests/security/test_soup.py` fails
when a package comes, goes or changes its licence without a line here.

What decides about energy needs none of it: `safety/`, which is kernel, gate, interlocks and the watchdog process,
imports Python's standard library only (checked by `make lint`). Of the packages below, those marked *daemon* share the
process that talks to the generator. Whatever they do wrong there (raise, hang, hold the interpreter, crash the process,
return nonsense) ends in one of four ways that are tested without knowing the cause: samples grow old and the kernel
trips; a tick comes late and it trips; the heartbeat stays out and the watchdog cuts; the process dies and the watchdog
cuts. The last column says which.
"""

SYSTEM = """## Of the system

`ablate version` and `ablate doctor` tell which; both go into every record's header.

- **CPython 3.11 or newer** runs everything; the watchdog uses nothing else. If the daemon's fails, the watchdog cuts;
  if the watchdog's fails, the daemon trips. Enable line and dead-man need neither.
- **SQLite**, as Python brings it: the session file. No healthy record is no energy (H36); versions with a known defect
  of the write-ahead log are named by `ablate doctor`.
- **Linux**: processes, clocks, serial ports, sockets. If it fails: enable line and dead-man.
"""


class Use(NamedTuple):
    """Why a package is here. ``where``: daemon, panel (a process beside it), command (a process without ports),
    collector (a process of the lab's), simulator, installation."""

    where: str
    why: str
    fails: str


RAISES = "the start is refused, or the watchdog cuts"
NO_PAGE = "no picture or page; the session file has everything, `ablate sessions report` makes it again"
NO_MQTT = "no telemetry; it waits in the session file. No STOP over the network, which is why that is no E-stop"
NO_EXPORT = "no file of that format; the session file has everything"
NO_COLLECTION = "nothing arrives at the lab's database; the session files have everything, and it is fetched later"
NO_INSTALL = "no installation"
NO_ANSWER = "as a device that does not answer: samples grow old, trip; the watchdog turns off without it"
CRASH = "a crash of the process: the watchdog cuts"
NO_PANEL = "no panel; the bench goes on, and the command line controls it"
NO_WATCH = "no `ablate watch`; nothing else"
NO_SIMULATION = "no simulated bench; never loaded with real ports"

USES: dict[str, Use] = {
    "aiohappyeyeballs": Use("panel", "part of aiohttp", NO_PANEL),
    "aiohttp": Use("panel", "the panel's pages and stream", NO_PANEL),
    "aiomqtt": Use("beside the daemon, a process of its own", "telemetry", NO_MQTT),
    "aiosignal": Use("panel", "part of aiohttp", NO_PANEL),
    "annotated-types": Use("daemon", "part of pydantic", RAISES),
    "asttokens": Use("installation", "asked for by uplot-python, never imported", "nothing"),
    "attrs": Use("panel", "part of aiohttp", NO_PANEL),
    "click": Use("command", "the command line", "no command; Ctrl-C and a closed terminal still end the hold"),
    "contourpy": Use("command", "part of matplotlib", NO_PAGE),
    "cycler": Use("command", "part of matplotlib", NO_PAGE),
    "editables": Use("installation", "part of hatchling", NO_INSTALL),
    "et-xmlfile": Use("command", "part of openpyxl", NO_EXPORT),
    "executing": Use("installation", "asked for by uplot-python, never imported", "nothing"),
    "fonttools": Use("command", "part of matplotlib", NO_PAGE),
    "frozenlist": Use("panel", "part of aiohttp", NO_PANEL),
    "h5py": Use("command", "sessions as HDF5", NO_EXPORT),
    "hatchling": Use("installation", "builds the package", NO_INSTALL),
    "idna": Use("panel", "part of aiohttp", NO_PANEL),
    "ipython": Use("installation", "asked for by uplot-python, never imported", "nothing"),
    "ipython-pygments-lexers": Use("installation", "asked for by uplot-python, never imported", "nothing"),
    "jedi": Use("installation", "asked for by uplot-python, never imported", "nothing"),
    "kiwisolver": Use("command", "part of matplotlib", NO_PAGE),
    "linkify-it-py": Use("command", "part of textual", NO_WATCH),
    "llvmlite": Use("simulator", "part of numba", NO_SIMULATION),
    "markdown-it-py": Use("command", "part of rich", "as rich"),
    "matplotlib": Use("command", "figures of the report", NO_PAGE),
    "matplotlib-inline": Use("installation", "asked for by uplot-python, never imported", "nothing"),
    "mdit-py-plugins": Use("command", "part of textual", NO_WATCH),
    "mdurl": Use("command", "part of rich", "as rich"),
    "msgpack": Use("installation", "asked for by uplot-python, never imported", "nothing"),
    "multidict": Use("panel", "part of aiohttp", NO_PANEL),
    "numba": Use("simulator", "compiles the simulated tissue", NO_SIMULATION),
    "numpy": Use("daemon", "reading records for a resumed application, coverage; the simulator", RAISES),
    "openpyxl": Use("command", "sessions as XLSX", NO_EXPORT),
    "packaging": Use("installation", "part of hatchling and matplotlib", NO_INSTALL),
    "paho-mqtt": Use("beside the daemon, a process of its own", "the MQTT protocol under aiomqtt", NO_MQTT),
    "parso": Use("installation", "asked for by uplot-python, never imported", "nothing"),
    "pathspec": Use("installation", "part of hatchling", NO_INSTALL),
    "pexpect": Use("installation", "asked for by uplot-python, never imported", "nothing"),
    "pillow": Use("command", "part of matplotlib", NO_PAGE),
    "pip": Use("installation", "installs", NO_INSTALL),
    "platformdirs": Use("command", "part of textual", NO_WATCH),
    "pluggy": Use("installation", "part of hatchling", NO_INSTALL),
    "prompt-toolkit": Use("installation", "asked for by uplot-python, never imported", "nothing"),
    "propcache": Use("panel", "part of aiohttp", NO_PANEL),
    "psutil": Use("installation", "asked for by uplot-python, never imported", "nothing"),
    "psycopg": Use("collector", "the lab's PostgreSQL", NO_COLLECTION),
    "psycopg-binary": Use("collector", "part of psycopg, compiled", NO_COLLECTION),
    "ptyprocess": Use("installation", "asked for by uplot-python, never imported", "nothing"),
    "pure-eval": Use("installation", "asked for by uplot-python, never imported", "nothing"),
    "pyarrow": Use("command", "sessions as Parquet", NO_EXPORT),
    "pydantic": Use("daemon", "checks bench and protocol files, before anything is connected", "the file is refused"),
    "pydantic-core": Use("daemon", "part of pydantic, compiled", f"the file is refused; {CRASH}"),
    "pygments": Use("command", "part of rich", "as rich"),
    "pymodbus": Use("daemon", "messages of devices that speak Modbus", NO_ANSWER),
    "pyparsing": Use("command", "part of matplotlib", NO_PAGE),
    "pyserial": Use("daemon", "opens serial ports; their bytes are read and written without it", NO_ANSWER),
    "python-dateutil": Use("command", "part of matplotlib", NO_PAGE),
    "pyvisa": Use("daemon, a thread for each session", "instruments on VISA", NO_ANSWER),
    "pyvisa-py": Use("daemon, a thread for each session", "back end of pyvisa", NO_ANSWER),
    "pyyaml": Use("daemon", "reads bench and protocol files, without objects", "the file is refused"),
    "rich": Use("command", "the live line of `ablate run`", "the foreground ends, and with it the hold"),
    "scipy": Use("simulator", "holes and interpolation in the simulated tissue's grid", NO_SIMULATION),
    "stack-data": Use("installation", "asked for by uplot-python, never imported", "nothing"),
    "textual": Use("command", "`ablate watch`", NO_WATCH),
    "tomlkit": Use("installation", "part of hatchling", NO_INSTALL),
    "traitlets": Use("installation", "asked for by uplot-python, never imported", "nothing"),
    "trove-classifiers": Use("installation", "part of hatchling", NO_INSTALL),
    "typing-extensions": Use("daemon", "part of pydantic and pyvisa", RAISES),
    "typing-inspection": Use("daemon", "part of pydantic", RAISES),
    "tzdata": Use("command", "part of python-dateutil", NO_PAGE),
    "uplot-python": Use("panel", "brings uPlot, the chart; its Python is never imported", NO_PANEL),
    "uvloop": Use("daemon", "the event loop, where the bench file asks for it", CRASH),
    "wcwidth": Use("installation", "asked for by uplot-python, never imported", "nothing"),
    "yarl": Use("panel", "part of aiohttp", NO_PANEL),
}  # fmt: skip


def locked() -> dict[str, list[str]]:
    """Package -> its versions in the lock; several where they depend on Python's version."""
    found: dict[str, list[str]] = {}
    for line in LOCK.read_text(encoding="utf-8").splitlines():
        match = re.match(r"([\w.-]+)==(\S+)", line)
        if match and "sys_platform == 'win32'" not in line:  # not ours: devices are spoken to on POSIX
            found.setdefault(match[1].lower(), []).append(match[2])
    return found


ONE_LICENCE = {
    "contourpy": "BSD License",
    "numpy": "BSD-3-Clause AND 0BSD AND MIT AND Zlib AND CC0-1.0",
    "scipy": "BSD-3-Clause",
}
"""Of packages with several locked versions: their metadata differ in form from one to the next."""


def licence(name: str) -> str:
    """As the package's metadata tells it: the expression, else the classifier, else a short name."""
    if name in ONE_LICENCE:
        return ONE_LICENCE[name]
    told = metadata.metadata(name)
    expression, text = told.get("License-Expression"), (told.get("License") or "").strip()
    classes = [c.rpartition(" :: ")[2] for c in told.get_all("Classifier") or [] if c.startswith("License ::")]
    short = text if text and "\n" not in text and len(text) <= 40 else ""
    return expression or "; ".join(classes) or short or "not told"


def render() -> str:
    """The page."""
    return "\n".join([HEAD, *_table(), "", SYSTEM.strip(), ""])


def _table() -> Iterator[str]:
    yield "| package | version | licence | where | used for | if it fails |"
    yield "|---|---|---|---|---|---|"
    for name, versions in sorted(locked().items()):
        use = USES[name]
        yield f"| {name} | {', '.join(versions)} | {licence(name)} | {use.where} | {use.why} | {use.fails} |"


def main() -> None:
    """Write the page."""
    PAGE.write_text(render(), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)} written")


if __name__ == "__main__":
    main()
