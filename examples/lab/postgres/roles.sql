-- Who may do what in the database. Run as its owner, after the tables:
--   ablate collect --schema | psql lab
--   psql lab -v collector="$(cat secrets/postgres-collector)" -v grafana="$(cat secrets/postgres-grafana)" \
--       -v telegraf="$(cat secrets/postgres-telegraf)" -f postgres/roles.sql
CREATE ROLE collector LOGIN PASSWORD :'collector';
CREATE ROLE grafana LOGIN PASSWORD :'grafana';
CREATE ROLE telegraf LOGIN PASSWORD :'telegraf';

GRANT SELECT, INSERT, UPDATE ON session TO collector;
GRANT SELECT, INSERT ON batch, tick, sample, event TO collector;
GRANT SELECT ON session, tick, sample, event, bench_overview TO grafana;

CREATE SCHEMA telegraf AUTHORIZATION telegraf;   -- makes its own tables there
ALTER ROLE telegraf SET search_path = telegraf;
GRANT USAGE ON SCHEMA telegraf TO grafana;
ALTER DEFAULT PRIVILEGES FOR ROLE telegraf IN SCHEMA telegraf GRANT SELECT ON TABLES TO grafana;
