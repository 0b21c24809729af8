"""What can go wrong between a bench and its broker, each in one sentence with what to do about it.

The bench goes on in every case: what is not published waits in the session file.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from controller.mqtt.config import MqttConfig
from drivers.plain import plain


class Forbidden(Exception):
    """The broker does not let this client use a topic."""

    def __init__(self, topics: Sequence[str], reason: str) -> None:
        super().__init__(f"{', '.join(topics)}: {reason}")
        self.topics, self.reason = topics, reason


CONNACK = {
    "unsupported protocol version": "it does not speak MQTT {version}; set mqtt.mqtt_version to the other one",
    "client identifier not valid": "it refuses the name {client!r}; set mqtt.client_id to one that it allows",
    "bad user name or password": (
        "it does not know user {user!r} with this password; "
        "check mqtt.username and password_file against the broker's password file"
    ),
    "not authorized": (
        "it does not let {user!r} in; check mqtt.username and password_file, or add the bench to the broker's users"
    ),
    "server unavailable": "it says that it cannot serve now; look at the broker's log",
    "server busy": "it is busy; wait, or look at the broker's log",
    "banned": "it has banned this client; ask who runs the broker",
    "bad authentication method": "it wants another way to prove who the bench is; ask who runs the broker",
    "quota exceeded": "its quota is used up; ask who runs the broker",
    "connection rate exceeded": "clients connect to it too often; wait, or look at the broker's log",
    "session taken over": (
        "another client with the name {client!r} has pushed this one out; give each bench its own mqtt.client_id"
    ),
}
"""What a broker answers to CONNECT (MQTT 5, 3.2.2.2; the five codes of 3.1.1, 3.2.2.3, have the same names in paho)."""

X509 = {  # OpenSSL's X509_V_ERR_*, openssl-verification-options(1)
    9: "its certificate is not valid yet: this machine's clock says {now}; set the clock, or wait",
    10: "its certificate has expired; renew it (this machine's clock says {now})",
    18: "its certificate is signed by itself alone; name it, or who signed it, in mqtt.tls.ca_file",
    19: "its certificate comes from an authority that is not trusted here; name that in mqtt.tls.ca_file",
    20: "its certificate comes from an authority that is not trusted here; name that in mqtt.tls.ca_file",
    62: "its certificate is for another name than {host!r}; use the name that it was made for as mqtt.host",
    64: "its certificate is for another address than {host}; use the name that it was made for as mqtt.host",
}

TLS = {  # what OpenSSL says of the handshake
    "wrong version number": "it does not speak TLS on this port; check mqtt.port (8883 with TLS, 1883 without)",
    "record layer failure": "it does not speak TLS on this port; check mqtt.port (8883 with TLS, 1883 without)",
    "alert certificate expired": "it says that the bench's certificate has expired; renew mqtt.tls.cert_file",
    "alert bad certificate": "it refuses the bench's certificate, or this machine's clock is wrong; check both",
    "alert unknown ca": "it does not trust who signed the bench's certificate; check mqtt.tls.cert_file",
    "alert certificate required": "it wants a certificate of the bench; give cert_file and key_file in mqtt.tls",
    "alert handshake failure": "no way to encrypt is known to both; it may want a certificate of the bench",
    "alert protocol version": "it speaks no TLS 1.2 or newer; update the broker",
    "eof occurred": "it broke the handshake off; check mqtt.port, and that the broker has TLS there",
}

HANGS_UP = (
    "it broke the connection off; check mqtt.port (8883 with TLS, 1883 without), and look at the broker's log: "
    "it may want a certificate, or another client has the same mqtt.client_id"
)

LOST = ("disconnected during", "code:7]", "code:16]", "unspecified error", "keep alive timeout")


def explain(error: BaseException, config: MqttConfig, now: datetime | None = None, *, heard: str = "") -> str:
    """One sentence for a person: which broker, what is wrong, what to do.

    ``now``: what the machine's clock says; default: it is asked. ``heard``: what the client's own log said last, where
    a broker's alert ends up that comes after the handshake (TLS 1.3).
    """
    words = {
        "host": config.host,
        "version": config.mqtt_version,
        "client": config.client_id or "(made by chance)",
        "user": config.username or (config.tls.cert_file.stem if config.tls and config.tls.cert_file else "nobody"),
        "now": f"{now or datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    }
    return f"broker {config.host}:{config.port}: " + plain(_what(error, config, heard).format(**words), 400)


def _what(error: BaseException, config: MqttConfig, heard: str) -> str:
    if isinstance(error, Forbidden):
        topics = ", ".join(error.topics[:3])
        return (
            f"it forbids {_braced(topics)} ({_braced(error.reason)}); grant the topic to the bench in the broker's ACL"
        )
    for cause in _causes(error):
        code = getattr(cause, "rc", None)
        if code is not None and (known := CONNACK.get(str(code).lower())):
            return known
        if isinstance(cause, ssl.SSLCertVerificationError):
            return X509.get(cause.verify_code, f"its certificate does not hold: {_braced(cause.verify_message)}")
        if isinstance(cause, socket.gaierror):
            return "no machine of this name is known; check mqtt.host and the network"
        if isinstance(cause, ConnectionRefusedError):
            return "Connection refused: nothing listens there; start the broker, or check mqtt.host and mqtt.port"
        if isinstance(cause, TimeoutError) and not heard:
            return "it does not answer; check that the machine is on and that no firewall is between"
    text = str(error)
    lowered = f"{text} {heard}".lower().replace("_", " ")
    for mark, known in TLS.items():
        if mark in lowered:
            return known
    if "timed out" in lowered:
        return "it does not answer in time; check the broker and the network"
    if "connection reset" in lowered or "broken pipe" in lowered:
        return HANGS_UP
    if any(mark in lowered for mark in LOST):
        return "the connection was lost"
    return _braced(text) or type(error).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it stands for: aiomqtt hides the system's own behind a text."""
    seen: BaseException | None = error
    for _ in range(5):
        if seen is None:
            return
        yield seen
        seen = seen.__cause__ or seen.__context__


def _braced(text: str) -> str:
    return re.sub(r"([{}])", r"\1\1", text)
