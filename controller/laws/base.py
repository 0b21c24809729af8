"""What a law is.

A law is a pure state machine: parameters (a frozen pydantic model that the protocol file fills), a state (a frozen
tuple), and a transition from (state, observation, permit, dt) to (state, demand). It has no clock and does no I/O; the
same observations give the same demands, which is what makes a record replayable. The object that the daemon holds only
keeps the newest state.

Rules that every law obeys (P31): its demand never exceeds the permit; nothing integrates while the permit clamps it;
after the permit returns the demand goes on from where it was, without a step; a quantity that it needs and does not
have makes it demand 0 W.
"""

from __future__ import annotations

import abc
import math
from typing import ClassVar, Generic, NamedTuple, Self, TypeVar

from pydantic import BaseModel, ConfigDict

from safety.types import Demand, Permit

DT_MAX_S = 0.25
"""The longest time that a law integrates over in one tick: after a late tick nothing may leap."""


class Observation(NamedTuple):
    """What a law may know at one tick, by role. The daemon builds it from the snapshot; what has no GOOD and fresh
    sample is None.

    ``t_s`` runs from FIRE. ``impedance_age_s`` is the time since the impedance reading was requested, so that a law can
    tell a reading made before its last change of power from one made after it.
    """

    t_s: float
    impedance_ohm: float | None = None
    impedance_age_s: float = 0.0
    tip_c: float | None = None
    tissue_c: tuple[float | None, ...] = ()
    power_w: float | None = None  # into the load
    forward_w: float | None = None
    reverse_w: float | None = None
    coolant_c: float | None = None
    flow_ml_min: float | None = None
    tine_c: tuple[float | None, ...] = ()
    shaft_c: float | None = None
    channels: tuple[int, ...] | None = None  # connected when impedance was read; None: as the law last demanded
    deployment_mm: float | None = None  # of the array, as the operator confirmed it; None: as the law last asked
    withdrawn_mm: float | None = None  # since FIRE, as the operator confirmed it; None: nobody tells


class Ask(NamedTuple):
    """What the operator must do with his hands: :attr:`Law.asks`.

    ``kind`` is ``deploy`` (``value`` is the mark of the handle, mm) or ``pull-back`` (``value`` is how far from where
    the applicator is, mm). ``text`` says it to a person, in the imperative.
    """

    kind: str
    value: float
    text: str


class Delivered(NamedTuple):
    """What an application had delivered when it was broken off, its earlier parts included."""

    on_time_s: float  # from FIRE to the end of energy
    energy_j: float  # measured
    rolloffs: int
    stage: int  # stages that were over, see Law.stage


class Reablate(NamedTuple):
    """When an application is to be repeated: ``role`` still colder than ``below_c`` this long after power.

    ``role`` is ``tip``, ``tines`` (their mean, without those ``masked``, from 1) or ``tissue`` (the coldest).
    ``pump_off``: a reading made while coolant ran says nothing.
    """

    role: str
    at_s: float
    below_c: float
    masked: tuple[int, ...] = ()
    pump_off: bool = False


class LawParams(BaseModel):
    """Base of a law's parameters, the ``law:`` block of a protocol file. ``kind`` (a Literal) names the law.

    The properties are what the configuration checks against bench and limits; a law overrides those that apply to it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)

    NEEDS: ClassVar[tuple[str, ...]] = ()
    """What the law cannot work without: roles of the bench, e.g. ``("impedance",)``, and what
    :data:`controller.config.protocol_checks.CAPABILITIES` adds to them.
    """

    kind: str

    @property
    def needs(self) -> tuple[str, ...]:
        """:attr:`NEEDS` with these parameters; a law whose needs depend on them overrides it."""
        return self.NEEDS

    @property
    def peak(self) -> tuple[str, float]:
        """The parameter that bounds the demanded power, and its value in watts."""
        raise LookupError(f"law {self.kind} does not bound its power")

    @property
    def end(self) -> tuple[str, float]:
        """The parameter that bounds the time from FIRE to the law's end, and its value in seconds."""
        raise LookupError(f"law {self.kind} does not bound its time")

    @property
    def current(self) -> tuple[str, float] | None:
        """The parameter that bounds the current, and its value in amperes rms; None for a law that bounds none."""
        return None

    @property
    def sensing_w(self) -> float:
        """The power that may flow without a reading, in watts: what it takes to read impedance; 0 for most laws."""
        return 0.0

    @property
    def addresses(self) -> int:
        """How many electrodes its demands name, counted from 0; 0 for a law that leaves them as they are."""
        return 0

    @property
    def target(self) -> tuple[str, float] | None:
        """The parameter that names the highest tissue temperature regulated to, in degrees Celsius; None: none."""
        return None

    @property
    def hands(self) -> bool:
        """True where the law will ask for something that only hands can do (:attr:`Law.asks`)."""
        return False

    @property
    def reablate(self) -> Reablate | None:
        """When the law's own publication says to ablate again; None where it says nothing."""
        return None

    def remaining(self, done: Delivered) -> Self:
        """What is left to do after ``done``: here the time of :attr:`end` less the time that energy flowed.

        Raises:
            ValueError: nothing is left, or a law of this kind cannot be broken off and continued.
        """
        name = self.end[0]
        whole_s = getattr(self, name, None)
        if not isinstance(whole_s, float | int):
            raise ValueError(f"law {self.kind} cannot be continued: {name} is no time that could be shortened")
        left_s = whole_s - done.on_time_s
        if not left_s > 0.0:
            raise ValueError(f"nothing is left: {done.on_time_s:g} s of {whole_s:g} s ({name}) were delivered")
        return type(self).model_validate({**self.model_dump(), name: left_s})


P = TypeVar("P", bound=LawParams)


class Law(abc.ABC, Generic[P]):
    """One application's law. A fresh object is made for each application and stepped once a tick from FIRE on."""

    PARAMS: ClassVar[type[LawParams]]

    def __init__(self, params: P) -> None:
        self.params = params

    @abc.abstractmethod
    def step(self, observation: Observation, permit: Permit, dt_s: float) -> Demand:
        """What the law wants now; never raises. ``dt_s`` is the time since the previous tick, in seconds."""

    @property
    @abc.abstractmethod
    def finished(self) -> bool:
        """True once the law has reached its end; its demand is 0 W from then on."""

    @property
    def stopped(self) -> str:
        """Why the law ended before its time, for a person to look into; empty while it runs and for a normal end."""
        return ""

    @property
    def rolloffs(self) -> int:
        """How many impedance roll-offs were seen."""
        return 0

    @property
    def stage(self) -> int:
        """How many stages are over; 0 for a law that has none."""
        return 0

    @property
    def asks(self) -> Ask | None:
        """What the law waits for the operator to do with his hands; None: nothing. Of a law that has not been stepped
        yet: what must be done before FIRE. The answer comes as :attr:`Observation.deployment_mm` or ``withdrawn_mm``.
        """
        return None

    @abc.abstractmethod
    def internals(self) -> dict[str, float | str]:
        """The state, for the record; numbers are finite, names carry units."""


def permitted_w(permit: Permit) -> float:
    """The permit's power as a law may use it: 0 W for anything that is not a finite positive number."""
    return permit.max_w if 0.0 < permit.max_w < math.inf else 0.0


def sane_dt_s(dt_s: float) -> float:
    """``dt_s`` within 0..:data:`DT_MAX_S`; 0 for what is not a number."""
    return min(dt_s, DT_MAX_S) if dt_s > 0.0 else 0.0


def present(value: float | None) -> bool:
    """True for a finite reading."""
    return value is not None and math.isfinite(value)
