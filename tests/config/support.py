"""A small bench and protocol whose line numbers the tests know, and a way to spoil one line of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.config import loading, setup
from controller.config.loading import LoadedBench, LoadedProtocol
from controller.config.problems import ConfigError

BENCH = """\
bench: test-bench
devices:
  gen: {driver: tc-cxn, port: "sim://gen", options: {address: 0, load_branch: above, power_limit_w: 200}}
  pump: {driver: ismatec-reglo-icc, port: "sim://pump", options: {channel: 1}}
  tc: {driver: keysight-34970a, port: "sim://tc", options: {channels: {101: tip_c, 102: tissue_10mm_c}}}
  flow: {driver: sensirion-slf3x, port: "sim://flow", options: {model: slf3s-4000b}}
  inputs: {driver: numato-gpio, port: "sim://in", options: {pins: {estop_a_closed: 0, estop_b_closed: 1}}}
  enable: {driver: kmtronic-relay, port: "sim://enable", options: {relay: 1, native_timeout_s: 2.0}}
roles:
  source: gen
  pump: pump
  flow: flow.flow_ml_min
  tip: tc.tip_c
  tissue: [tc.tissue_10mm_c]
  impedance: gen.impedance_ohm
  estop: [inputs.estop_a_closed, inputs.estop_b_closed]
  enable: enable
applicator:
  name: needle
  kind: cooled-needle
  gauge: 17
  active_tip_mm: 30
  power_max_w: 200
  current_max_a: 2.0
limits:
  power_w: 150
  energy_j: 200000
  on_time_s: 900
  tissue_c: 115
  impedance_low_ohm: 25
  impedance_high_ohm: 500
  flow_min_ml_min: 40
tick_hz: 20
"""

PROTOCOL = """\
protocol: test-protocol
source: made for a test of the configuration
modality: rf
applicator: {kind: cooled-needle, active_tip_mm: 30}
law:
  kind: pulsed-impedance
  start_w: 60
  ramp_w_per_min: 60
  power_max_w: 120
  current_max_a: 2.0
  rise_ohm: 20
  low_w: 10
  off_s: 15
  resume: 0.7
  duration_s: 720
limits:
  power_w: 120
  on_time_s: 760
  tissue_c: 110
cooling: {flow_ml_min: 80}
"""


def spoiled(text: str, old: str, new: str) -> str:
    """``text`` with the one place where ``old`` stands changed."""
    assert text.count(old) == 1, old
    return text.replace(old, new)


def bench(text: str = BENCH) -> LoadedBench:
    Path("bench.yaml").write_text(text, encoding="utf-8")
    return loading.load_bench("bench.yaml")


def protocol(text: str = PROTOCOL) -> LoadedProtocol:
    Path("protocol.yaml").write_text(text, encoding="utf-8")
    return loading.load_protocol("protocol.yaml")


def both(bench_text: str = BENCH, protocol_text: str = PROTOCOL) -> setup.Setup:
    Path("bench.yaml").write_text(bench_text, encoding="utf-8")
    Path("protocol.yaml").write_text(protocol_text, encoding="utf-8")
    return setup.load("bench.yaml", "protocol.yaml")


def refusal(*texts: str) -> str:
    """What is said of a bench text, or of a bench and a protocol text."""
    with pytest.raises(ConfigError) as caught:
        bench(*texts) if len(texts) == 1 else both(*texts)
    return str(caught.value)
