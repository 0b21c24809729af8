"""A child process that publishes a session until it is killed."""

from __future__ import annotations

import itertools
import sys
import time
from pathlib import Path

from controller.mqtt.config import MqttConfig
from controller.mqtt.publisher import Publisher
from controller.records.session import Recorder
from tests.records.recording import CHANNELS, HEADER, row


def main(folder: str, port: int) -> None:
    recorder = Recorder.create(Path(folder), HEADER, CHANNELS)
    publisher = Publisher(MqttConfig(host="127.0.0.1", port=port, keepalive_s=2), "cooled-rf", simulated=True)
    publisher.start()
    publisher.attach(recorder)
    for seq in itertools.count():
        recorder.tick(row(seq))
        time.sleep(0.05)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
