-- For a database with TimescaleDB, once, while the tables are empty: psql lab -f postgres/timescale.sql
-- Compression is under Timescale's own licence (free for a lab's own use); the first three lines are Apache 2.
CREATE EXTENSION IF NOT EXISTS timescaledb;
SELECT create_hypertable('tick', 'time', chunk_time_interval => interval '1 day', if_not_exists => true);
SELECT create_hypertable('sample', 'time', chunk_time_interval => interval '1 day', if_not_exists => true);

ALTER TABLE sample SET (timescaledb.compress, timescaledb.compress_segmentby = 'session, channel');
ALTER TABLE tick SET (timescaledb.compress, timescaledb.compress_segmentby = 'session');
SELECT add_compression_policy('sample', interval '7 days', if_not_exists => true);
SELECT add_compression_policy('tick', interval '7 days', if_not_exists => true);
