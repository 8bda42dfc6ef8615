"""How far the replica is behind, for monitoring."""

from typing import NamedTuple

from django.db import DEFAULT_DB_ALIAS, connections

from cedrina_base.replica_reads import REPLICA_ALIAS

_POSITION = "SELECT pg_current_wal_insert_lsn()"
_LAG = """
SELECT GREATEST(pg_wal_lsn_diff(%(position)s::pg_lsn, pg_last_wal_replay_lsn()), 0)::bigint,
       CASE WHEN pg_last_wal_replay_lsn() >= %(position)s::pg_lsn THEN 0
            ELSE EXTRACT(EPOCH FROM clock_timestamp() - pg_last_xact_replay_timestamp()) END::float
"""


class ReplicaLag(NamedTuple):
    """WAL that the replica has not replayed, in bytes, and the age in seconds of the last commit that it has.

    The age is 0 when nothing is missing, else it is an upper limit: nothing may have been committed meanwhile.
    """

    bytes: int
    seconds: float


def measure() -> ReplicaLag | None:
    """Return how far the replica is behind; ``None`` if there is none.

    Raises: Error when one of the two can't be asked.
    """
    if REPLICA_ALIAS not in connections.settings:
        return None
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(_POSITION)
        (position,) = cursor.fetchone()
    try:
        with connections[REPLICA_ALIAS].cursor() as cursor:
            cursor.execute(_LAG, {"position": position})
            behind, seconds = cursor.fetchone()
    finally:
        connections[REPLICA_ALIAS].close()
    return ReplicaLag(int(behind or 0), float(seconds or 0))
