"""Certificates of the bench: when they end. That of the broker is judged when it is spoken to."""

from __future__ import annotations

import ssl
import time
from pathlib import Path

from controller.checkup import Finding, fail, ok, warn
from controller.mqtt.config import MqttConfig

SOON_DAYS = 14.0


def certificates(config: MqttConfig, now_s: float | None = None) -> list[Finding]:
    """One finding for each certificate file of ``mqtt.tls``."""
    if config.tls is None:
        return []
    now_s = time.time() if now_s is None else now_s
    files = {"ca_file": config.tls.ca_file, "cert_file": config.tls.cert_file}
    return [_judged(key, path, now_s) for key, path in files.items() if path is not None]


def _judged(key: str, path: Path, now_s: float) -> Finding:
    subject, command = f"certificate {path}", f"openssl x509 -in {path} -noout -dates -subject"
    try:
        end_s = ends_s(path)
    except (OSError, ValueError) as error:
        return fail(subject, f"cannot be read ({error})", f"mind mqtt.tls.{key} and its permissions", command)
    days = (end_s - now_s) / 86400
    if days < 0:
        return fail(subject, f"expired {-days:.0f} days ago: the broker refuses", "renew it", command)
    if days < SOON_DAYS:
        return warn(subject, f"ends in {days:.0f} days", "renew it", command)
    return ok(subject, f"valid for {days:.0f} more days")


def ends_s(path: Path) -> float:
    """When the first certificate in a PEM file ends, s since 1970.

    Raises:
        OSError, ValueError: no such file, or no certificate.
    """
    decode = ssl._ssl._test_decode_cert  # type: ignore[attr-defined]  # the one reader that Python brings
    path.read_bytes()
    told = decode(str(path))
    return ssl.cert_time_to_seconds(str(told["notAfter"]))
