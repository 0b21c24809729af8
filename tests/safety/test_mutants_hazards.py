"""The reader of the hazard table: what a row must say, and what it is told when it does not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.mutation.total import raises_nothing

ROW: dict[str, Any] = {
    "id": "H01", "title": "power", "kind": "interlock", "action": ["TRIP"], "alarm": "high", "latch": "latched",
    "interlock": ["m: n"], "threshold": "1 W", "injection": ["f"], "proof": ["t"],
}  # fmt: skip


def toml(**change: Any) -> str:
    """A table of 82 rows, the first one changed; a value of None takes the key away."""
    rows = []
    for number in range(1, 83):
        row = {**ROW, "id": f"H{number:02}", **(change if number == 1 else {})}
        rows.append("[[hazard]]\n" + "".join(f"{k} = {_value(v)}\n" for k, v in row.items() if v is not None))
    return "\n".join(rows)


def _value(value: Any) -> str:
    return repr(value).replace("True", "true") if not isinstance(value, dict) else "{" + ", ".join(value) + "}"


@raises_nothing
def test_a_whole_row() -> None:
    from controller.hazards import parse

    rows = parse(toml(numbers={}, trips_within_s=0.5, check="c", reason="r", missing="m"))
    one, two = rows[:2]
    assert len(rows) == 82
    assert (one.id, one.title, one.kind, one.action, one.alarm, one.latch) == (
        "H01", "power", "interlock", ("TRIP",), "high", "latched",
    )  # fmt: skip
    assert (one.interlock, one.threshold, one.injection, one.proof) == (("m: n",), "1 W", ("f",), ("t",))
    assert (one.numbers, one.trips_within_s, one.check, one.reason, one.missing) == ({}, 0.5, "c", "r", "m")
    assert (two.numbers, two.trips_within_s, two.check, two.reason, two.missing) == ({}, None, "", "", "")


@pytest.mark.parametrize("key", ["id", "title", "kind", "alarm", "latch", "threshold", "check", "reason", "missing"])
@raises_nothing
def test_texts_are_texts(key: str) -> None:
    refused(f"{key} is unknown, or not of its type", **{key: 5})


@pytest.mark.parametrize("key", ["action", "interlock", "injection", "proof"])
@raises_nothing
def test_lists_are_lists(key: str) -> None:
    refused(f"{key} is unknown, or not of its type", **{key: "TRIP"})


def refused(match: str, **change: Any) -> None:
    from controller.hazards import parse

    with pytest.raises(ValueError, match=f"^hazard {change.get('id', 'H01')}: {match}"):
        parse(toml(**change))


@raises_nothing
def test_other_keys_and_types() -> None:
    refused("numbers is unknown, or not of its type", numbers=5)
    refused("trips_within_s is unknown, or not of its type", trips_within_s=1)
    refused("colour is unknown, or not of its type", colour="red")


@pytest.mark.parametrize("key", ["title", "kind", "action", "alarm", "latch"])
@raises_nothing
def test_what_must_be_there(key: str) -> None:
    refused(f"{key} is missing", **{key: None})


@pytest.mark.parametrize(
    "kind, needs",
    [
        ("interlock", ["interlock", "threshold", "action", "injection", "proof"]),
        ("process", ["threshold", "reason", "proof"]), ("wiring", ["check", "reason"]), ("site", ["check", "reason"]),
        ("open", ["missing"]),
    ],
)  # fmt: skip
@raises_nothing
def test_what_a_kind_needs(kind: str, needs: list[str]) -> None:
    from controller.hazards import parse

    whole = {"check": "c", "reason": "r", "missing": "m", "kind": kind}
    assert parse(toml(**whole))[0].kind == kind
    for key in needs:
        empty: Any = [] if isinstance(ROW.get(key), list) else ""
        latch = {"latch": "none"} if key == "action" else {}
        refused(f"{kind} needs {key}", **{**whole, key: empty, **latch})


@pytest.mark.parametrize("change", [{"kind": "x"}, {"alarm": "loud"}, {"action": ["TRIP", "SHOUT"]}, {"alarm": "HIGH"}])
@raises_nothing
def test_words(change: dict[str, Any]) -> None:
    told = "kind is one of interlock, process, wiring, site, open; alarm of high, medium, low, none; action some of"
    refused(f"{told} INH, STOP, TRIP, LOCK$", **change)


@pytest.mark.parametrize("alarm", ["high", "medium", "low", "none"])
@pytest.mark.parametrize(
    "action, latch",
    [(["INH"], "none"), (["STOP"], "none"), (["TRIP"], "latched"), (["STOP", "TRIP"], "latched"), (["LOCK"], "lockout"),
     (["TRIP", "LOCK"], "lockout")],
)  # fmt: skip
@raises_nothing
def test_the_latch_follows_from_the_action(action: list[str], latch: str, alarm: str) -> None:
    from controller.hazards import parse

    assert parse(toml(action=action, latch=latch, alarm=alarm))[0].latch == latch
    for other in {"none", "latched", "lockout"} - {latch}:
        refused(f"latch is {latch} after {', '.join(action)}$", action=action, latch=other)


@raises_nothing
def test_ids_are_all_there_once_in_order() -> None:
    from controller.hazards import IDS, parse

    assert (IDS[0], IDS[8], IDS[-1], len(IDS)) == ("H01", "H09", "H82", 82)
    blocks = toml().split("[[hazard]]\n")[1:]

    def table(order: list[str]) -> str:
        return "".join(f"[[hazard]]\n{block}" for block in order)

    told = "^hazards are H01 to H82, each once and in order; look at "
    with pytest.raises(ValueError, match=rf"{told}\['H82'\]$"):
        parse(table(blocks[:-1]))
    with pytest.raises(ValueError, match=rf"{told}\['H01'\]$"):
        parse(table([blocks[0], *blocks]))
    with pytest.raises(ValueError, match=f"{told}their order$"):
        parse(table(blocks[::-1]))
    with pytest.raises(ValueError, match=rf"{told}\['H01', 'H02'"):
        parse("")
    with pytest.raises(ValueError, match=r"Invalid|Expected"):
        parse("= no TOML")
