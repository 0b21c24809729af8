"""Who does not get in, and what he is told: a sentence, never a state that sounds safe."""

from __future__ import annotations

import contextlib
import http.server
import socket
import threading
from collections.abc import Iterator

import pytest

from tests.browser.operator import NOT_LIVE, Operator
from tests.browser.pages import Pages
from tests.browser.served import Served
from tests.process.bench import Emulated, run

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]


@pytest.mark.parametrize("token", ["", "#token=of-yesterday"])
def test_an_expired_token(bench: Served, pages: Pages, token: str) -> None:
    pages.excused = ("401", "WebSocket")
    operator = Operator(pages(bench.panel.url.rstrip("/") + "/" + token))
    operator.reads("open the link that `?ablate panel`? prints")
    assert operator.state == NOT_LIVE
    assert set(operator.page.locator(".tile .value").all_inner_texts()) <= {"--"}
    operator.page.keyboard.press("Escape")
    operator.reads("STOP WAS NOT DELIVERED")
    assert operator.state == NOT_LIVE


class Quiet(http.server.BaseHTTPRequestHandler):
    """Somebody else's site."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>another site</title>")

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextlib.contextmanager
def another_site() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    thread = threading.Thread(target=server.serve_forever, name="another-site")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


ATTEMPTS = """
async ([url, token]) => {
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const post = (how) =>
    fetch(`${url}/api/v1/stop`, { method: "POST", body: "{}", ...how }).then((told) => told.type, () => "refused");
  const stream = new Promise((tell) => {
    const socket = new WebSocket(`${url.replace("http", "ws")}/api/v1/stream`);
    socket.onopen = () => socket.send(JSON.stringify({ type: "hello", token, client: "another-site" }));
    socket.onmessage = () => tell("served");
    socket.onerror = socket.onclose = () => tell("refused");
  });
  return [await post({ headers }), await post({ mode: "no-cors" }), await stream];
}
"""


def test_another_site(bench: Served, pages: Pages) -> None:
    """Even one that has got hold of the token: neither its requests nor its sockets nor its frames are served."""
    pages.excused = ("CORS", "Failed to load resource", "WebSocket", "frame", "net::ERR", "Refused to")
    panel, before = bench.panel, bench.events("stop")
    with another_site() as site:
        page = pages(site)
        done = page.evaluate(ATTEMPTS, [panel.url.rstrip("/"), panel.token])
        assert set(done) <= {"refused", "opaque"}  # opaque: the browser sent it, and shows the page nothing
        page.evaluate(
            "url => { const f = document.createElement('iframe'); f.src = url; document.body.append(f); }", panel.url
        )
        page.wait_for_timeout(500)
        framed = [frame for frame in page.frames if frame != page.main_frame]
        assert all(frame.locator("#state-word").count() == 0 for frame in framed)
    assert bench.events("stop") == before  # the request that needs no permission of the browser was refused as well


def test_a_port_in_use(bench: Served) -> None:
    """One that was asked for: another bench's `ablate serve` says so, and runs nothing."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with Emulated(serve=False) as other:
            code, _, words = run(other, "serve", other.simulated, "--port", port)
            assert code == 4
            assert port in words
            assert "Traceback" not in words
            assert not other.control.exists()


def test_a_second_controller(bench: Served) -> None:
    """`ablate serve` of a bench that is already run; what runs is not disturbed."""
    code, _, words = run(bench, "serve", bench.simulated)
    assert code == 4
    assert "already being run" in words
    assert "Traceback" not in words
    assert bench.status()["state"] == "SAFE"


def test_no_daemon(bench: Served) -> None:
    """`ablate panel` where nothing runs."""
    with Emulated(serve=False) as other:
        code, _, words = run(other, "panel", "--no-open")
    assert code == 7
    assert "no bench is running" in words
    assert "Traceback" not in words
