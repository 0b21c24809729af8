"""How the daemon tells the outside what it does: the record is followed elsewhere, only state and alarms are handed
over.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Protocol

from controller.config.bench import Bench
from controller.records.session import Recorder
from safety.types import Outputs

log = logging.getLogger(__name__)

Stop = Callable[[str, str], None]
"""(who, reason): the only thing that the outside can ask for."""


class Telemetry(Protocol):
    """Methods return at once, but for ``detach``, which may take seconds and is only called when energy is over."""

    def attach(self, recorder: Recorder, stop: Stop, birth: dict[str, Any]) -> None: ...
    def follow(self, out: Outputs, prompt: dict[str, Any] | None = None) -> None: ...
    async def detach(self) -> None: ...
    def status(self) -> dict[str, Any] | None: ...


class Silence:
    """No broker is configured."""

    def attach(self, recorder: Recorder, stop: Stop, birth: dict[str, Any]) -> None: ...

    def follow(self, out: Outputs, prompt: dict[str, Any] | None = None) -> None: ...

    async def detach(self) -> None: ...

    def status(self) -> None: ...


class Broker:
    """Publishes by MQTT from a process of its own, which follows the session file."""

    def __init__(self, bench: Bench, simulated: bool) -> None:
        self._bench, self._simulated = bench, simulated
        self._told: tuple[object, ...] = ()
        self._alarm: str | None = None

    def attach(self, recorder: Recorder, stop: Stop, birth: dict[str, Any]) -> None:
        """Begin. STOP is the only thing that the broker can bring; it is handed to the loop.

        Raises:
            MqttProblem: the configuration cannot be used.
        """
        from controller.mqtt.beside import BesidePublisher

        loop = asyncio.get_running_loop()

        def on_stop(who: str, reason: str) -> None:
            loop.call_soon_threadsafe(stop, who, reason)

        assert self._bench.mqtt is not None
        self._publisher = BesidePublisher(
            self._bench.mqtt, self._bench.bench, simulated=self._simulated, birth=birth, on_stop=on_stop
        )
        self._publisher.start()
        self._publisher.attach(recorder)

    def follow(self, out: Outputs, prompt: dict[str, Any] | None = None) -> None:
        """Hand over state, open prompt and alarm when they changed. A prompt is shown there, and never answered."""
        trip = out.first_trip
        now = (out.state, out.permit.epoch, trip, prompt["id"] if prompt is not None else None)
        if now == self._told:
            return
        self._told = now
        state = {"fsm": out.state.value, "epoch": out.permit.epoch, "simulated": self._simulated, "prompt": prompt}
        self._publisher.set_state(state)
        if self._alarm is not None and (trip is None or trip.monitor != self._alarm):
            self._publisher.set_alarm(self._alarm, None)
            self._alarm = None
        if trip is not None:
            self._alarm = trip.monitor
            self._publisher.set_alarm(trip.monitor, trip.as_dict())

    def status(self) -> dict[str, Any]:
        """For ``ablate status``: where to, whether it is connected (``text``: why not, and what to do), how far
        behind the broker is in commits, rows and seconds, and how many sessions of earlier runs wait; the pid of its
        process."""
        config = self._bench.mqtt
        assert config is not None
        told = self._publisher.status()._asdict()
        return {"broker": f"{config.host}:{config.port}", "pid": self._publisher.pid, **told}

    async def detach(self) -> None:
        """Flush what the broker takes within its time; what it does not take stays in the session file."""
        remain = await asyncio.to_thread(self._publisher.detach)
        if remain:
            log.warning("mqtt: %d batches were not published; they are in the session file", remain)
        await asyncio.to_thread(self._publisher.close)


def telemetry_of(bench: Bench, simulated: bool) -> Telemetry:
    """What the bench file asks for."""
    if bench.mqtt is None:
        return Silence()
    return Broker(bench, simulated)
