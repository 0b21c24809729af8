-- What `ablate collect` writes. Plain PostgreSQL 12 or newer; examples/lab/postgres/timescale.sql makes hypertables of it.
-- Run it as the owner of the database: ablate collect --schema | psql lab

CREATE TABLE IF NOT EXISTS session (
    session     text PRIMARY KEY,          -- a ULID: sorts by time
    site        text NOT NULL,
    bench       text NOT NULL,
    simulated   boolean,
    began       timestamptz,
    header      jsonb,                     -- bench and protocol as used, software, devices; null until it has come
    channels    jsonb,                     -- [{name, unit, low, high, period_s}]
    summary     jsonb,                     -- how it ended; null while it runs
    chain_head  text,                      -- anchors the session file: compare with `ablate sessions verify`
    batches     bigint NOT NULL DEFAULT 0, -- that are here
    missing     bigint NOT NULL DEFAULT 0, -- that are known to exist and not here yet
    lost        bigint NOT NULL DEFAULT 0, -- that were given up
    duplicates  bigint NOT NULL DEFAULT 0, -- messages that came again
    backfilled  bigint NOT NULL DEFAULT 0, -- messages that came because they were asked for
    verdict     text,                      -- null while it runs; begins with 'complete' when everything is here
    updated     timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS batch (         -- what has been taken: a message that comes again changes nothing
    session text NOT NULL,
    batch   bigint NOT NULL,
    part    integer NOT NULL,
    PRIMARY KEY (session, batch, part)
);

CREATE TABLE IF NOT EXISTS tick (
    time       timestamptz NOT NULL,
    bench      text NOT NULL,
    session    text NOT NULL,
    seq        bigint NOT NULL,
    t_s        double precision NOT NULL,  -- the session's own clock
    state      text NOT NULL,
    demand_w   double precision,
    permit_w   double precision,
    setpoint_w double precision,
    epoch      bigint NOT NULL,
    energy_j   double precision
);
CREATE INDEX IF NOT EXISTS tick_session_seq ON tick (session, seq);
CREATE INDEX IF NOT EXISTS tick_bench_time ON tick (bench, time DESC);

CREATE TABLE IF NOT EXISTS sample (
    time    timestamptz NOT NULL,          -- when it was asked for
    bench   text NOT NULL,
    session text NOT NULL,
    channel text NOT NULL,
    t_s     double precision,
    value   double precision,              -- null: the device sent no number
    quality smallint NOT NULL              -- 0 good, 1 bad, 2 uncertain
);
CREATE INDEX IF NOT EXISTS sample_session_channel_time ON sample (session, channel, time);
CREATE INDEX IF NOT EXISTS sample_bench_channel_time ON sample (bench, channel, time DESC);

CREATE TABLE IF NOT EXISTS event (
    time    timestamptz NOT NULL,
    bench   text NOT NULL,
    session text NOT NULL,
    seq     bigint NOT NULL,
    t_s     double precision,
    kind    text NOT NULL,
    data    jsonb NOT NULL
);
CREATE INDEX IF NOT EXISTS event_session_seq ON event (session, seq);
CREATE INDEX IF NOT EXISTS event_bench_time ON event (bench, time DESC);

CREATE OR REPLACE VIEW bench_overview AS   -- one line for each bench: its newest session and what is not here yet
SELECT DISTINCT ON (s.bench)
    s.bench, s.site, s.session, s.began, s.simulated, s.verdict, s.missing, s.lost, s.duplicates, s.backfilled,
    newest.time AS newest, newest.state, newest.setpoint_w, newest.energy_j,
    extract(epoch FROM now() - newest.time) AS behind_s
FROM session s
LEFT JOIN LATERAL (
    SELECT time, state, setpoint_w, energy_j FROM tick WHERE tick.session = s.session ORDER BY seq DESC LIMIT 1
) newest ON true
ORDER BY s.bench, s.session DESC;
