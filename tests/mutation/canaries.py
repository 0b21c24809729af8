"""Mutants made by hand, with the verdict that each must get: else nothing that the gate says is worth anything."""

from __future__ import annotations

from typing import NamedTuple


class Canary(NamedTuple):
    """``old`` stands once in the module and is replaced by ``new``; ``test`` is asked."""

    module: str
    old: str
    new: str
    test: str
    verdict: str = "killed"


def _safety(module: str, old: str, new: str, verdict: str = "killed", part: str = "") -> Canary:
    """``part``: how the file goes on after the module's name, where it is one of several."""
    return Canary(f"safety.{module}", old, new, f"tests/safety/test_mutants_{module.split('.')[-1]}{part}.py", verdict)


def _watchdog(module: str, old: str, new: str, part: str = "") -> Canary:
    return Canary(f"safety.watchdog.{module}", old, new, f"tests/watchdog/test_mutants_{module}{part}.py")


GATE = "tests/safety/test_gate.py"
BARE = f"{GATE}::test_an_expired_permit_is_off"  # whose code may raise

DAMAGE = "tests/watchdog/test_frames.py::test_no_damage_of_up_to_four_bytes_in_a_row_survives"

CANARIES = (
    _safety("gate", "self._slew * dt_s", "dt_s * self._slew", "survived"),  # the same gate
    Canary("safety.gate", "power_w, why = demand", "raise KeyError; power_w, why = demand", BARE, "crashed"),
    Canary("safety.gate", "power_w, why = demand", "while True: pass\n        power_w, why = demand", BARE, "timeout"),
    _safety("gate", "if not power_w <= limit_w:", "if False:"),  # no limit at all
    Canary("safety.gate", "now_s < permit.expires_at_s", "True", f"{GATE}::test_an_expired_permit_is_off"),
    Canary("safety.gate", "if permit.epoch != self._epoch:", "if False:", f"{GATE}::test_a_new_epoch_starts_from_zero"),
    _safety("limits", "return a > b if name in LOWER_BOUNDS else a < b", "return a > b"),  # the laxest layer counts
    _safety("limits", "power_w=250.0", "power_w=2500.0"),  # another ceiling
    _safety("latch", "if crc != _crc(document) or ", "if "),  # a damaged latch is believed
    _safety("latch", "0.0, lockout=True)", "0.0, lockout=False)"),  # an unreadable latch may be reset
    _safety("permits", "not after_s < sample.t_request_s", "not after_s <= sample.t_request_s"),  # an old proof of off
    _safety("permits", '("line", frozenset({State.FIRING}), _line)', '("line", frozenset(), _line)'),  # nobody looks
    _safety("permits", 'at.s.holder == "footswitch"', 'at.s.holder != "footswitch"'),  # the wrong hand holds
    _safety("transitions", "if state in _FALLS:", "if state in ():", part="_to_off"),  # a trip stops nothing
    _safety(  # old set-points live on
        "transitions", "s.epoch += 1\n        turn.go(State.SAFE", "turn.go(State.SAFE", part="_to_fire"
    ),
    _safety("transitions", "if request.origin not in origins:", "if False:", part="_requests"),  # the network may arm
    _safety("turn", "s.off_at_s, s.off_alarmed", "_, s.off_alarmed"),  # off is never commanded
    _safety("turn", "s.trips = (*s.trips, trip)", "s.trips = (trip, *s.trips)"),  # the newest cause comes first
    _safety("rules", "operator_lease_s: float = 0.3", "operator_lease_s: float = 3.0"),  # a threshold moved unseen
    _safety("monitors.host", "if not dt > 0.0:", "if False:"),  # a clock that stands still is a clock
    _safety("monitors.base", "bit_count() >= self.n", "bit_count() > self.n"),  # one sample later
    Canary("safety.watchdog.frames", "if data[-_CRC.size :] == _CRC", "if True or _CRC", DAMAGE),
    _watchdog("core", "if now_s >= self._lapse_s:", "if False:"),  # a daemon may hang
    _watchdog(  # at once
        "core", "self._good >= GOOD_FRAMES\n        return allowed", "True\n        return allowed", part="_line"
    ),
)  # fmt: skip
