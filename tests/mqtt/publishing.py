"""A bench that records and publishes a session: within a test, or as a child process until it is killed."""

from __future__ import annotations

import contextlib
import itertools
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from controller.mqtt.config import MqttConfig
from controller.mqtt.publisher import Publisher
from controller.records.session import Recorder
from tests.records.recording import CHANNELS, HEADER, row

BENCH = "cooled-rf"  # as recording.HEADER has it
TRIP = {
    "monitor": "range", "hazard": "H15", "device": "tc", "channel": "tc.tip_c", "value": 97.0, "limit": 95.0,
    "age_s": 0.1, "t_s": 2.0, "text": "too hot", "check": "the probe", "lockout": False,
}  # fmt: skip


def config(port: int, **more: object) -> MqttConfig:
    """Of a broker on this machine; heartbeats come quickly."""
    return MqttConfig.model_validate({"host": "127.0.0.1", "port": port, "heartbeat_s": 0.3, **more})


@contextlib.contextmanager
def publishing(folder: Path, config: MqttConfig, *, simulated: bool = True) -> Iterator[tuple[Recorder, Publisher]]:
    """A new session in ``folder`` that is followed from its first batch on."""
    recorder = Recorder.create(folder, HEADER, CHANNELS)
    publisher = Publisher(config, BENCH, simulated=simulated)
    try:
        publisher.attach(recorder)
        publisher.start()
        yield recorder, publisher
    finally:
        publisher.close()
        recorder.close()


def main(folder: str, port: int) -> None:
    with publishing(Path(folder), MqttConfig(host="127.0.0.1", port=port, keepalive_s=2)) as (recorder, _):
        for seq in itertools.count():
            recorder.tick(row(seq))
            time.sleep(0.05)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
