"""Outputs are off unless a bench file names them, and then they are what they say."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import Any

import pytest
from pydantic import ValidationError

from controller.mqtt.config import MqttConfig
from controller.outputs import contract
from controller.outputs.contract import API_VERSION, GROUP, Output, load_output
from drivers.registry import PluginError

HERE = "tests.outputs.test_loading"


class OfAnotherTime(Output):
    API_VERSION = 99

    def born(self, view: Any) -> list[Any]:
        return []

    def follow(self, view: Any) -> list[Any]:
        return []


OFFERED = {
    "homeassistant": "controller.outputs.homeassistant:HomeAssistant",
    "sparkplug": "controller.outputs.sparkplug:Sparkplug",
    "old": f"{HERE}:OfAnotherTime",
    "text": f"{HERE}:HERE",
    "gone": "no.such.module:Nothing",
}


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = {name: EntryPoint(name, value, GROUP) for name, value in OFFERED.items()}
    monkeypatch.setattr(contract, "offered", lambda group: entries if group == GROUP else {})


def test_ours_are_outputs_of_this_version() -> None:
    for name in ("homeassistant", "sparkplug"):
        found = load_output(name)
        assert issubclass(found, Output)
        assert "API_VERSION" in vars(found)
        assert found.API_VERSION == API_VERSION == 1


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("sparkplugs", "no output 'sparkplugs'; did you mean 'sparkplug'?"),
        ("old", "was written for API version 99, this is 1; install a matching version"),
        ("text", "is not a subclass of controller.outputs.contract.Output"),
        ("gone", "does not load: ModuleNotFoundError"),
    ],
)
def test_what_is_no_output_is_named(name: str, complaint: str) -> None:
    with pytest.raises(PluginError, match=complaint.replace("?", r"\?").replace("(", r"\(")):
        load_output(name)


def test_a_bench_file_that_names_an_unknown_output_is_refused() -> None:
    assert MqttConfig(host="localhost").outputs == ()
    assert MqttConfig(host="localhost", outputs=("homeassistant", "sparkplug")).outputs[1] == "sparkplug"
    with pytest.raises(ValidationError, match="no output 'homeasistant'; did you mean 'homeassistant'"):
        MqttConfig(host="localhost", outputs=("homeasistant",))
