"""Records: one SQLite file per session, which is record, MQTT outbox, history and input of replay at once (ADR
0002)."""
