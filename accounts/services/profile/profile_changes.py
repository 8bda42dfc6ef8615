"""Change a user's own name and language."""

from datetime import datetime

from django.db import transaction
from django.db.models import F

from accounts import event_types
from accounts.errors import VersionMismatch
from accounts.models import User
from accounts.types import ProfileChange
from security_events.services import recording
from tokens.users import subject_of


def update(*, user: User, change: ProfileChange, versions: frozenset[int] | None, now: datetime) -> User:
    """Change a user's name or language; return the updated account.

    The account must have one of ``versions``, ``None`` for any (RFC 9110, 13.1.1). The condition is part of the
    statement, so that one of two concurrent changes of the same version is refused. A change to the present values
    makes no new version.

    Raises: VersionMismatch.
    """
    given = {"full_name": change.full_name, "locale": change.locale}
    changes = {name: value for name, value in given.items() if value is not None and value != getattr(user, name)}
    if versions is not None and user.version not in versions:
        raise VersionMismatch
    if not changes:
        return user
    rows = User.objects.present().filter(pk=user.pk, is_active=True)
    if versions is not None:
        rows = rows.filter(version__in=versions)
    subject = subject_of(user)
    with transaction.atomic():
        is_changed = rows.update(**changes, version=F("version") + 1, updated_at=now) == 1
        if is_changed:
            recording.record(
                event_types.ACCOUNT_PROFILE_UPDATED,
                actor=subject,
                target=subject,
                data={"changed": sorted(changes)},
                now=now,
            )
    if not is_changed:
        raise VersionMismatch
    user.refresh_from_db(fields=["full_name", "locale", "version", "updated_at"])
    return user
