#!/bin/sh
# Make a base backup now and every $BACKUP_INTERVAL_HOURS hours, until this is stopped.
folder=$(dirname "$0")
while true; do
    if "$folder/base-backup.sh"; then
        sleep "$((${BACKUP_INTERVAL_HOURS:-24} * 3600))"
    else
        echo "The base backup failed; the next attempt is in ten minutes." >&2
        sleep 600
    fi
done
