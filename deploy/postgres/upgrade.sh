#!/bin/sh
# Upgrade a stopped cluster to another major version: upgrade.sh OLD_PROGRAMS NEW_PROGRAMS OLD_DIRECTORY NEW_DIRECTORY.
# PGUSER is its superuser. The old directory is not changed, so the old version can be started again.
. "$(dirname "$0")/../backup/environment.sh"
[ $# -eq 4 ] || fail "Usage: upgrade.sh OLD_PROGRAMS NEW_PROGRAMS OLD_DIRECTORY NEW_DIRECTORY" 2
old_programs=$1 new_programs=$2 old=$3 new=$4
: "${PGUSER:?set it to the superuser of the cluster}"
[ ! -e "$old/postmaster.pid" ] || fail "Stop the server of $old first."
[ ! -e "$new/PG_VERSION" ] || fail "$new has a cluster already. Nothing was changed." 2

# The new cluster's pages have checksums if, and only if, the old ones have (PostgreSQL 18 makes them by default).
checksums=--no-data-checksums
[ "$("$old_programs/pg_controldata" "$old" | sed -n 's/^Data page checksum version: *//p')" = 0 ] ||
    checksums=--data-checksums
[ "$("$new_programs/postgres" --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/')" -ge 18 ] ||
    { [ $checksums = --data-checksums ] || checksums=; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf '%s\n' "${PGPASSWORD:-}" > "$work/password"
"$new_programs/initdb" --pgdata="$new" --username="$PGUSER" --encoding=UTF8 --locale=C --auth=scram-sha-256 \
    --pwfile="$work/password" $checksums
cd "$work"
run() {
    "$new_programs/pg_upgrade" --old-bindir="$old_programs" --new-bindir="$new_programs" --old-datadir="$old" \
        --new-datadir="$new" --username="$PGUSER" --socketdir="$work" "$@"
}
if ! run --check || ! run; then
    find "$new/pg_upgrade_output.d" -name '*.txt' -o -name 'pg_upgrade_server.log' | xargs -r cat >&2
    rm -rf "$new"
    fail "Nothing was upgraded: $old is as it was, and what pg_upgrade said stands above."
fi
cp "$old/pg_hba.conf" "$old/pg_ident.conf" "$new/"
cp "$old/postgresql.auto.conf" "$new/"
echo "Start PostgreSQL on $new, then: vacuumdb --all --analyze-in-stages"
