"""The shipped kernel, searched breadth-first over abstract inputs; what was found is kept in ``states.lock``.

Time is counted in ticks and every timer is a few ticks long, so that a state relative to its own time is one of
finitely many. A *transition* is one class of inputs judged in one abstract state by the shipped code; there is no
model beside it. Two layers are counted apart:

* :mod:`~tests.safety.explore.decisions`: permits, state machine and outputs of the kernel, with findings of the
  monitors taken as free: any monitor may say anything at any tick. What holds here holds whatever the monitors do.
* :mod:`~tests.safety.explore.steps`: the whole :func:`safety.kernel.step` with the shipped monitors on the smallest
  bench that has every state, over pairs of what can be wrong with it.
"""

from tests.safety.explore import decisions, steps

LAYERS = {"decisions": decisions.space, "steps": steps.space}
