"""Rotate the key that refresh tokens are made with.

The key is derived from the server's secret and the number of an epoch, so a rotation stores only the number. Sessions
go on, unless the rotation is an emergency.
"""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from django.db import connection, transaction

from security_events.services import recording
from tokens import event_types
from tokens.errors import RefreshEpochsExhausted
from tokens.models import RefreshKeyEpoch, TokenFamily
from tokens.refresh_tokens.key_epochs import LAST, refresh_epochs
from tokens.services import revocation

_LOCK = 0x70CE_0002  # number of the advisory lock that rotations take
_BATCH = 500
_NOTE = "The key of its refresh tokens was withdrawn."


class NextEpochs(NamedTuple):
    """The epoch that a rotation begins, and the oldest epoch that it still accepts."""

    current: int
    minimum: int


def next_epochs(*, emergency: bool = False) -> NextEpochs:
    """Return the epochs that a rotation would store.

    Raises: RefreshEpochsExhausted.
    """
    row = RefreshKeyEpoch.objects.first()
    current, minimum = (row.current, row.minimum) if row else (1, 1)
    refresh_epochs.update(current=current, minimum=minimum)
    epoch = refresh_epochs.current + 1
    if epoch > LAST:
        raise RefreshEpochsExhausted(epoch=refresh_epochs.current)
    return NextEpochs(current=epoch, minimum=epoch if emergency else minimum)


def rotate(*, now: datetime, emergency: bool = False) -> RefreshKeyEpoch:
    """Begin the next epoch and return the stored row.

    The statement that rotates a family compares the epoch, so in every process a family gets the new epoch with its
    next refresh. In an emergency, tokens of all earlier epochs are refused at once; ``end_refused_sessions`` then ends
    their sessions.

    Raises: RefreshEpochsExhausted.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        epoch, minimum = next_epochs(emergency=emergency)
        row, _is_new = RefreshKeyEpoch.objects.update_or_create(
            id=1, defaults={"current": epoch, "minimum": minimum, "changed_at": now}
        )
        recording.record(
            event_types.REFRESH_KEY_ROTATED,
            now=now,
            data={"emergency": emergency, "epoch": epoch, "minimum_epoch": minimum},
        )
    return row


def sessions_before(*, epoch: int, now: datetime) -> int:
    """Return how many live sessions have a refresh token of an earlier epoch."""
    return TokenFamily.objects.filter(is_revoked=False, expires_at__gt=now, key_epoch__lt=epoch).count()


def end_refused_sessions(*, now: datetime, progress: Callable[[int], None] | None = None) -> int:
    """End, in batches, the sessions whose refresh token's epoch is refused; return how many ended.

    Safe to interrupt and to run twice. ``progress`` is called with the number of sessions ended so far.
    """
    ended, number = 0, _BATCH
    while number == _BATCH:
        number = revocation.end_sessions_of_refused_epochs(limit=_BATCH, note=_NOTE, now=now)
        ended += number
        if progress:
            progress(ended)
    return ended
