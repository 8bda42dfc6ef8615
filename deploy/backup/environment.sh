# Read by the commands beside it and in ../postgres: who they run as, what they connect to, how they fail.
#
# Connections are those of libpq: PGHOST, PGPORT, PGUSER, and PGPASSWORD_FILE, PGPASSFILE or PGPASSWORD. Not a URL as an
# argument, because everybody on the machine can read command lines.
set -eu
umask 077

fail() {
    printf '%s\n' "$1" >&2
    exit "${2:-1}"
}

# The programs of a server refuse to run as root, and files of root could not be read by a restored server.
if [ "$(id -u)" -eq 0 ]; then
    user=${SERVER_USER:-postgres}
    exec setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups -- sh "$0" "$@"
fi
cd /

if [ -n "${PGPASSWORD_FILE:-}" ]; then
    PGPASSWORD=$(cat "$PGPASSWORD_FILE")
    export PGPASSWORD
fi
export PGCONNECT_TIMEOUT="${PGCONNECT_TIMEOUT:-10}"

# One folder belongs to one cluster: WAL of another one under the same names would destroy the backup.
require_same_cluster() {
    mkdir -p "$BACKUP_DIR/base" "$BACKUP_DIR/wal"
    system=$(psql --no-psqlrc --no-password --tuples-only --no-align --field-separator=' ' \
        --dbname='replication=true' --command='IDENTIFY_SYSTEM')
    system=${system%% *}
    if [ ! -e "$BACKUP_DIR/system_identifier" ]; then
        echo "$system" > "$BACKUP_DIR/system_identifier"
    elif [ "$(cat "$BACKUP_DIR/system_identifier")" != "$system" ]; then
        fail "$BACKUP_DIR has the backups of another cluster. Set BACKUP_DIR to a new folder." 2
    fi
}
