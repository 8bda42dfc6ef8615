"""Continue the trail of a database that was restored from a backup.

Two things can have happened. In another cluster, transaction ids begin anew, so that new events would stand in front of
those that were sealed: positions are made to go on. And the backup can be older than the newest checkpoint that others
have seen: the trail must not be sealed under its name any more, or two checkpoints would contradict each other.
"""

from datetime import datetime
from typing import NamedTuple

import structlog
from django.db import connection, transaction

from security_events import event_types
from security_events.conf import security_event_settings
from security_events.errors import AuditKeyMissing, TrailNotRolledBack, TrailRolledBack
from security_events.models import AuditKey
from security_events.selectors.sealing import checkpoints
from security_events.services import recording
from security_events.services.trail import audit_keys
from security_events.types import NO_SUBJECT, Subject
from security_events.verifier import VerificationError, VerificationKey, open_checkpoint

log = structlog.get_logger(__name__)

_IS_INSTALLED = "SELECT to_regprocedure('security_events_continue_after_restore()') IS NOT NULL"


class Continuation(NamedTuple):
    """How much was added to transaction ids, and how many events had been recorded since the restore."""

    added: int
    moved: int


def is_installed() -> bool:
    """Say whether the functions of the database exist: after migration 0012."""
    with connection.cursor() as cursor:
        cursor.execute(_IS_INSTALLED)
        return bool(cursor.fetchone()[0])


def was_restored() -> bool:
    """Say whether the database comes from another cluster and its trail was not continued yet."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT security_events_was_restored()")
        return bool(cursor.fetchone()[0])


def continue_after_restore(*, now: datetime) -> Continuation | None:
    """Let positions go on to grow; ``None`` if they do already.

    Events that were recorded since the restore are moved behind all others, so that they are sealed and exported.
    Writers wait meanwhile: the table is read once.
    """
    if not was_restored():
        return None
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT added, moved FROM security_events_continue_after_restore()")
            added, moved = cursor.fetchone()
        if added is None:
            return None
        data = {"moved_events": moved, "transactions_added": added}
        recording.record(event_types.TRAIL_CONTINUED, data=data, now=now)
    log.warning("audit_trail_continued_after_restore", **data)
    return Continuation(added, moved)


def newest_size_outside() -> int:
    """Return the size of the newest checkpoint outside that the active key has signed; 0 if none is known."""
    key = AuditKey.objects.defer("private_key").filter(retired_at=None).first()
    if key is None:
        return 0
    own = [VerificationKey(each.name, bytes(each.public_key)) for each in checkpoints.audit_keys()]
    sizes = [0]
    for note in security_event_settings.CHECKPOINTS_OUTSIDE():
        try:
            checkpoint = open_checkpoint(note, own)
        except VerificationError:
            continue  # of another log, or by a key that this database does not know any more
        if checkpoint.origin == key.name:
            sizes.append(checkpoint.size)
    return max(sizes)


def require_no_rollback(*, size: int) -> None:
    """Refuse to go on behind a checkpoint of ``size`` when a newer one is known outside.

    Raises: TrailRolledBack.
    """
    outside = newest_size_outside()
    if outside > size:
        raise TrailRolledBack(size=size, outside=outside)


def rename(*, note: str, actor: Subject = NO_SUBJECT, now: datetime) -> AuditKey:
    """Go on under another name after a rollback, with a new key; return it.

    To others it is a new trail that begins with the events that are left. The one of the former name ends: whoever
    keeps its newest checkpoint can show which size it had.

    Raises: AuditKeyMissing, TrailNotRolledBack; EncryptionKeyMissing.
    """
    with transaction.atomic():
        audit_keys.lock_trail()
        newest = checkpoints.newest_checkpoint()
        key = AuditKey.objects.defer("private_key").filter(retired_at=None).first()
        if key is None:
            raise AuditKeyMissing
        size, outside = newest.size if newest else 0, newest_size_outside()
        if outside <= size:
            raise TrailNotRolledBack
        successor = audit_keys.replace(key, name=f"{key.name}/restored-{now:%Y%m%d%H%M%S}", size=size, now=now)
        recording.record(
            event_types.TRAIL_RENAMED,
            actor=actor,
            target=Subject(id=successor.kid),
            data={
                "name": successor.name,
                "former_name": key.name,
                "size": size,
                "lost_size": outside,
                **({"note": note} if note else {}),
            },
            now=now,
        )
    return successor
