#!/bin/sh
# Start Redis with one user, cedrina, whose password is read from a file: neither a command line nor the environment
# shows it. The default user can do nothing but PING, which the health check sends.
set -eu

digest=$(tr -d '\n' < "$REDIS_PASSWORD_FILE" | sha256sum | cut -d ' ' -f 1)
umask 077
directory=$(mktemp -d)
# In this order: the limits, the cache, the channels, connections. Nothing that lists, dumps, empties or administers.
cat > "$directory/users.acl" <<ACL
user default on nopass resetkeys resetchannels -@all +ping
user cedrina on #$digest ~* &* -@all +eval +evalsha +mget +psetex +setrange +time +unlink +get +set +del +exists +incrby +expire +persist +mset +multi +exec +publish +subscribe +unsubscribe +ping +auth +hello +select
ACL
# Protected mode would refuse everybody who comes from elsewhere, since the default user has no password. All that is
# kept is counts and caches with an end: the memory is bounded, and nothing is written to disk.
exec redis-server --aclfile "$directory/users.acl" --protected-mode no --save "" --appendonly no --dir "$directory" \
    --maxmemory 256mb --maxmemory-policy volatile-ttl "$@"
