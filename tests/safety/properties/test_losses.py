"""Whatever energy depends on is lost, in whichever tick: I04, over drawn losses."""

from __future__ import annotations

import functools
import math

from hypothesis import given
from hypothesis import strategies as st

from safety.kernel import KernelState, step
from safety.types import Inputs, Quality, RecordStatus, State, WatchdogStatus
from tests.safety.properties.bench import ALWAYS, FIRING, examples, next_inputs
from tests.safety.rig import Rig, replace


def lost(inputs: Inputs, now_s: float, what: str, how: str) -> Inputs:
    """The same, but for one thing that energy depends on: ``how`` says whether it is gone, bad, old or ahead."""
    t_s = {"old": now_s - 10.0, "ahead": now_s + 1e-3}.get(how, math.nan)
    gone = how == "none"
    watchdog = inputs.watchdog or WatchdogStatus(math.nan, True, True, True)  # lost before, and still
    match what:
        case "hold":
            return replace(inputs, foreground_lease_s=None if gone else t_s)
        case "watchdog":
            return replace(inputs, watchdog=None if gone else watchdog._replace(t_s=t_s))
        case "ready":
            return replace(inputs, watchdog=watchdog._replace(ready=False))
        case "line":
            return replace(inputs, watchdog=watchdog._replace(enable_closed=None if gone else False))
        case "record":
            return replace(inputs, record=None if gone else RecordStatus(t_s, False))
        case "hash":
            return replace(inputs, config_hash="" if gone else how)
        case "set-point":
            return replace(inputs, applied_w=t_s if math.isnan(t_s) else -1.0)
    rest = {name: sample for name, sample in inputs.snapshot.items() if name != what or not gone}
    if not gone:
        words = {"nan": {"value": t_s}, "bad": {"quality": Quality.BAD}}.get(how, {"t_request_s": t_s})
        rest[what] = rest[what]._replace(**words)
    return replace(inputs, snapshot=rest)


@functools.cache
def moments() -> list[tuple[KernelState, Inputs, float]]:
    """Two seconds of FIRING, from where an open enable line is no longer waited for: each tick's state and inputs."""
    rig = Rig().fired(60.0, 1.2)
    found = []
    for _ in range(40):
        rig.tick()
        found.append((rig.state, *next_inputs(rig)))
    return found


OTHERS = ("hold", "watchdog", "ready", "line", "record", "hash", "set-point")
LOSSES = st.tuples(st.sampled_from([*OTHERS, *ALWAYS]), st.sampled_from(["none", "nan", "bad", "old", "ahead"]))


@examples(1200)
@given(st.integers(0, 39), st.lists(LOSSES, min_size=1, max_size=3, unique_by=lambda loss: loss[0]))
def test_i04_whatever_is_lost_in_whichever_tick_lets_go_in_that_output(k: int, losses: list[tuple[str, str]]) -> None:
    state, inputs, now_s = moments()[k]
    out = step(FIRING.config, state, inputs, now_s)[1]
    assert (out.state, out.enable, out.permit.max_w, out.blocked_by) == (State.FIRING, True, 200.0, ())
    for what, how in losses:
        inputs = lost(inputs, now_s, what, how)
    out = step(FIRING.config, state, inputs, now_s)[1]
    assert (out.state, out.enable, out.permit.max_w, out.command_off) == (State.STOPPING, False, 0.0, True)
