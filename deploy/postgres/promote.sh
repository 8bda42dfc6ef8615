#!/bin/sh
# Make the replica that PGHOST and PGPORT name the primary. The former primary must be stopped before: two primaries
# accept different writes. FORMER_HOST and FORMER_PORT name it; while it answers, nothing is done. A primary that only
# this machine can't reach would go on elsewhere: stop it there, or take its network away.
. "$(dirname "$0")/../backup/environment.sh"
: "${FORMER_HOST:?set it to the host of the former primary}"
if pg_isready --quiet --host="$FORMER_HOST" --port="${FORMER_PORT:-5432}" --timeout=5; then
    fail "The former primary still answers. Stop it first; the replica was not promoted."
fi
started=$(date +%s%3N)
promoted=$(psql --no-psqlrc --no-password --tuples-only --no-align --dbname="${PGDATABASE:-cedrina}" \
    --command='SELECT pg_promote(true, 60)')
[ "$promoted" = t ] || fail "The replica was not promoted within a minute. Its log says why."
echo "Promoted in $(($(date +%s%3N) - started)) ms."
