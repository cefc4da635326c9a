-- The audit trail can be written on and read, and nothing else; run once the tables are there: psql -d dsar -f trail.sql
-- 'dsar check' warns for as long as it was not.
\set ON_ERROR_STOP on

REVOKE UPDATE, DELETE, TRUNCATE ON event, seal FROM dsar_service;
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON alembic_version FROM dsar_service;
