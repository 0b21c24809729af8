"""Nothing that runs beside a bench can listen on a network: the words for it do not occur in the program."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.support.tracked import modules

SERVERS = frozenset(
    {"start_server", "create_server", "create_datagram_endpoint", "listen", "bind", "serve_forever", "HTTPServer"}
    | {"ThreadingHTTPServer", "TCPServer", "UDPServer", "WSGIServer", "run_app", "start_unix_server"}
)
ALLOWED = {("controller/daemon/control.py", "start_unix_server")}
"""The control socket: a file, mode 0600, whose peer the operating system names."""
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


def test_there_is_one_server_and_it_is_a_unix_socket(repository: Path) -> None:
    found = {
        (str(path.relative_to(repository)), name)
        for path in modules(repository, "controller", "drivers", "safety")
        for name in servers(path.read_text())
    }
    assert found == ALLOWED


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
