"""Change the key that refresh tokens are made with, without signing anybody out unless that is the point.

The keys are derived from the server's secret and the number of an epoch, so a rotation stores nothing but the number.
"""

from collections.abc import Callable
from datetime import datetime

from django.db import connection, transaction

from security_events.services import recording
from tokens import event_types
from tokens.epochs import LAST, refresh_epochs
from tokens.errors import RefreshEpochsExhausted
from tokens.models import RefreshKeyEpoch, TokenFamily
from tokens.services import revocation

_LOCK = 0x70CE_0002  # an advisory lock of this module's own
_BATCH = 500
_NOTE = "The key of its refresh tokens was withdrawn."


def next_epochs(*, emergency: bool = False) -> tuple[int, int]:
    """Return the epoch that a rotation would begin, and the oldest that it would still accept.

    Raises: RefreshEpochsExhausted.
    """
    row = RefreshKeyEpoch.objects.first()
    current, minimum = (row.current, row.minimum) if row else (1, 1)
    refresh_epochs.learn(current=current, minimum=minimum)
    epoch = refresh_epochs.current + 1
    if epoch > LAST:
        raise RefreshEpochsExhausted(epoch=refresh_epochs.current)
    return epoch, epoch if emergency else minimum


def rotate(*, now: datetime, emergency: bool = False) -> RefreshKeyEpoch:
    """Begin the next epoch and return what counts from now on.

    Each family moves to it with its next refresh, in every process, since the statement that exchanges a token compares
    the epoch. In an emergency tokens of all earlier epochs are refused from this moment; ``end_refused`` then ends the
    sessions that have nothing else.

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
    """Return how many living sessions have a refresh token of an earlier epoch."""
    return TokenFamily.objects.filter(is_revoked=False, expires_at__gt=now, key_epoch__lt=epoch).count()


def end_refused(*, now: datetime | None = None, progress: Callable[[int], None] | None = None) -> int:
    """End, in batches, every session whose refresh token is of an epoch that is refused; return how many ended.

    Safe to interrupt and to run twice. ``progress`` is told how many ended so far.
    """
    ended, number = 0, _BATCH
    while number == _BATCH:
        number = revocation.end_sessions_of_refused_epochs(limit=_BATCH, note=_NOTE, now=now)
        ended += number
        if progress:
            progress(ended)
    return ended
