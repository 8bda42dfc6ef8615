#!/bin/sh
# The roles of Cedrina: cedrina_owner migrates and owns, cedrina_app serves and owns nothing, and with
# REPLICATION_PASSWORD_FILE cedrina_replication copies the cluster: backups, replicas, failover. The image of PostgreSQL
# runs this when its data directory is new; by hand it can be run again at any time. `manage.py migrate` grants
# cedrina_app its rights on the tables.
set -eu

# Passwords come from files and go through psql's own input: neither a command line nor the environment shows them.
psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" <<'SQL'
\set owner_password `cat "$OWNER_PASSWORD_FILE"`
\set serving_password `cat "$SERVING_PASSWORD_FILE"`

SELECT format('CREATE ROLE %I', name) FROM unnest(ARRAY['cedrina_owner', 'cedrina_app']) name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec

ALTER ROLE cedrina_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
    PASSWORD :'owner_password';
ALTER ROLE cedrina_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
    PASSWORD :'serving_password';

ALTER DATABASE :"DBNAME" OWNER TO cedrina_owner;
REVOKE ALL ON DATABASE :"DBNAME" FROM PUBLIC;
-- TEMPORARY is for `import_users --dry-run`.
GRANT CONNECT, TEMPORARY ON DATABASE :"DBNAME" TO cedrina_app;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

\getenv replication_password_file REPLICATION_PASSWORD_FILE
\if :{?replication_password_file}
\set replication_password `cat "$REPLICATION_PASSWORD_FILE"`
SELECT 'CREATE ROLE cedrina_replication' WHERE NOT EXISTS
    (SELECT FROM pg_roles WHERE rolname = 'cedrina_replication') \gexec
ALTER ROLE cedrina_replication LOGIN REPLICATION NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS
    PASSWORD :'replication_password';
-- It copies every file of the cluster anyway. The rest is for drill.py, promote.sh and rejoin.sh (pg_rewind).
GRANT pg_read_all_data, pg_monitor TO cedrina_replication;
GRANT CONNECT ON DATABASE :"DBNAME" TO cedrina_replication;
GRANT EXECUTE ON FUNCTION pg_create_restore_point(text), pg_promote(boolean, integer),
    pg_ls_dir(text, boolean, boolean), pg_stat_file(text, boolean), pg_read_binary_file(text),
    pg_read_binary_file(text, bigint, bigint, boolean) TO cedrina_replication;
\endif
SQL

# In the image, where this is run before the server listens to others: connections for replication are allowed apart.
if [ -n "${REPLICATION_PASSWORD_FILE:-}" ] && [ -w "${PGDATA:-/nowhere}/pg_hba.conf" ]; then
    echo "host replication cedrina_replication samenet scram-sha-256" >> "$PGDATA/pg_hba.conf"
fi
