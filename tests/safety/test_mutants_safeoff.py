"""Plans as data: every default, what proves off and what does not, and their JSON to the byte."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest

from tests.mutation.total import raises_nothing

GEN = {
    "device": "gen", "resync": b"\0\0", "off": (b"\x01", b"\x02"), "readbacks": (), "gap_s": 0.005, "reopen": None,
    "baud": 9600, "bytesize": 8, "parity": "N", "stopbits": 1,
}  # fmt: skip
LINE = {
    "device": "line", "close": b"C", "open": b"O", "query": b"Q", "reply_length": 3, "offset": 1, "closed_value": 7,
    "refresh_s": 0.1, "reopen": None, "baud": 9600, "prefix": b"", "bytesize": 8, "parity": "N", "stopbits": 1,
}  # fmt: skip


def gen(**change: Any) -> Any:
    from safety.safeoff import SafeOffPlan

    return SafeOffPlan(**{"device": "gen", "resync": b"\0\0", "off": (b"\x01", b"\x02"), **change})


def line(**change: Any) -> Any:
    from safety.safeoff import EnablePlan

    words = ("device", "close", "open", "query", "reply_length", "offset", "closed_value")
    return EnablePlan(**{**{word: LINE[word] for word in words}, **change})


@raises_nothing
def test_defaults() -> None:
    assert asdict(gen()) == GEN
    assert asdict(line()) == LINE


def readback(**change: Any) -> Any:
    from safety.safeoff import Readback

    words: dict[str, Any] = {
        "query": b"?", "prefix": b"\x2a\x52", "reply_length": 6, "offset": 2, "width": 2, "mask": 0xFF0,
        "at_most": 0x20,
    }  # fmt: skip
    return Readback(**{**words, **change})


@pytest.mark.parametrize(
    "reply, off",
    [
        ("2a52 0000 0000", True), ("2a52 0020 0000", True), ("2a52 0021 0000", True), ("2a52 002f 0000", True),
        ("2a52 0030 0000", False), ("2a52 f020 0000", True), ("2a52 0120 0000", False), ("2a52 0020 00", False),
        ("2a52 0020 0000 ff", True), ("2b52 0000 0000", False), ("002a 5200 0000", False), ("", False),
    ],
)  # fmt: skip
@raises_nothing
def test_what_proves_off(reply: str, off: bool) -> None:
    assert readback().proves_off(bytes.fromhex(reply)) is off


@raises_nothing
def test_a_number_of_one_byte() -> None:
    assert readback(offset=4, width=1, mask=0xFF, at_most=5).proves_off(bytes.fromhex("2a52 ffff 05ff")) is True
    assert readback(offset=4, width=1, mask=0xFF, at_most=5).proves_off(bytes.fromhex("2a52 0000 0600")) is False


@pytest.mark.parametrize(
    "prefix, seen, closed",
    [
        (b"", b"", None), (b"", b"a\x07", None), (b"", b"a\x07c", True), (b"", b"a\x06c", False),
        (b"", b"a\x07cde", True),
        (b"", b"\x07ac", False), (b">", b"a\x07c", None), (b">", b">\x07c", True), (b">", b">\x06c>\x07c", True),
        (b">", b">\x07c>\x06c", False), (b">", b">\x07c>\x07", None), (b">", b"xx>\x07c", True),
    ],
)  # fmt: skip
@raises_nothing
def test_what_a_line_says(prefix: bytes, seen: bytes, closed: bool | None) -> None:
    assert line(prefix=prefix).closed(seen) is closed


@pytest.mark.parametrize(
    "framing, fine",
    [
        ({"bytesize": 5}, True), ({"bytesize": 6}, True), ({"bytesize": 7}, True), ({"bytesize": 8}, True),
        ({"bytesize": 4}, False), ({"bytesize": 9}, False), ({"parity": "E"}, True), ({"parity": "O"}, True),
        ({"parity": "M"}, True), ({"parity": "S"}, True), ({"parity": "X"}, False), ({"stopbits": 1.5}, True),
        ({"stopbits": 2}, True), ({"stopbits": 0}, False), ({"stopbits": 3}, False),
        ({"bytesize": 9, "stopbits": 2, "parity": "E"}, False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("make", [gen, line])
@raises_nothing
def test_framing(make: Any, framing: dict[str, Any], fine: bool) -> None:
    if fine:
        assert {k: v for k, v in asdict(make(**framing)).items() if k in framing} == framing
        return
    told = {"bytesize": 8, "parity": "N", "stopbits": 1, **framing}
    said = f"{told['bytesize']!r}{told['parity']}{told['stopbits']!r}"
    with pytest.raises(ValueError, match=f"^no serial line has the framing {said}$"):
        make(**framing)


@raises_nothing
def test_json() -> None:
    from safety.safeoff import from_json, to_json

    plan = gen(readbacks=(readback(), readback(query=b"")), reopen="tcp://h:1", stopbits=1.5)
    document = json.loads(to_json(plan))
    assert (document["plan"], document["resync"], document["off"]) == (
        "SafeOffPlan", {"hex": "0000"}, [{"hex": "01"}, {"hex": "02"}],
    )  # fmt: skip
    assert document["readbacks"][0] == {
        "query": {"hex": "3f"}, "prefix": {"hex": "2a52"}, "reply_length": 6, "offset": 2, "width": 2, "mask": 0xFF0,
        "at_most": 0x20,
    }  # fmt: skip
    assert to_json(plan) == json.dumps(document, sort_keys=True)
    assert from_json(to_json(plan)) == plan
    assert json.loads(to_json(line()))["plan"] == "EnablePlan"
    assert from_json(to_json(line(prefix=b">"))) == line(prefix=b">")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "5", "{}", '{"plan": "EnablePlan"}', '{"plan": "SafeOffPlan"}',
     '{"plan": "SafeOffPlan", "readbacks": [{}]}',
     '{"plan": "SafeOffPlan", "readbacks": [], "x": 1}', '{"plan": "EnablePlan", "close": {"hex": "zz"}}'],
)  # fmt: skip
@raises_nothing
def test_what_is_no_plan(text: str) -> None:
    from safety.safeoff import from_json

    with pytest.raises(ValueError, match=r"^not a safe-off plan: "):
        from_json(text)


@raises_nothing
def test_another_kind_of_plan_is_named() -> None:
    from safety.safeoff import from_json

    with pytest.raises(ValueError, match=r"^not a safe-off plan: 'OtherPlan'$"):
        from_json('{"plan": "OtherPlan"}')
