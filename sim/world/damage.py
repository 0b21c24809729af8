"""Two more ways to count heat damage, beside the Arrhenius integrals that the solvers carry in every cell.

They work on a recorded temperature, of a probe or of a point of the field. Published zones follow neither: the
temperature at the edge of visible coagulation varies with the device (Mertyna et al., Acad Radiol 2009;16(12)).
"""

from __future__ import annotations

import math

DOSE_240_MIN = 240.0
"""Cumulative equivalent minutes at 43 degC after which most tissue dies (Sapareto & Dewey 1984)."""


def cem43_min(temperature_c: float, time_s: float) -> float:
    """Equivalent minutes at 43 degC of ``time_s`` at a constant temperature: t R^(43-T), R 0.5 above and 0.25 below
    43 degC (Sapareto & Dewey, Int J Radiat Oncol Biol Phys 1984;10:787).
    """
    return time_s / 60.0 * math.pow(2.0 if temperature_c >= 43.0 else 4.0, temperature_c - 43.0)


FORWARD_PER_S, FORWARD_C, BACK_PER_S = 3.33e-3, 40.5, 7.77e-3
"""O'Neill's rates: kf, its scale Tk, and kb."""
START = (0.99, 0.0)
"""Shares of living and of dead cells in unheated tissue; the rest is vulnerable."""


def cell_state(
    temperature_c: float, time_s: float, start: tuple[float, float] = START, step_s: float = 0.1
) -> tuple[float, float]:
    """Shares of living and of dead cells after ``time_s`` at a constant temperature, ``start`` before.

    The three-state model of O'Neill et al. (Ann Biomed Eng 2011;39:570): alive cells become vulnerable and may
    recover, vulnerable ones die, all faster the fewer live. It is for minutes of heating: above 60 degC coagulation is
    quicker than it says, and above 34 degC, where kf exp(T/Tk) exceeds kb, nothing survives it for ever, body
    temperature included. Integrated by the midpoint rule in steps of at most ``step_s``.
    """
    forward = FORWARD_PER_S * math.exp(temperature_c / FORWARD_C)
    alive, dead = start

    def rates(alive: float, dead: float) -> tuple[float, float]:
        hurt = forward * (1.0 - alive)
        return -hurt * alive + BACK_PER_S * (1.0 - alive - dead), hurt * (1.0 - alive - dead)

    steps = math.ceil(time_s / step_s)
    for _ in range(steps):
        dt_s = time_s / steps
        a, d = rates(alive, dead)
        a, d = rates(alive + 0.5 * dt_s * a, dead + 0.5 * dt_s * d)
        alive, dead = alive + dt_s * a, dead + dt_s * d
    return alive, dead
