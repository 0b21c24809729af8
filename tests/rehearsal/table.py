"""Which bench of ``examples/benches`` delivers which shipped protocol."""

from __future__ import annotations

from pathlib import Path

from controller.config.shipped import shipped

BENCHES = Path(__file__).resolve().parents[2] / "examples" / "benches"

_BY_FAMILY = {
    "below-rolloff": "cooled-rf",
    "constant-current": "cooled-rf",
    "constant-power": "cooled-rf",
    "cooled-cluster": "cooled-rf",
    "cooled-needle": "cooled-rf",
    "demo": "cooled-rf",
    "microwave": "microwave-sairem",
    "perfused-needle": "single-needle-rf",
    "rf3000": "expandable-rolloff",
    "rita-2cm": "expandable-rf-slim",
    "rita": "expandable-rf",
    "switching": "multi-probe-rf",
    "thermosphere": "microwave-thermosphere",
    "track-ablation": "single-needle-rf",
    "two-antennas": "microwave-sairem",
}
"""First words of a protocol's name -> bench."""


def bench_of(protocol: str) -> str:
    """The simulated bench for a shipped protocol, as a path. Raises KeyError for a protocol without one."""
    family = next((words for words in _BY_FAMILY if protocol.startswith(words)), protocol)
    return str(BENCHES / f"{_BY_FAMILY[family]}-sim.yaml")


PROTOCOLS = tuple(shipped("protocol"))
