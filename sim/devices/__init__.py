"""Emulated devices: one module per model, sans-IO, written from the makers' manuals."""

from __future__ import annotations

import difflib
import importlib
from importlib.metadata import entry_points

from sim.devices.base import Emulator

MODELS = {
    "tc-cxn": ("tc_cxn", "TcCxn"),
    "ismatec-reglo-icc": ("ismatec_reglo_icc", "IsmatecRegloIcc"),
    "keysight-34970a": ("keysight_34970a", "Keysight34970A"),
    "sensirion-slf3x": ("sensirion_slf3x", "SensirionSlf3x"),
    "numato-gpio": ("numato_gpio", "NumatoGpio"),
    "kmtronic-relay": ("kmtronic_relay", "KmtronicRelay"),
    "kuhne-kusg": ("kuhne_kusg", "KuhneKusg"),
    "ae-bus": ("ae_bus", "AeBus"),
    "moxa-iologik": ("moxa_iologik", "MoxaIologik"),
    "sairem-gms": ("sairem_gms", "SairemGms"),
    "omega-fob": ("omega_fob", "OmegaFob"),
    "numato-relay": ("numato_relay", "NumatoRelay"),
    "electrode-switch": ("relay_switch", "RelaySwitch"),
    "lauda": ("lauda", "Lauda"),
    "julabo": ("julabo", "Julabo"),
    "watson-marlow-du": ("watson_marlow_du", "WatsonMarlowDu"),
    "keysight-33500b": ("keysight_33500b", "Keysight33500B"),
    "ar-amplifier": ("ar_amplifier", "ArAmplifier"),
    "infiniivision": ("infiniivision", "InfiniiVision"),
}
"""Model name -> (module, class)."""

CHAINS = {
    "rf-chain": {"port": "keysight-33500b", "amplifier_port": "ar-amplifier", "meter_port": "infiniivision"},
}
"""Models that are several instruments -> port (``port:`` or an option) -> model of the instrument on it."""


GROUP = "openablate.emulators"
"""Entry points of other distributions: model name -> class."""

LENT: dict[str, type[Emulator]] = {}
"""Emulators of drivers that are being tested (:mod:`sim.pytest_plugin`)."""


def emulator_class(model: str) -> type[Emulator]:
    """The emulator of ``model``. Raises ValueError with a suggestion for an unknown one."""
    if model in LENT:
        return LENT[model]
    if model not in MODELS:
        for entry in entry_points(group=GROUP, name=model):
            plugged: type[Emulator] = entry.load()
            return plugged
        near = difflib.get_close_matches(model, MODELS, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        offer = f"a driver's own distribution offers one as entry point {GROUP!r}"
        raise ValueError(f"no emulator for {model!r}: {hint}emulated are {', '.join(sorted(MODELS))}; {offer}")
    module, name = MODELS[model]
    found: type[Emulator] = getattr(importlib.import_module(f"sim.devices.{module}"), name)
    return found
