"""The limit of open sockets of one person, over all server processes.

Each open socket has a slot: a row that names its process. A process moves the end of its own row on while it lives,
so the slots of one that was killed are free after ``LEASE_SECONDS``. That is one statement for each handshake and one
for each process every few seconds, whatever the number of sockets. Advisory locks would need no clean-up, but each
would take a place in PostgreSQL's shared table of locks, and thousands of sockets would fill it.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from cedrina_base.prepared_statements import prepared_cursor

MOST_OF_PERSON = 10
LEASE_SECONDS = 30

# The database's clock decides, since processes on several machines compare their ends by it.
_RENEW = """
INSERT INTO cedrina_socketprocess AS known (id, alive_until)
VALUES (%(process_id)s, clock_timestamp() + %(lease)s * interval '1 second')
ON CONFLICT (id) DO UPDATE SET alive_until = EXCLUDED.alive_until
WHERE known.alive_until < EXCLUDED.alive_until - %(lease)s * interval '0.2 second'
"""
# `lost` is the process that the found slot belonged to. Of two that take over the same slot, one finds another process
# in the row, and has to look again; so does the one of two that comes second to a slot without a row.
_TAKE = """
WITH free AS (
    SELECT candidate.number, slot.process_id AS lost
    FROM generate_series(1, %(most)s) AS candidate (number)
    LEFT JOIN cedrina_socketslot slot ON slot.subject = %(subject)s AND slot.number = candidate.number
    WHERE slot.id IS NULL OR NOT EXISTS (
        SELECT FROM cedrina_socketprocess WHERE id = slot.process_id AND alive_until > clock_timestamp()
    )
    ORDER BY candidate.number LIMIT 1
), taken AS (
    INSERT INTO cedrina_socketslot AS held (subject, number, process_id)
    SELECT %(subject)s, free.number, %(process_id)s FROM free
    ON CONFLICT (subject, number) DO UPDATE SET process_id = EXCLUDED.process_id
    WHERE held.process_id = (SELECT lost FROM free)
    RETURNING number
)
SELECT (SELECT number FROM free), (SELECT number FROM taken)
"""
_RELEASE = """
DELETE FROM cedrina_socketslot slot
USING unnest(%(subjects)s::text[], %(numbers)s::int[]) AS gone (subject, number)
WHERE slot.subject = gone.subject AND slot.number = gone.number AND slot.process_id = %(process_id)s
"""
_FORGET_DEAD = """
WITH dead AS (DELETE FROM cedrina_socketprocess WHERE alive_until < clock_timestamp() - interval '1 minute')
DELETE FROM cedrina_socketslot slot WHERE NOT EXISTS (
    SELECT FROM cedrina_socketprocess WHERE id = slot.process_id AND alive_until > clock_timestamp()
)
"""


class TakenSlot(NamedTuple):
    """A slot that a process holds for one socket."""

    subject: str
    number: int


def renew(*, process_id: UUID) -> None:
    """Say that a process lives, for ``LEASE_SECONDS`` from now on."""
    with prepared_cursor() as cursor:
        cursor.execute(_RENEW, {"process_id": process_id, "lease": LEASE_SECONDS})


def take(*, subject: str, process_id: UUID) -> TakenSlot | None:
    """Take a slot for a socket of a person; ``None`` if all are taken."""
    renew(process_id=process_id)
    parameters: dict[str, Any] = {"subject": subject, "process_id": process_id, "most": MOST_OF_PERSON}
    # Whoever loses a slot to another one looks for the next; there are not more than these to lose.
    for _ in range(MOST_OF_PERSON):
        with prepared_cursor() as cursor:
            cursor.execute(_TAKE, parameters)
            free, taken = cursor.fetchone()
        if taken is not None:
            return TakenSlot(subject, taken)
        if free is None:
            return None
    return None


def release(slots: Sequence[TakenSlot], *, process_id: UUID) -> None:
    """Give slots back that a process holds."""
    parameters: dict[str, Any] = {
        "subjects": [slot.subject for slot in slots],
        "numbers": [slot.number for slot in slots],
        "process_id": process_id,
    }
    with prepared_cursor() as cursor:
        cursor.execute(_RELEASE, parameters)


def forget_dead() -> None:
    """Delete the slots of processes that do not live any more, and the rows of these processes."""
    with prepared_cursor() as cursor:
        cursor.execute(_FORGET_DEAD)
