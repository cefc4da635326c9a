-- Two databases and two roles for dsar; run once, as a superuser: psql -f roles.sql
--
-- dsar_owner makes and changes the tables, with every new version; its password is kept where the service cannot read it.
-- dsar_service works with them every day: it can make, change and drop nothing, and what stands in the audit trail stays.
-- Give both passwords afterwards, with \password in psql, so that they stand in no log.
\set ON_ERROR_STOP on

CREATE ROLE dsar_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;
CREATE ROLE dsar_service LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;
CREATE DATABASE dsar OWNER dsar_owner ENCODING 'UTF8' TEMPLATE template0;
CREATE DATABASE dsar_keys OWNER dsar_owner ENCODING 'UTF8' TEMPLATE template0;
-- By default everybody may connect to every database and make tables for a session.
REVOKE ALL ON DATABASE dsar, dsar_keys FROM PUBLIC;
GRANT CONNECT ON DATABASE dsar, dsar_keys TO dsar_service;

\connect dsar
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT ALL ON SCHEMA public TO dsar_owner;
GRANT USAGE ON SCHEMA public TO dsar_service;
-- Of every table that dsar_owner will make, those of later versions included.
ALTER DEFAULT PRIVILEGES FOR ROLE dsar_owner IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO dsar_service;
ALTER DEFAULT PRIVILEGES FOR ROLE dsar_owner IN SCHEMA public GRANT USAGE ON SEQUENCES TO dsar_service;

\connect dsar_keys
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT ALL ON SCHEMA public TO dsar_owner;
GRANT USAGE ON SCHEMA public TO dsar_service;
ALTER DEFAULT PRIVILEGES FOR ROLE dsar_owner IN SCHEMA public GRANT SELECT, INSERT, DELETE ON TABLES TO dsar_service;
