"""A real broker for each test."""

from tests.mqtt.conftest import broker as broker
