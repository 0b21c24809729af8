"""Who is refused is told why, and what leads on; and the record says so, whether the kernel was asked or not."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from controller.daemon import refusals
from controller.daemon.desk import Desk
from controller.daemon.refusals import Refusals
from controller.replay.recording import read
from safety.types import Fault
from sim.rehearsal import Rehearsal
from tests.daemon.rehearsed import CONSTANT, acted, of, protocol, until


def refused(folder: Path, *acts: tuple[Any, ...], protocol_path: str = "") -> tuple[list[dict[str, Any]], list[Any]]:
    """The answers to ``acts`` (a state is waited for), and the events ``refused``."""
    told: list[dict[str, Any]] = []

    async def act(run: Rehearsal, desk: Desk) -> None:
        await until(desk, "SAFE")
        for verb, *words in acts:
            if verb == "until":
                await until(desk, *words)
            elif verb == "estop":
                run.sim.set_inputs({"estop_a": False, "estop_b": False})
            else:
                told.append(await getattr(desk, verb)(*words))

    events = acted(folder, protocol_path or protocol(folder), act)
    return told, of(events, "refused")


def test_a_protocol_that_the_bench_cannot_take_is_in_the_record(tmp_path: Path) -> None:
    strong = protocol(tmp_path, {**CONSTANT, "power_w": 500.0}, "strong")
    (told,), (kept,) = refused(tmp_path, ("prepare", strong, "jo"), protocol_path=protocol(tmp_path))
    assert (told["ok"], told["configuration"]) == (False, True)
    assert (kept["verb"], kept["origin"], kept["who"], kept["kernel"]) == ("prepare", "local", "jo", False)
    assert "strong.yaml" in kept["by"]
    assert kept["blocked_by"] == told["blocked_by"][: refusals.REASONS_MAX]


def test_what_the_desk_refuses_and_what_the_kernel_refuses_is_there_once_each(tmp_path: Path) -> None:
    told, kept = refused(
        tmp_path, ("reset", "jo", ""), ("reset", "jo", "dusted"), ("fire", "jo"), ("arm", "jo"), ("ack", "jo")
    )
    assert [answer["error"] for answer in told] == [
        "a reset needs a reason; it is kept in the record",
        "reset refused: already SAFE",
        "fire refused in SAFE; ablate arm PROTOCOL comes first",
        "arm refused in SAFE; ablate arm PROTOCOL comes first",
        "there is nothing to acknowledge in SAFE",
    ]
    assert [answer["blocked_by"][:1] for answer in told] == [[], *[["state SAFE"]] * 4]
    assert [(event["verb"], event["who"], event.get("kernel", True)) for event in kept] == [
        ("reset", "jo", False),
        ("reset", "jo", False),
        ("fire", "jo", True),
        ("arm", "jo", True),
        ("ack", "jo", True),
    ]
    assert all(event["by"] == event["blocked_by"][0] for event in kept)


def test_each_state_says_what_leads_on(tmp_path: Path) -> None:
    path = protocol(tmp_path)
    told, kept = refused(
        tmp_path,
        *[("prepare", path, "jo"), ("until", "READY"), ("arm", "jo"), ("prepare", path, "jo"), ("arm", "jo")],
        *[("estop",), ("until", "TRIPPED"), ("prepare", path, "jo"), ("ack", "jo"), ("reset", "jo", "why")],
        protocol_path=path,
    )
    errors = [answer.get("error", "") for answer in told]
    assert errors[:5] == [
        "",
        "",
        "prepare needs SAFE, not ARMED; ablate start, or ablate stop",
        "arm refused: already ARMED; ablate start, or ablate stop",
        'prepare needs SAFE, not TRIPPED; ablate ack, then ablate reset "what was found"',
    ]
    assert told[5] == {"ok": True, "acknowledged": "trip", "state": "TRIPPED", "latched": True}
    assert "estop" in told[6]["blocked_by"]
    assert [event["verb"] for event in kept] == ["prepare", "arm", "prepare", "reset"]


@pytest.mark.parametrize("lockout", [False, True])
def test_an_acknowledgement_says_what_it_did(tmp_path: Path, lockout: bool) -> None:
    answers: list[dict[str, Any]] = []

    async def act(run: Rehearsal, desk: Desk) -> None:
        await until(desk, "SAFE")
        fault = Fault("H32", "law", "law", "made by a test", "nothing", run.daemon._loop.time(), lockout=lockout)
        run.daemon.hub.fault(fault)
        await until(desk, "LOCKOUT" if lockout else "TRIPPED")
        answers.extend([await desk.ack("jo"), await desk.ack("jo")])

    kept = of(acted(tmp_path, protocol(tmp_path), act), "refused")
    if not lockout:
        assert answers == [{"ok": True, "acknowledged": "trip", "state": "TRIPPED", "latched": True}] * 2
        return
    assert answers[0] == {"ok": True, "acknowledged": "alarms", "state": "LOCKOUT", "latched": True}
    assert (answers[1]["ok"], answers[1]["error"]) == (False, "there is nothing to acknowledge in LOCKOUT")
    assert answers[1]["blocked_by"][:2] == ["state LOCKOUT", "lockout"]
    assert [event["verb"] for event in kept] == ["ack", "ack"]


def test_a_replay_does_not_look_for_what_the_kernel_was_not_asked(tmp_path: Path) -> None:
    refused(tmp_path, ("reset", "jo", ""), ("fire", "jo"))
    (path,) = tmp_path.rglob("*.ablate")
    assert [event.data["verb"] for event in read(path).events if event.kind == "refused"] == ["fire"]


# ---- floods


@pytest.mark.virtual
async def test_a_flood_leaves_a_count_and_not_a_full_record() -> None:
    kept: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    told = Refusals(lambda kind, data: kept.append(data), loop)
    for number in range(5000):
        told.tell("inject", f"pid {number}", ["unknown verb"])
        await asyncio.sleep(0.001)
    await asyncio.sleep(1.5)
    assert len(kept) <= refusals.BURST + 6
    assert sum(1 + data.get("more", 0) for data in kept) == 5000
    assert kept[-1]["who"] == "pid 4999"
    await asyncio.sleep(20.0)
    for _ in range(3):
        told.tell("inject", "pid 1", ["unknown verb"])
    assert "more" not in kept[-1]


async def test_what_is_held_back_is_written_at_the_end() -> None:
    kept: list[dict[str, Any]] = []
    told = Refusals(lambda kind, data: kept.append(data), asyncio.get_running_loop())
    for _ in range(refusals.BURST + 3):
        told.tell("x" * 999, "jo", ["\x1b[2J" + "y" * 9999, *["z"] * 99])
    told.flush()
    assert [data.get("more") for data in kept] == [*[None] * refusals.BURST, 2]
    assert len(kept[0]["verb"]) == refusals.VERB_LENGTH
    assert "\x1b" not in kept[0]["by"]
    assert len(kept[0]["blocked_by"]) == refusals.REASONS_MAX
