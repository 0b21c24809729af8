"""The ``mqtt:`` part of a bench file."""

from __future__ import annotations

import ipaddress
import re
import ssl
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from controller.outputs.contract import check_name


class Tls(BaseModel):
    """How the broker proves itself, and how the bench proves itself to it. An empty mapping trusts the system's
    authorities.

    ``ca_file``: PEM of the authority that signed the broker's certificate; ``cert_file`` and ``key_file``: the bench's
    own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    @model_validator(mode="after")
    def _pair(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file go together: give both or neither")
        return self

    def context(self) -> ssl.SSLContext:
        """TLS 1.2 or newer, host name checked. Raises :class:`OSError` or :class:`ssl.SSLError` for unusable files."""
        context = ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.cert_file is not None:
            context.load_cert_chain(self.cert_file, self.key_file)
        return context


class Backfill(BaseModel):
    """What may be asked for again: sessions that are not older, and not more batches in one request.

    ``max_age_days`` bounds also what is sent by itself after a start, of sessions that an earlier run left unpublished.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    max_age_days: Annotated[float, Field(gt=0, le=3650)] = 30.0
    max_batches: Annotated[int, Field(ge=1, le=10_000_000)] = 100_000


class MqttConfig(BaseModel):
    """Where telemetry goes.

    Off the local machine TLS is required, and a name that the broker can check: ``username`` with ``password_file``, or
    a certificate in ``tls``. ``insecure_i_understand: true`` says that its author knows that anybody on the way can
    read and forge what is sent. A password is read from ``password_file``, never from the bench file.
    ``accept_stop`` subscribes to ``…/cmd/stop``; nothing else acts on the bench. ``backfill`` answers who asks for
    batches again (null: nobody). ``outputs`` names plug-ins that tell the same in the words of others.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    host: str = Field(min_length=1)
    port: int = Field(default=1883, ge=1, le=65535)
    site: str = "lab"
    tls: Tls | None = None
    username: str | None = None
    password_file: Path | None = None
    client_id: str | None = None
    mqtt_version: Literal["3.1.1", "5"] = "3.1.1"
    insecure_i_understand: bool = False
    accept_stop: bool = False
    heartbeat_s: Annotated[float, Field(ge=0.2, le=60)] = 5.0
    keepalive_s: Annotated[int, Field(ge=2, le=60)] = 5
    flush_s: Annotated[float, Field(ge=0, le=60)] = 5.0
    backfill: Backfill | None = Backfill()
    outputs: tuple[Annotated[str, Field(min_length=1)], ...] = ()

    @field_validator("site")
    @classmethod
    def _topic_level(cls, site: str) -> str:
        return topic_level("site", site)

    @field_validator("outputs")
    @classmethod
    def _installed(cls, outputs: tuple[str, ...]) -> tuple[str, ...]:
        for name in outputs:
            check_name(name)
        return outputs

    @model_validator(mode="after")
    def _secure(self) -> Self:
        if self.password_file is not None and self.username is None:
            raise ValueError("password_file is given without username")
        if self.insecure_i_understand or is_loopback(self.host):
            return self
        if self.tls is None:
            raise ValueError(
                f"broker {self.host} is not on this machine and has no TLS: give `tls: {{ca_file: …}}` (port 8883), "
                "or set `insecure_i_understand: true` if anybody on the network may read and forge its telemetry"
            )
        if self.tls.cert_file is None and (self.username is None or self.password_file is None):
            raise ValueError(
                f"broker {self.host} is not on this machine and nothing says who this bench is: give username and "
                "password_file, or cert_file and key_file in `tls:`, or set `insecure_i_understand: true`"
            )
        return self


def is_loopback(host: str) -> bool:
    """True for this machine, named exactly: ``127.evil.example`` is not."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def topic_level(what: str, name: str) -> str:
    """``name`` when it can be one level of a topic.

    Raises:
        ValueError: it is empty or holds ``/ + # $`` or a control character.
    """
    if not name or re.search(r"[/+#$\x00-\x1f]", name):
        raise ValueError(f"{what} {name!r} cannot be part of an MQTT topic: it must not be empty or hold / + # $")
    return name
