#!/bin/sh
# Copy the cluster into $BACKUP_DIR/base/TIME, verify the copy, and remove what is older than the $BACKUP_KEEP newest.
# TIME is when the copy was complete (UTC). A copy that was interrupted or is damaged is never among them.
. "$(dirname "$0")/environment.sh"
: "${BACKUP_DIR:?set it to a folder that is not on the disk of the database}"
require_same_cluster

exec 9> "$BACKUP_DIR/lock"
flock --nonblock 9 || fail "Another base backup is being made in $BACKUP_DIR."
incoming="$BACKUP_DIR/base/.incoming"
rm -rf "$incoming"
pg_basebackup --no-password --pgdata="$incoming" --format=plain --wal-method=stream --checkpoint=fast \
    --manifest-checksums=SHA256
pg_verifybackup --quiet "$incoming"
name=$(date -u +%Y%m%dT%H%M%SZ)
mv --no-target-directory "$incoming" "$BACKUP_DIR/base/$name"
sync --file-system "$BACKUP_DIR/base"

ls "$BACKUP_DIR/base" | sort --reverse | tail --lines="+$((${BACKUP_KEEP:-7} + 1))" | while read -r old; do
    rm -rf "$BACKUP_DIR/base/$old"
done
oldest=$(ls "$BACKUP_DIR/base" | sort | head --lines=1)
first=$(sed -n 's/^START WAL LOCATION: .* (file \([0-9A-F]*\))$/\1/p' "$BACKUP_DIR/base/$oldest/backup_label")
pg_archivecleanup "$BACKUP_DIR/wal" "$first"
echo "$BACKUP_DIR/base/$name"
