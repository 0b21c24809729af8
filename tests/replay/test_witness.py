"""What a tick knew is kept, and nothing twice: samples of the daemon, rare events, the kernel's state after idling."""

from __future__ import annotations

import json
import math

import pytest

from controller.daemon import witness
from controller.daemon.witness import Hands, Switch, Told, Witness
from controller.records.schema import to_json
from safety.state import KernelState
from safety.types import (
    Fault,
    Inputs,
    Origin,
    Quality,
    RecordStatus,
    Request,
    Sample,
    State,
    Verb,
    WatchdogStatus,
)

STOP = Request(Verb.STOP, Origin.LOCAL, 5.0, "somebody", "why")
FAULT = Fault("H15", "link", "gen", "lost", "the cable", 5.0)
FULL = Inputs(
    {},
    (STOP,),
    (FAULT,),
    4.5,
    WatchdogStatus(4.9, True, False, True),
    RecordStatus(4.8, False, "the disk is full"),
    20.0,
    3.25,
    "ab",
    56.0,
)


@pytest.mark.parametrize(
    "inputs",
    [
        FULL,
        Inputs({}, config_hash="ab"),
        Inputs({}, watchdog=WatchdogStatus(1.0, False, None, False), config_hash="ab"),
        Inputs({}, watchdog=WatchdogStatus(1.0, True, True, False), record=RecordStatus(1.0, True), config_hash="ab"),
    ],
)
def test_inputs_come_back_as_they_were(inputs: Inputs):
    latest = {sample.channel: sample for sample in witness.own(inputs)}
    text = inputs.record.text if inputs.record is not None else ""
    back = witness.inputs_of(latest, inputs.requests, inputs.faults, text, "ab")
    for name in ("requests", "faults", "foreground_lease_s", "watchdog", "record", "applied_w", "applied_t_s"):
        assert getattr(back, name) == getattr(inputs, name), name
    assert (back.config_hash, back.flow_due_ml_min) == (inputs.config_hash, inputs.flow_due_ml_min)


def test_only_what_changed_is_kept():
    seen = Witness()
    power = Sample("gen.power_w", 20.0, 4.9)
    first = seen.samples([power], Told(FULL))
    assert [sample.channel for sample in first] == [
        "gen.power_w", witness.HELD, witness.WATCHDOG, witness.RECORD, witness.APPLIED, witness.FLOW_DUE,
    ]  # fmt: skip
    assert seen.samples([], Told(FULL)) == []
    later = Inputs(
        {}, foreground_lease_s=4.6, watchdog=FULL.watchdog, record=FULL.record, applied_w=20.0, applied_t_s=3.25
    )
    assert seen.samples([], Told(later)) == [
        Sample(witness.HELD, 1.0, 4.6), Sample(witness.FLOW_DUE, 0.0, 0.0),
    ]  # fmt: skip


def test_after_idling_the_newest_of_each_channel_is_kept():
    seen = Witness()
    seen.samples([], Told(Inputs({})))
    seen.skip([Sample("tc.tip_c", 20.0, 1.0), Sample("gen.power_w", 0.0, 1.0)])
    seen.skip([Sample("gen.power_w", 0.1, 1.1, Quality.BAD)])
    kept = seen.samples([Sample("gen.power_w", 0.2, 1.2)], Told(Inputs({})))
    assert kept == [
        Sample("tc.tip_c", 20.0, 1.0), Sample("gen.power_w", 0.1, 1.1, Quality.BAD), Sample("gen.power_w", 0.2, 1.2),
    ]  # fmt: skip
    assert seen.samples([], Told(Inputs({}))) == []


def test_rare_things_are_told_once():
    seen = Witness()
    assert seen.rare(1, Told(Inputs({}))) is None
    switch = Switch((0, 2), 4.0, before=True, after=False)
    told = json.loads(to_json(seen.rare(2, Told(FULL, Hands(20.0, 0.0), switch))))
    assert (told["tick"], told["record"], told["law"]) == (2, "the disk is full", [20.0, 0.0, ""])
    assert told["switch"] == [[0, 2], 4.0, True, False]
    assert [len(told["requests"]), len(told["faults"])] == [1, 1]
    quiet = Inputs({}, record=FULL.record)
    assert seen.rare(3, Told(quiet, Hands(20.0, 0.0), switch)) is None
    assert seen.rare(4, Told(quiet, None, switch)) == {"tick": 4, "law": [None, None, ""]}


def test_the_kernel_state_is_kept_where_ticks_before_are_not():
    seen, state = Witness(), KernelState(State.SAFE, (), history=((1.0, math.inf),))
    first = seen.before(1, state, idle=False)
    assert first is not None
    assert (first["tick"], first["fresh"]) == (1, True)
    assert seen.before(2, state, idle=False) is None
    seen.skip([])
    assert seen.before(4, state, idle=True) is None
    after = seen.before(5, state, idle=False)
    assert after is not None
    assert (after["tick"], after["fresh"]) == (5, False)
    seen.adopted()
    adopted = seen.before(6, state, idle=False)
    assert adopted is not None
    assert adopted["fresh"] is True
