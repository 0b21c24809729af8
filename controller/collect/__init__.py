"""The collector: many benches' telemetry from one broker into Parquet files and PostgreSQL, with nothing lost.

A message is written to the collector's own journal before the broker is told that it has arrived, so that neither a
broker, nor a database, nor the collector itself can lose one between them by ending at the wrong moment.
"""
