"""The bench's MQTT broker: is it there, and does it let the bench in? A bench without one works."""

from __future__ import annotations

from controller.checkup import Finding, Verdict, host, ok, warn
from controller.mqtt.config import MqttConfig

WAITS = "nothing is lost: samples wait in the session file"


def broker(config: MqttConfig) -> list[Finding]:
    """Connect as the bench would, with its user, certificates and version of MQTT, and leave again."""
    found = host.broker(config.host, config.port)
    if any(finding.verdict is not Verdict.OK for finding in found):
        return found
    subject = f"broker {config.host}:{config.port}"
    from controller.mqtt.probe import probe
    from controller.mqtt.publisher import MqttProblem

    try:
        trouble = probe(config)
    except MqttProblem as error:
        return [warn(subject, str(error), WAITS)]
    if trouble:
        what, _, remedy = trouble.removeprefix(f"{subject}: ").partition("; ")
        return [warn(subject, what, f"{remedy or 'look at its log'} ({WAITS})")]
    return [ok(subject, f"lets the bench in (MQTT {config.mqtt_version}{', TLS' if config.tls is not None else ''})")]
