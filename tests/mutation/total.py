"""What must not raise, and must end, is asserted to: an exception that escapes a test is a crash and kills nothing."""

from __future__ import annotations

import functools
import signal
from collections.abc import Callable
from types import FrameType
from typing import ParamSpec

P = ParamSpec("P")
ENDS_S = 3.0  # of processor time: a hundred times what these tests take


class _Endless(BaseException):
    """No end in sight. No Exception, so that nobody takes it for one of his own."""


def _alarm(_: int, __: FrameType | None) -> None:
    raise _Endless


def raises_nothing(test: Callable[P, None]) -> Callable[P, None]:
    """The test with one assertion more: the code under it raises nothing and comes to an end.

    For code of which that is asked: what is on the way to off, what judges bytes from outside, and parameters that are
    in order. Not for coroutines.
    """

    @functools.wraps(test)
    def held(*args: P.args, **kwargs: P.kwargs) -> None:
        before = signal.signal(signal.SIGVTALRM, _alarm)
        signal.setitimer(signal.ITIMER_VIRTUAL, ENDS_S)
        try:
            test(*args, **kwargs)
        except AssertionError:
            raise
        except (Exception, _Endless) as error:
            raise AssertionError(f"raised {error!r}") from error
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
            signal.signal(signal.SIGVTALRM, before)

    return held
