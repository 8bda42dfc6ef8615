"""A sealed trail for tests: what is committed, how it is read back, and what its owner can do to it."""

import time
from contextlib import contextmanager

from django.db import connection, transaction

from accounts.event_types import LOGIN_SUCCEEDED
from security_events.event_form import canonical_bytes
from security_events.models import TRAIL_TABLES
from security_events.selectors.trail import START, events_after
from security_events.services.recording import record
from security_events.services.trail import sealing
from security_events.types import Subject
from security_events.verifier import leaf_hash

_UNSEALED = """
SELECT count(*) FROM security_events_event event
WHERE NOT EXISTS (SELECT FROM security_events_trail_leaf leaf WHERE leaf.event_id = event.id)
"""


def record_events(count):
    """Commit events, each in a transaction of its own."""
    return [record(LOGIN_SUCCEEDED, actor=Subject(id=f"user-{number}", name="mina")) for number in range(count)]


def seal_all(*, now, batch):
    """Seal in batches until every committed event is sealed, also one that has to wait for a transaction."""
    deadline = time.monotonic() + 120
    while True:
        while sealing.seal_batch(now=now, limit=batch).events:
            pass
        with connection.cursor() as cursor:
            cursor.execute(_UNSEALED)
            (unsealed,) = cursor.fetchone()
        if not unsealed:
            return
        assert time.monotonic() < deadline, f"{unsealed} events wait"


def committed_leaves():
    """Return the leaf hash of each event in the order of the trail, computed anew, by the event's id."""
    return {
        event.position.event_id: leaf_hash(canonical_bytes(event.form)) for event in events_after(START, limit=10_000)
    }


def stored_leaves():
    with connection.cursor() as cursor:
        cursor.execute("SELECT leaf_index, event_id, hash FROM security_events_trail_leaf ORDER BY leaf_index")
        rows = cursor.fetchall()
    assert [row[0] for row in rows] == list(range(len(rows)))
    return {event_id: bytes(hash_) for _index, event_id, hash_ in rows}


@contextmanager
def as_owner(*tables):
    """Let the triggers of append-only tables be off, as only their owner can."""
    with transaction.atomic(), connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield cursor
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER append_only")
            cursor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER append_only_truncate")
            if table == "security_events_trail_checkpoint":
                cursor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER continues_trail")


@contextmanager
def sealed_trail(blocker, *, count, batch, now):
    """Commit and seal events for the tests of a module, which roll back what they do themselves."""
    with blocker.unblock():
        record_events(count)
        seal_all(now=now, batch=batch)
    yield
    with blocker.unblock(), as_owner("security_events_event", *TRAIL_TABLES) as cursor:
        for table in reversed(("security_events_event", *TRAIL_TABLES)):
            cursor.execute(f"DELETE FROM {table}")
        cursor.execute("DELETE FROM security_events_auditkey")
