#!/bin/sh
# Make a data directory from a backup, to be started by PostgreSQL of the same major version.
#
#   restore.sh DIRECTORY latest           all that was received
#   restore.sh DIRECTORY 2026-01-31T12:00:00Z   what was committed until then
#   restore.sh DIRECTORY point:NAME       the restore point of that name (pg_create_restore_point)
#
# The server that is started on it replays the WAL, ends its recovery there, and begins a timeline of its own.
. "$(dirname "$0")/environment.sh"
: "${BACKUP_DIR:?set it to the folder of the backups}"
[ $# -eq 2 ] || fail "Usage: restore.sh DIRECTORY latest|TIME|point:NAME" 2
data=$1 target=$2
case $data in /*) ;; *) fail "Name the directory by its whole path." 2 ;; esac
case $BACKUP_DIR$data in *[!A-Za-z0-9/._-]*) fail "Paths may have letters, digits and / . _ - only." 2 ;; esac
[ ! -e "$data" ] || [ -z "$(ls -A "$data")" ] || fail "$data is not empty. Nothing was written." 2

until=99999999T999999Z setting="recovery_target_timeline = 'latest'"
case $target in
latest) ;;
point:*[!A-Za-z0-9_]* | point:) fail "A restore point's name has letters, digits and _." 2 ;;
point:*) setting="recovery_target_name = '${target#point:}'" ;;
*)
    until=$(date --utc --date="$target" +%Y%m%dT%H%M%SZ) || fail "$target is no time." 2
    setting="recovery_target_time = '$(date --utc --date="$target" '+%Y-%m-%d %H:%M:%S.%6N+00')'"
    ;;
esac
# The newest base backup that was complete by then.
base=$(ls "$BACKUP_DIR/base" | sort | awk -v until="$until" '$0 <= until' | tail --lines=1)
[ -n "$base" ] || fail "No base backup in $BACKUP_DIR was complete at $target."

pg_verifybackup --quiet "$BACKUP_DIR/base/$base" || fail "pg_verifybackup refuses $BACKUP_DIR/base/$base. Nothing was restored."
mkdir -p "$data"
chmod 700 "$data"
cp --archive --reflink=auto "$BACKUP_DIR/base/$base/." "$data/"
rm -f "$data/standby.signal" "$data/backup_manifest"
cat >> "$data/postgresql.auto.conf" <<END
restore_command = 'cp "$BACKUP_DIR/wal/%f" "%p" 2>/dev/null || cp "$BACKUP_DIR/wal/%f.partial" "%p" 2>/dev/null'
$setting
recovery_target_action = 'promote'
primary_conninfo = ''
primary_slot_name = ''
synchronous_standby_names = ''
END
touch "$data/recovery.signal"
echo "$data: from the base backup $base to $target"
