"""Which acts lead to energy, in which order, and whose: I07 and I25, over drawn sequences."""

from __future__ import annotations

import functools
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from safety.types import Inputs, Origin, Request, State, Verb
from tests.safety.properties.bench import CHANNELS, again, examples
from tests.safety.rig import Rig


@functools.cache
def at(state: State) -> Rig:
    """A bench in that state; nothing has happened yet in BOOT."""
    return Rig().fired(60.0) if state is State.FIRING else Rig() if state is State.BOOT else Rig().to(state)


# ---- I07

AT_REST = (Verb.PREPARE, Verb.ARM, Verb.FIRE)
WHOLE: dict[State, tuple[Verb, ...] | None] = {
    State.BOOT: AT_REST,  # off is proven by the bench itself
    State.TRIPPED: (Verb.RESET, *AT_REST),
    State.LOCKOUT: None,  # there is no way
}
"""The acts that must be seen, each in a tick of its own, before FIRING is."""


class Judge:
    """Sees what each tick was told and what came of it, and says whether FIRING came sooner than it may."""

    def __init__(self, rig: Rig, start: State) -> None:
        self.rig, self.state = rig, start
        self.left: tuple[Verb, ...] | None = ()
        self.told: list[Inputs] = []
        self.fired = 0
        rig.mangle = self._hear

    def _hear(self, inputs: Inputs) -> Inputs:
        self.told.append(inputs)
        return inputs

    def look(self) -> None:
        """Judge the ticks since the last look."""
        for inputs, (_, out) in zip(self.told, self.rig.log, strict=True):
            if self.state in WHOLE:
                self.left = WHOLE[self.state]
            elif self.state is State.SAFE and not self.left:
                self.left = AT_REST
            if self.left and self._done(self.left[0], inputs):
                self.left = self.left[1:]
            if self.state is State.LOCKOUT:
                assert out.state is State.LOCKOUT
            if out.state is State.FIRING and self.state is not State.FIRING:
                assert self.left == ()
                self.fired += 1
            self.state = out.state
        self.told.clear()
        self.rig.log.clear()

    @staticmethod
    def _done(verb: Verb, inputs: Inputs) -> bool:
        """A person at the bench has asked for it; a foot that is down asks for FIRE."""
        origins = (Origin.FOREGROUND,) if verb is Verb.FIRE else (Origin.LOCAL, Origin.FOREGROUND)
        foot = inputs.snapshot.get("inputs.foot_no_closed")
        if verb is Verb.FIRE and foot is not None and foot.value == 1.0:
            return True
        return any(request.verb is verb and request.origin in origins for request in inputs.requests)


def lead(rig: Rig, foot: bool) -> None:
    """What a person does next to come to FIRING, and the time it takes."""
    state = rig.state.state
    if state is State.SAFE:
        rig.lease = False
        rig.press(False)
        rig.tick(2)
        rig.ask(Verb.PREPARE)
        rig.tick(20)
    elif state is State.READY:
        rig.ask(Verb.ARM)
        rig.tick(2)
    elif state is State.ARMED and foot:
        rig.press()
        rig.tick(2)
    elif state is State.ARMED:
        rig.lease = True
        rig.ask(Verb.FIRE, Origin.FOREGROUND)
        rig.tick()
    elif state is State.TRIPPED:
        rig.lease = False
        rig.press(False)
        rig.ask(Verb.ACK)
        rig.tick(45)
        rig.ask(Verb.RESET)
        rig.tick()
    else:
        rig.tick(20)


ON = ("on",)
ASKED = st.tuples(st.just("ask"), st.sampled_from(AT_REST), st.sampled_from([Origin.LOCAL, Origin.FOREGROUND]))
STEPS = st.one_of(
    *[st.just(ON)] * 5,  # so that more than one history in four gets there
    st.tuples(st.just("ask"), st.sampled_from(list(Verb)), st.sampled_from(list(Origin))),
    ASKED,
    st.tuples(st.just("foot"), st.booleans()),
    st.tuples(st.just("lease"), st.booleans()),
    st.tuples(st.just("wait"), st.integers(1, 45)),
    st.tuples(st.just("say"), st.sampled_from(CHANNELS), st.sampled_from([0.0, 1.0, 300.0])),
    st.just(("heal",)),
)
NEAR = st.builds(
    lambda before, other, after: [ON] * before + [other] + [ON] * after, st.integers(1, 4), ASKED, st.integers(1, 4)
)
"""The way itself, but with another act in the place of one, or beside it."""


@examples(300)
@given(st.sampled_from([*WHOLE, State.BOOT, State.TRIPPED]), st.booleans(), st.lists(STEPS, max_size=6) | NEAR)
@example(State.BOOT, False, [ON] * 4)
@example(State.TRIPPED, False, [ON] * 4)
@example(State.TRIPPED, True, [ON] * 4)
@example(State.LOCKOUT, False, [ON] * 4)
def test_i07_no_way_to_firing_is_shorter(start: State, foot: bool, steps: list[tuple[Any, ...]]) -> None:
    """Whatever is asked, pressed, held and measured meanwhile; and the whole way does lead there."""
    rig = again(at(start))
    judge = Judge(rig, start)
    for step in steps:
        match step:
            case ("on",):
                lead(rig, foot)
            case ("ask", verb, origin):
                rig.ask(verb, origin)
            case ("foot", down):
                rig.press(down)
            case ("lease", held):
                rig.lease = held
            case ("wait", ticks):
                rig.tick(ticks)
            case ("say", channel, value):
                rig.override[channel] = value
            case ("heal",):
                rig.override.clear()
        rig.tick()
        judge.look()
    if steps == [ON] * 4:
        assert judge.fired == (start is not State.LOCKOUT)


# ---- I25

ACTS = st.sampled_from([verb for verb in Verb if verb is not Verb.STOP])
NETWORK = st.tuples(ACTS, st.just(0.0) | st.floats(-2.0, 0.1), st.text(max_size=5))
LOCAL = st.sampled_from([Verb.PREPARE, Verb.ARM, Verb.FIRE, Verb.ACK, Verb.RESET, None, None, None, None, None])
TURNS = st.tuples(
    st.lists(NETWORK, max_size=3), LOCAL, st.sampled_from([None, True, False]), st.booleans(), st.integers(1, 20)
)


@examples(250)
@given(st.sampled_from(sorted(State, key=str)), st.lists(TURNS, min_size=1, max_size=6), st.integers(0, 12))
def test_i25_nothing_from_the_network_gives_more_power_than_without_it(
    state: State, turns: list[Any], stop_at: int
) -> None:
    """Two benches, the same hands: one hears the network besides. Once that has said stop, no more is asked of either,
    as whoever prepares anew does so at one of them only.
    """
    heard, alone = again(at(state)), again(at(state))
    for k, (network, local, foot, held, ticks) in enumerate(turns):
        stopped = k >= stop_at
        for verb, ago_s, who in [*network, *([(Verb.STOP, 0.0, "")] if k == stop_at else [])]:
            heard.requests.append(Request(verb, Origin.NETWORK, heard.now_s + ago_s, who))
        for rig in (heard, alone):
            rig.demand_w = 60.0
            rig.lease = held
            if foot is not None:
                rig.press(foot)
            if local is not None and not stopped:
                rig.ask(local, Origin.FOREGROUND)
        for _ in range(ticks):
            heard.tick()
            alone.tick()
            assert heard.out.permit.max_w <= alone.out.permit.max_w
            assert heard.out.enable <= alone.out.enable
            assert heard.applied_w <= alone.applied_w + 1e-9
            assert stopped or (heard.out.state, heard.out.permit) == (alone.out.state, alone.out.permit)
