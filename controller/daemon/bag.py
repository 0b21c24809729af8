"""The saline bag: what is left of it, counted from the flow that is measured, and whether a protocol can do with it."""

from __future__ import annotations

import json
import logging
import math
import os
from pathlib import Path
from typing import Any

from controller.config.bench import CoolantSupply
from controller.config.protocol import Protocol
from safety.types import Quality, Sample

log = logging.getLogger(__name__)

GAP_S = 2.0
"""Between samples further apart, or without any, the pump counts as giving what it was told."""
KEEP_ML = 10.0
"""So much is used between two writes of the file."""


class Bag:
    """Counts one bag down. ``used_ml`` outlives the daemon in ``path`` (None: it does not)."""

    def __init__(self, supply: CoolantSupply, path: Path | None) -> None:
        self.supply = supply
        self.bag_ml, self.used_ml = supply.bag_ml, 0.0
        self.doubt = ""
        self._path = path
        self._kept_ml = 0.0
        self._t_s: float | None = None  # up to here it is counted
        self._flow_ml_min = 0.0
        self._read()

    # ---- counting

    def follow(self, sample: Sample | None, told_ml_min: float, now_s: float) -> None:
        """One tick: ``sample`` is the flow as measured, ``told_ml_min`` what the pump was told."""
        if not self.supply.open_loop:
            return
        good = sample is not None and sample.quality is Quality.GOOD and math.isfinite(sample.value)
        if good and sample is not None and (self._t_s is None or sample.t_request_s > self._t_s):
            if self._t_s is not None:
                gap_s = sample.t_request_s - self._t_s
                before = told_ml_min if gap_s > GAP_S else self._flow_ml_min
                self._use(0.5 * (max(0.0, before) + max(0.0, sample.value)) * gap_s / 60.0)
            self._t_s, self._flow_ml_min = sample.t_request_s, sample.value
        elif self._t_s is None or now_s - self._t_s > GAP_S:
            if self._t_s is not None:
                self._use(told_ml_min * (now_s - self._t_s) / 60.0)
            self._t_s, self._flow_ml_min = now_s, told_ml_min

    def _use(self, volume_ml: float) -> None:
        self.used_ml = min(self.bag_ml, self.used_ml + volume_ml)

    @property
    def left_ml(self) -> float:
        """What should be in it."""
        return self.bag_ml - self.used_ml

    @property
    def low(self) -> bool:
        """Less than the reserve is left."""
        return self.supply.open_loop and self.left_ml < self.supply.reserve_ml

    def hang(self, bag_ml: float | None) -> None:
        """A new bag hangs, of the usual volume or of ``bag_ml``."""
        self.bag_ml, self.used_ml, self.doubt = bag_ml if bag_ml is not None else self.supply.bag_ml, 0.0, ""
        self._kept_ml = -math.inf

    def refusal(self, protocol: Protocol) -> str:
        """Why ``protocol`` cannot be given with what is left; empty where it can."""
        cooling = protocol.cooling
        if cooling is None or not self.supply.open_loop:
            return ""
        time_s = cooling.prime_s + protocol.law.end[1] + cooling.run_on_s
        need_ml = cooling.most_ml_min * time_s / 60.0
        spare_ml = self.left_ml - self.supply.reserve_ml
        if need_ml <= spare_ml:
            return ""
        return (
            f"the bag holds {self.left_ml:.0f} mL, {self.supply.reserve_ml:g} mL of it in reserve, but "
            f"{protocol.protocol} needs {need_ml:.0f} mL ({cooling.most_ml_min:g} mL/min for {time_s / 60.0:.1f} min); "
            "hang a new one, then: ablate bag"
        )

    def as_dict(self) -> dict[str, Any]:
        """For status and record."""
        told = {"bag_ml": round(self.bag_ml, 1), "left_ml": round(self.left_ml, 1), "low": self.low}
        return {**told, "reserve_ml": self.supply.reserve_ml, "doubt": self.doubt}

    # ---- keeping

    @property
    def stale(self) -> bool:
        """The file is behind by more than :data:`KEEP_ML`."""
        return self._path is not None and abs(self.used_ml - self._kept_ml) >= KEEP_ML

    def keep(self) -> None:
        """Write the file. A disk that refuses costs the count its memory, nothing else."""
        self._kept_ml = self.used_ml
        if self._path is None:
            return
        new = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            new.write_text(json.dumps({"bag_ml": self.bag_ml, "used_ml": round(self.used_ml, 1)}))
            os.replace(new, self._path)
        except OSError as error:
            log.warning("%s: %s", self._path, error)

    def _read(self) -> None:
        if self._path is None or not self._path.exists():
            return
        try:
            kept = json.loads(self._path.read_text())
            bag_ml, used_ml = float(kept["bag_ml"]), float(kept["used_ml"])
            if not 0.0 <= used_ml <= bag_ml < math.inf:
                raise ValueError("a bag cannot have given more than it held")
        except (OSError, ValueError, TypeError, KeyError) as error:
            self.used_ml = self.bag_ml
            self.doubt = f"{self._path} cannot be read ({error}): how much is left is not known; ablate bag"
            return
        self.bag_ml, self.used_ml, self._kept_ml = bag_ml, used_ml, used_ml
