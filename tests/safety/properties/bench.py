"""A firing bench, what it would be told next, and inputs of every shape: shared by the tests of the properties."""

from __future__ import annotations

import copy
import math
import os

from hypothesis import settings
from hypothesis import strategies as st

from safety.kernel import step
from safety.types import (
    Fault,
    Inputs,
    Origin,
    Quality,
    RecordStatus,
    Request,
    Sample,
    Verb,
    WatchdogStatus,
)
from tests.safety.rig import Rig

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"


def examples(count: int) -> settings:
    """So many examples in a change's tests, a hundred times as many at night (``HYPOTHESIS_PROFILE=nightly``)."""
    return settings(max_examples=count * 100 if NIGHTLY else count)


FIRING = Rig().fired(60.0)
CHANNELS = [rule.channel for rule in FIRING.config.channels]
ALWAYS = [name for name in CHANNELS if name not in ("gen.impedance_ohm", "gen.heatsink_c")]
WEIRD = st.one_of(st.floats(), st.sampled_from([math.nan, math.inf, -math.inf, -0.0, 1e308, 5e-324]))


def next_inputs(rig: Rig) -> tuple[Inputs, float]:
    """What a healthy bench would say at the next tick, without letting it happen."""
    now_s = rig.now_s + 0.05
    snapshot = {name: sample._replace(t_request_s=now_s - 0.02) for name, sample in rig.snapshot.items()}
    inputs = Inputs(
        snapshot=snapshot,
        foreground_lease_s=now_s - 0.05,
        watchdog=WatchdogStatus(now_s - 0.01, True, True, True),
        record=RecordStatus(now_s - 0.1, True),
        applied_w=rig.applied_w,
        applied_t_s=rig.applied_t_s,
        config_hash="b7c1",
    )
    return inputs, now_s


def again(rig: Rig) -> Rig:
    """The same bench from here on, on its own; what was logged stays with the first."""
    rest: dict[int, object] = {id(rig.config): rig.config, id(rig.log): []}
    return copy.deepcopy(rig, rest)


def granted(inputs: Inputs, now_s: float) -> float:
    """Watts that the firing bench is allowed for these inputs."""
    return step(FIRING.config, FIRING.state, inputs, now_s)[1].permit.max_w


def anything() -> st.SearchStrategy[Inputs]:
    """Inputs of every shape that the types allow."""
    sample = st.builds(Sample, st.sampled_from(CHANNELS), WEIRD, WEIRD, st.sampled_from(list(Quality)))
    request = st.builds(Request, st.sampled_from(list(Verb)), st.sampled_from(list(Origin)), WEIRD, st.text(max_size=3))
    fault = st.builds(
        Fault, st.just("H32"), st.just("m"), st.just("d"), st.just("t"), st.just("c"), WEIRD, st.booleans()
    )
    return st.builds(
        Inputs,
        snapshot=st.lists(sample, max_size=8).map(lambda samples: {s.channel: s for s in samples}),
        requests=st.lists(request, max_size=3).map(tuple),
        faults=st.lists(fault, max_size=1).map(tuple),
        foreground_lease_s=st.none() | WEIRD,
        watchdog=st.none() | st.builds(WatchdogStatus, WEIRD, st.booleans(), st.none() | st.booleans(), st.booleans()),
        record=st.none() | st.builds(RecordStatus, WEIRD, st.booleans()),
        applied_w=WEIRD,
        applied_t_s=WEIRD,
        config_hash=st.sampled_from(["b7c1", ""]),
    )
