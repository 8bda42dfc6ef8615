"""What people change about their own account."""

from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts import event_types
from accounts.errors import VersionMismatch
from accounts.models import User
from accounts.types import ProfileChange
from security_events.services import recording
from tokens.users import subject_of


def update(*, user: User, change: ProfileChange, versions: frozenset[int] | None, now: datetime | None = None) -> User:
    """Change what a person may change; return the account as it then is.

    ``versions`` are those that the caller is willing to change, ``None`` for any (RFC 9110, 13.1.1). The condition is
    part of the statement, so that of two simultaneous changes of one version one is refused. What is equal already is
    no change and makes no new version.

    Raises: VersionMismatch.
    """
    wanted = {"full_name": change.full_name, "locale": change.locale}
    different = {name: value for name, value in wanted.items() if value is not None and value != getattr(user, name)}
    if versions is not None and user.version not in versions:
        raise VersionMismatch
    if not different:
        return user
    at = now or timezone.now()
    rows = User.objects.present().filter(pk=user.pk, is_active=True)
    if versions is not None:
        rows = rows.filter(version__in=versions)
    subject = subject_of(user)
    with transaction.atomic():
        is_changed = rows.update(**different, version=F("version") + 1, updated_at=at) == 1
        if is_changed:
            recording.record(
                event_types.ACCOUNT_PROFILE_UPDATED,
                actor=subject,
                target=subject,
                data={"changed": sorted(different)},
                now=now,
            )
    if not is_changed:
        raise VersionMismatch
    user.refresh_from_db(fields=["full_name", "locale", "version", "updated_at"])
    return user
