#!/bin/sh
# Make the stopped former primary with the data directory $1 a replica of the new primary that PGHOST names: undo what
# only the former one had (pg_rewind). It needs wal_log_hints=on or data checksums. What is undone is lost; if you have
# to look at it, copy the directory first.
. "$(dirname "$0")/../backup/environment.sh"
[ $# -eq 1 ] || fail "Usage: rejoin.sh DIRECTORY" 2
data=$1
slot=${REPLICA_SLOT:-cedrina_replica}
pg_rewind --target-pgdata="$data" --source-server="dbname=${PGDATABASE:-cedrina}" --write-recovery-conf
pg_receivewal --no-password --slot="$slot" --create-slot --if-not-exists
echo "primary_slot_name = '$slot'" >> "$data/postgresql.auto.conf"
echo "$data is a replica of $PGHOST. Start PostgreSQL on it."
