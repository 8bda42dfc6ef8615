#!/bin/sh
# Write the WAL into $BACKUP_DIR/wal as it is made, until this is stopped. What is lost with the database's disk is what
# was not received yet: milliseconds. Run it under a supervisor that starts it anew: it ends when the connection does.
#
# The slot keeps what was not received on the database's disk, up to max_slot_wal_keep_size: set that, or a receiver
# that is gone for long fills the disk.
. "$(dirname "$0")/environment.sh"
: "${BACKUP_DIR:?set it to a folder that is not on the disk of the database}"
require_same_cluster

slot=${BACKUP_SLOT:-cedrina_backup}
export PGAPPNAME="$slot"
pg_receivewal --no-password --slot="$slot" --create-slot --if-not-exists
exec pg_receivewal --no-password --no-loop --slot="$slot" --directory="$BACKUP_DIR/wal" --synchronous
