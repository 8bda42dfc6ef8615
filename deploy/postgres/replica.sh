#!/bin/sh
# Run a streaming replica of the server that PGHOST names, in the directory $1. It is copied from there when the
# directory is new. Further arguments go to PostgreSQL.
#
# The slot keeps what the replica has not received on the primary's disk, up to max_slot_wal_keep_size.
. "$(dirname "$0")/../backup/environment.sh"
[ $# -ge 1 ] || fail "Usage: replica.sh DIRECTORY [-c NAME=VALUE ...]" 2
data=$1
shift
if [ ! -e "$data/PG_VERSION" ]; then
    slot=${REPLICA_SLOT:-cedrina_replica}
    rm -rf "$data.incoming"
    pg_receivewal --no-password --slot="$slot" --create-slot --if-not-exists
    pg_basebackup --no-password --pgdata="$data.incoming" --wal-method=stream --checkpoint=fast --slot="$slot" \
        --write-recovery-conf
    mv --no-target-directory "$data.incoming" "$data"
fi
exec postgres -D "$data" "$@"
