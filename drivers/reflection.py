"""What a generator without voltage and current meters can say of its load: resistance from reflected power."""

from __future__ import annotations

import math

IMPEDANCE_FROM_W = 2.0  # below this the steps of both powers say nothing about the load
IMPEDANCE_MAX_OHM = 100_000.0


def impedance_ohm(forward_w: float, reverse_w: float, reference_ohm: float, *, above: bool) -> float | None:
    """Load resistance from the reflection ``|gamma| = sqrt(reverse/forward)``, assuming a resistive load on the stated
    side of the reference impedance; None below 2 W forward.

    Total reflection reads as 100 kohm (``above``) or 0 ohm, never as infinity.
    """
    if not forward_w >= IMPEDANCE_FROM_W:
        return None
    gamma = math.sqrt(min(1.0, max(0.0, reverse_w / forward_w)))
    if not above:
        return reference_ohm * (1.0 - gamma) / (1.0 + gamma)
    return min(IMPEDANCE_MAX_OHM, reference_ohm * (1.0 + gamma) / max(1.0 - gamma, 1e-9))
