#!/bin/sh
# Start PgBouncer with the account of the serving role; the password comes from a file and appears nowhere else.
set -eu
umask 077
list=${TMPDIR:-/tmp}/userlist.txt
# A quote in it is doubled (PgBouncer's manual, "Authentication file format").
printf '"cedrina_app" "%s"\n' "$(sed 's/"/""/g' "$SERVING_PASSWORD_FILE")" > "$list"
exec pgbouncer "${PGBOUNCER_INI:-/etc/cedrina-pgbouncer/pgbouncer.ini}"
