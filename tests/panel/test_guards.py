"""What another site's page, another computer or an old page may try: each is refused, in a sentence."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from controller.panel.api import MAX_BODY
from controller.panel.guards import May, Tokens
from tests.panel.rig import TOKENS, Rig


async def raw(rig: Rig, text: str) -> tuple[int, dict[str, str], bytes]:
    """One request as it is written; status, headers, body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", rig.context.port)
    try:
        writer.write(text.replace("\n", "\r\n").encode())
        head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 3.0)).decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in head[1:] if line)
        body = await reader.readexactly(int(headers.get("Content-Length", 0)))
        return int(head[0].split()[1]), headers, body
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:{port}",
        "127.evil.example:{port}",
        "127.0.0.1.evil.example:{port}",
        "localhost.evil.example:{port}",
        "127.0.0.1",
        "localhost:1",
        "[::1]",
        "127.1:{port}",
        "2130706433:{port}",
        "0.0.0.0:{port}",
        "user@127.0.0.1:{port}",
        "127.0.0.1:{port}, evil.example",
        "",
    ],
)
async def test_a_name_that_points_here_is_not_ours(rig: Rig, host: str) -> None:
    told = host.format(port=rig.context.port)
    status, _, body = await raw(rig, f"GET / HTTP/1.1\nHost: {told}\n\n")
    assert status in (400, 403), told
    if status == 403:
        answer = json.loads(body)
        assert answer["error"] == "this host name is not the panel's"
        assert "same port at both ends" in answer["remedy"]


async def test_no_host_and_two_hosts_are_refused(rig: Rig) -> None:
    ours = f"Host: 127.0.0.1:{rig.context.port}\n"
    assert (await raw(rig, "GET / HTTP/1.0\n\n"))[0] == 403
    assert (await raw(rig, f"GET /api/v1/health HTTP/1.1\n{ours}{ours}\n"))[0] in (400, 403)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
async def test_our_own_names_are_ours(rig: Rig, name: str) -> None:
    status, _, _ = await raw(rig, f"GET /api/v1/health HTTP/1.1\nHost: {name}:{rig.context.port}\n\n")
    assert status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": "http://localhost:{port}"},
        {"Origin": "http://127.0.0.1:{port}.evil.example"},
        {"Origin": "http://[::1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_another_sites_page_gets_nothing_even_with_the_token(rig: Rig, headers: dict[str, str]) -> None:
    sent = {**rig.headers(), **{name: value.format(port=rig.context.port) for name, value in headers.items()}}
    for method, path in (("GET", "status"), ("POST", "stop"), ("POST", "control/take"), ("GET", "stream")):
        async with rig.client.request(method, rig.url(path), json={}, headers=sent) as answer:
            assert (answer.status, (await answer.json())["ok"]) == (403, False), path
    assert rig.daemon.asked == []


@pytest.mark.parametrize("sent", ["", "Bearer", "Bearer ", "Bearer old-token", "Basic control-token", "control-token"])
async def test_without_the_token_nothing_is_told(rig: Rig, sent: str) -> None:
    for method, path in (("GET", "status"), ("GET", "bench"), ("POST", "stop"), ("GET", "no-such-thing")):
        async with rig.client.request(method, rig.url(path), json={}, headers={"Authorization": sent}) as answer:
            told = await answer.json()
            assert answer.status == 401, path
            assert "ablate panel" in told["remedy"]
    assert rig.daemon.asked == []


async def test_a_stream_needs_no_header_and_nothing_else_goes_without(rig: Rig) -> None:
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade"}
    async with rig.client.get(rig.url("status"), headers=upgrade) as answer:
        assert answer.status == 401


@pytest.mark.parametrize(
    "hello",
    [
        {"type": "hello", "token": "old", "client": "a"},
        {"type": "hello", "client": "a"},
        {"type": "hello", "token": TOKENS.control, "client": "<script>"},
        {"type": "hello", "token": TOKENS.control, "client": "a", "more": 1},
        {"type": "stop"},
        [],
        "hello",
    ],
)
async def test_a_stream_without_a_proper_hello_is_hung_up_on(rig: Rig, hello: Any) -> None:
    async with rig.client.ws_connect(rig.url("stream")) as socket:
        await socket.send_json(hello)
        assert (await socket.receive_json())["type"] == "refused"
        await socket.receive()
        assert socket.close_code == (4401 if hello == {"type": "hello", "token": "old", "client": "a"} else 4400)
    assert rig.daemon.asked == []


async def test_every_answer_tells_the_browser_what_it_may_load(rig: Rig) -> None:
    port = rig.context.port
    for path in ("/", "/api/v1/health", "/api/v1/nothing", "/nothing", "/static/uplot/uPlot.iife.js"):
        async with rig.client.get(f"{rig.origin}{path}") as answer:
            policy = answer.headers["Content-Security-Policy"].split("; ")
            assert "default-src 'self'" in policy
            assert "frame-ancestors 'none'" in policy
            assert f"connect-src 'self' ws://127.0.0.1:{port} ws://localhost:{port}" in policy
            assert not any("unsafe" in part or "*" in part for part in policy)
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert not [name for name in answer.headers if name.lower().startswith("access-control")]


async def test_a_preflight_is_refused(rig: Rig) -> None:
    sent = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    async with rig.client.options(rig.url("stop"), headers=sent) as answer:
        assert answer.status == 403


@pytest.mark.parametrize(
    ("content", "sent", "status"),
    [
        ("application/x-www-form-urlencoded", b"protocol=x", 415),
        ("text/plain", b'{"protocol":"x"}', 415),
        ("application/json", b"{", 400),
        ("application/json", b"[]", 400),
        ("application/json", b"[" * 9000, 400),
        ("application/json", b"\xff\xfe", 400),
        ("application/json", b'{"protocol":"x","more":1}', 400),
        ("application/json", b'{"protocol":7}', 400),
        ("application/json", b'{"protocol":"x","resume":"yes"}', 400),
        ("application/json", b'{"protocol":"' + b"x" * MAX_BODY + b'"}', 413),
    ],
)
async def test_what_is_no_request_is_named(rig: Rig, content: str, sent: bytes, status: int) -> None:
    await rig.post("control/take")
    headers = {**rig.headers(), "Content-Type": content}
    async with rig.client.post(rig.url("prepare"), data=sent, headers=headers) as answer:
        told = await answer.json()
        assert (answer.status, told["ok"]) == (status, False), told
        assert told["error"]
        assert told["remedy"]
    assert rig.daemon.asked == []


async def test_stop_asks_for_no_proper_body(rig: Rig) -> None:
    for content, sent in (("text/plain", b""), ("application/json", b"{"), ("application/json", b"x" * (MAX_BODY + 1))):
        headers = {**rig.headers(TOKENS.viewer), "Content-Type": content}
        async with rig.client.post(rig.url("stop"), data=sent, headers=headers) as answer:
            assert (answer.status, (await answer.json())["ok"]) == (200, True)
    assert rig.daemon.asked == ["stop stop"] * 3


async def test_a_static_path_leads_nowhere_else(rig: Rig) -> None:
    port = rig.context.port
    for path in ("/static/../guards.py", "/static/%2e%2e/guards.py", "/static//etc/passwd", "/static/..%2fguards.py"):
        status, _, body = await raw(rig, f"GET {path} HTTP/1.1\nHost: 127.0.0.1:{port}\n\n")
        assert status in (400, 403, 404), path
        assert b"Guard" not in body


def test_tokens_are_new_each_time_and_long() -> None:
    one, other = Tokens.new(), Tokens.new()
    assert len({*one, *other}) == 4
    assert min(map(len, one)) >= 32
    assert (one.may(one.control), one.may(one.viewer), one.may(other.control)) == (May.CONTROL, May.VIEW, None)
    assert one.may("é\ud800") is None
