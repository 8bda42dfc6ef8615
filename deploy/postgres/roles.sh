#!/bin/sh
# The two roles of Cedrina: cedrina_owner migrates and owns, cedrina_app serves and owns nothing. The image of PostgreSQL
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
SQL
