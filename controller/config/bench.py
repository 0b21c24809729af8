"""The bench file: which devices, who plays which role, what the site allows."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from controller.config.applicators import Applicator
from controller.mqtt.config import MqttConfig
from controller.records.metadata import Calibration, Metadata
from safety.limits import Limits as LayerLimits

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$", description="lower-case letters, digits, - and _")]
Channel = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*\.[a-z][a-z0-9_]*$", description="device.channel")]
Text = Annotated[str, Field(min_length=1)]

AWKWARD_KEY = "accept_no_independent_cutoff_i_understand_the_generator_stays_on"


class Model(BaseModel):
    """Base of every model of a file: unknown keys, wrong types, non-finite numbers are errors; nothing is converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)


class Device(Model):
    """One instrument on one port."""

    driver: Annotated[str, Field(min_length=1, description="a name that `ablate devices list` prints")]
    port: Annotated[
        str,
        Field(
            min_length=1,
            description="/dev/serial/by-id/..., a pyserial URL, tcp://host:port; or sim://name, then for every device",
        ),
    ]
    baud: Annotated[int, Field(ge=300, le=4_000_000)] | None = None
    off_port: Annotated[
        str | dict[str, str] | None,
        Field(
            description="a second way to a source on HiSLIP or VXI-11, for the watchdog: tcp://host:5025, or one for "
            "each of the ports of a source with several (port:, amplifier_port:)"
        ),
    ] = None
    options: dict[str, Any] = {}

    def ports(self) -> dict[tuple[str, ...], str]:
        """Every port, by its place in the device: ``port``, and the options that name further ones."""
        found: dict[tuple[str, ...], str] = {("port",): self.port}
        for option, url in self.options.items():
            if option.endswith("_port") and isinstance(url, str):
                found["options", option] = url
        return found

    def off_ports(self) -> dict[str, str]:
        """Second ways for the watchdog, by the option that names the first one (``port``: the device's own)."""
        return {"port": self.off_port} if isinstance(self.off_port, str) else dict(self.off_port or {})


class Roles(Model):
    """Who does what. Values are device names (source, pump, chiller, switch, enable) or channels
    (``device.channel``).
    """

    source: Name
    pump: Name | None = None
    chiller: Name | None = None
    switch: Name | None = None
    flow: Channel | None = None
    tip: Channel | None = None
    tissue: tuple[Channel, ...] = ()
    tines: tuple[Channel, ...] = ()
    shaft: Channel | None = None
    critical: Annotated[
        tuple[Channel, ...], Field(description="at what must not be harmed: nerve, bile duct, skin")
    ] = ()
    cable: Annotated[tuple[Channel, ...], Field(description="thermometers at cables and connectors")] = ()
    coolant: Channel | None = None
    air: Channel | None = None
    impedance: Channel | None = None
    estop: tuple[Channel, ...] = ()
    footswitch: tuple[Channel, ...] = ()
    door: Channel | None = None
    leak: Annotated[tuple[Channel, ...], Field(description="contacts that open on leak, smoke or fire")] = ()
    pad: Annotated[Channel | None, Field(description="contact of a return-electrode monitor, open when it alarms")] = (
        None
    )
    enable: Name | None = None
    enable_aux: Annotated[
        Channel | None,
        Field(description="closed, or 1, while the enable line is open: a mirror contact, or the generator's own word"),
    ] = None


class Limits(Model):
    """Limits of a bench or a protocol; what is left out is left to the other layers. Each may only tighten."""

    power_w: Annotated[float, Field(ge=0)] | None = None
    energy_j: Annotated[float, Field(ge=0)] | None = None
    on_time_s: Annotated[float, Field(ge=0)] | None = None
    tip_c: Annotated[float, Field(ge=0)] | None = None
    tissue_c: Annotated[float, Field(ge=0)] | None = None
    coolant_c: Annotated[float, Field(ge=0)] | None = None
    impedance_low_ohm: Annotated[float, Field(ge=0)] | None = None
    impedance_high_ohm: Annotated[float, Field(gt=0)] | None = None
    flow_min_ml_min: Annotated[float, Field(ge=0)] | None = None
    shaft_c: Annotated[float, Field(ge=0)] | None = None
    cable_c: Annotated[float, Field(ge=0)] | None = None
    critical_c: Annotated[float, Field(ge=0)] | None = None
    critical_cem43_s: (
        Annotated[float, Field(ge=0, description="thermal dose: seconds at 43 C or their like")] | None
    ) = None
    reflected_share: Annotated[float, Field(ge=0, le=1, description="of forward power; more trips")] | None = None
    reflected_least_share: (
        Annotated[float, Field(ge=0, le=1, description="what always comes back; less is a dead reflectometer")] | None
    ) = None
    reflected_w: Annotated[float, Field(ge=0)] | None = None
    pad_a2s: (
        Annotated[float, Field(ge=0, description="current squared of each return electrode over a minute")] | None
    ) = None

    def layer(self) -> LayerLimits:
        """As a layer of the lattice."""
        return LayerLimits(**self.model_dump())


class Heating(Model):
    """A sensor that must feel what is delivered: one that reads cool is shorted, fallen out or elsewhere."""

    channel: Channel
    energy_j: Annotated[float, Field(gt=0, description="from this much on, since FIRE, while power flows ...")]
    rise_c: Annotated[float, Field(gt=0, description="... it must be this far above its start")]


class Pair(Model):
    """Two sensors of one place."""

    channels: tuple[Channel, Channel]
    rest_c: Annotated[float, Field(gt=0, description="further apart at rest: not READY")] = 3.0
    trip_c: Annotated[float, Field(gt=0, description="further apart for a second: trip")] = 5.0


class CoolantSupply(Model):
    """Where the coolant comes from: a bag, counted down by the flow that is measured."""

    bag_ml: Annotated[float, Field(gt=0, le=100_000, description="in a new bag, mL")]
    reserve_ml: Annotated[float, Field(ge=0, description="warned below this, and not planned with, mL")] = 50.0
    open_loop: Annotated[bool, Field(description="true: it runs to waste; false: back into the bag")] = True

    @model_validator(mode="after")
    def _below(self) -> CoolantSupply:
        if not self.reserve_ml < self.bag_ml:
            raise ValueError("reserve_ml must be below bag_ml")
        return self


class Attended(Model):
    """Somebody must be there while a foreground holds: he is asked, and energy ends when nobody answers. Of bench and
    protocol the smaller numbers count.
    """

    ask_every_s: Annotated[float, Field(ge=10, le=3600, description="after FIRE, and after each answer")]
    answer_within_s: Annotated[float, Field(ge=5, le=600, description="later than this after the question: let go")]


class Loop(Model):
    """How the daemon's control loop is run. What the system refuses is said, and the loop is run as usual."""

    realtime: Annotated[
        bool, Field(description="true: memory locked, and a real-time priority below the watchdog's own")
    ] = False
    uvloop: Annotated[bool, Field(description="true: on libuv's event loop, where the extra `fast` is installed")] = (
        False
    )


class Records(Model):
    """Where session files go; a relative folder is relative to the directory in which the daemon was started."""

    folder: Text = "sessions"
    metadata: Annotated[Metadata, Field(description="what holds for every session of this bench")] = Metadata()
    calibration: Annotated[dict[Channel, Calibration], Field(description="by channel, as the certificates say")] = {}


class Bench(Model):
    """A bench file."""

    bench: Name
    devices: Annotated[dict[Name, Device], Field(min_length=1)]
    roles: Roles
    applicator: Applicator
    limits: Limits
    tick_hz: Annotated[float, Field(ge=10, le=200)] = 20.0  # slower, a permit and a hold would lapse between two ticks
    sample_age_s: Annotated[
        float,
        Field(ge=0.05, le=2, description="oldest sample that counts on the energy path; older data means less power"),
    ] = 0.25
    loop: Loop = Loop()
    coolant: CoolantSupply | None = None
    attended: Attended | None = None
    heating: tuple[Heating, ...] = ()
    pairs: tuple[Pair, ...] = ()
    pads: Annotated[int, Field(ge=1, le=8, description="return electrodes that share the current")] | None = None
    records: Records = Records()
    mqtt: MqttConfig | None = None
    accept_no_independent_cutoff_i_understand_the_generator_stays_on: bool = False
    simulation: Annotated[dict[str, Any] | None, Field(description="read by the sim:// provider only")] = None

    @property
    def lease_s(self) -> float:
        """How long the watchdog waits for a tick: three of them, and at least as long as a machine may be busy."""
        return max(0.2, 3.0 / self.tick_hz)

    def ports(self) -> list[str]:
        """Every port of every device."""
        return [url for device in self.devices.values() for url in device.ports().values()]
