"""MQTT: telemetry that follows the session file. Nothing but STOP is ever accepted, and that only where configured."""
