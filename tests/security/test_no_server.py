"""Daemon and watchdog cannot listen on a network: outside the panel, a process of its own, the words for it do not
occur."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from controller.panel.guards import LOOPBACK
from tests.support.tracked import modules

SERVERS = frozenset(
    {"start_server", "create_server", "create_datagram_endpoint", "listen", "bind", "serve_forever", "HTTPServer"}
    | {"ThreadingHTTPServer", "TCPServer", "UDPServer", "WSGIServer", "run_app", "start_unix_server"}
)
ALLOWED = {
    ("controller/daemon/control.py", "start_unix_server"),
    ("controller/checkup/machine.py", "bind"),
    ("controller/panel/server.py", "bind"),
    ("controller/panel/server.py", "listen"),
    ("controller/panel/server.py", "create_server"),
}
"""The control socket: a file, mode 0600, whose peer the operating system names. And the panel's port, in one place, on
127.0.0.1; `ablate doctor` looks whether it is free."""
PANEL = "controller/panel/"
FRAMEWORKS = frozenset({"http", "socketserver", "xmlrpc", "wsgiref", "aiohttp", "fastapi", "flask", "starlette"})


def servers(source: str) -> set[str]:
    """Calls and imports by which a program becomes a server."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            found |= {name} & SERVERS
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names} & FRAMEWORKS
        elif isinstance(node, ast.ImportFrom):
            found |= {(node.module or "").split(".")[0]} & FRAMEWORKS
    return found


def test_there_is_one_unix_socket_and_the_panels_port(repository: Path) -> None:
    found = {
        (str(path.relative_to(repository)), name)
        for path in modules(repository, "controller", "drivers", "safety")
        for name in servers(path.read_text())
    }
    assert {each for each in found if not (each[0].startswith(PANEL) and each[1] in FRAMEWORKS)} == ALLOWED


def test_the_panels_port_is_on_this_machine_alone(repository: Path) -> None:
    """What it binds to is a constant, which is 127.0.0.1."""
    tree = ast.parse((repository / PANEL / "server.py").read_text())
    bound = [
        node.args[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "bind"
    ]
    assert [ast.unparse(address) for address in bound] == ["(LOOPBACK, number)"]
    assert LOOPBACK == "127.0.0.1"


def test_who_runs_a_bench_knows_nothing_of_the_panel() -> None:
    """Neither daemon nor watchdog nor launcher loads a line of it, nor of HTTP."""
    found = "import sys, controller.daemon.__main__, safety.watchdog, controller.launch; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", found], capture_output=True, text=True, check=True).stdout.split()
    assert "controller.daemon.app" in loaded
    assert [name for name in loaded if name.startswith(("controller.panel", "aiohttp", "http.server"))] == []


@pytest.mark.parametrize(
    "canary",
    [
        "asyncio.start_server(f)",
        "loop.create_server(f)",
        "sock.listen()",
        "import http.server",
        "from aiohttp import web",
    ],
)
def test_canary(canary: str) -> None:
    assert servers(canary) != set()


def test_what_could_run_text_as_code_is_not_there(repository: Path) -> None:
    """No pickle, no eval, no YAML that builds objects: what is read is data."""
    wrong = []
    for path in modules(repository):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"eval", "exec"}:
                names.append(node.func.id)
            if isinstance(node, ast.Attribute) and node.attr in {
                "unsafe_load",
                "full_load",
                "UnsafeLoader",
                "FullLoader",
            }:
                names.append(node.attr)
            if isinstance(node, ast.keyword) and node.arg == "shell":
                names.append("shell")
            bad = {"pickle", "marshal", "shelve", "eval", "exec", "shell", "unsafe_load", "full_load", "UnsafeLoader"}
            wrong += [f"{path.relative_to(repository)}: {name}" for name in names if name in {*bad, "FullLoader"}]
    assert wrong == []
