"""Close and open accounts, and end sessions, on behalf of an administrator."""

from datetime import datetime
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from accounts import event_types
from accounts.end_reasons import ACCOUNT_DEACTIVATED
from accounts.models import User
from accounts.services.administration import rights
from security_events.services import recording
from tokens.end_reasons import ADMINISTRATOR
from tokens.services import revocation
from tokens.users import subject_of


def deactivate(*, user: User, by: User, reason: str, now: datetime | None = None) -> bool:
    """Keep somebody from signing in and end their sessions; ``False`` when they were deactivated already.

    Raises: NotAllowed, MoreRights, LastAdministrator.
    """
    with rights.acting(by=by, on=user, action="users:change", takes_rights=True):
        if not _set_active(user=user, is_active=False, now=now):
            return False
        ended = revocation.end_sessions(
            user_id=user.pk, reason=ACCOUNT_DEACTIVATED, actor=subject_of(by), note=reason, now=now or timezone.now()
        )
        recording.record(
            event_types.ACCOUNT_DEACTIVATED,
            actor=subject_of(by),
            target=subject_of(user),
            data={"note": reason, "ended_sessions": ended},
            now=now,
        )
    return True


def activate(*, user: User, by: User, reason: str, now: datetime | None = None) -> bool:
    """Let somebody sign in again; ``False`` when they could already.

    Raises: NotAllowed, MoreRights.
    """
    with rights.acting(by=by, on=user, action="users:change"):
        if not _set_active(user=user, is_active=True, now=now):
            return False
        recording.record(
            event_types.ACCOUNT_ACTIVATED, actor=subject_of(by), target=subject_of(user), data={"note": reason}, now=now
        )
    return True


def end_sessions(*, user: User, by: User, reason: str, now: datetime | None = None) -> int:
    """Sign somebody out everywhere; return how many sessions ended.

    Raises: NotAllowed, MoreRights.
    """
    with rights.acting(by=by, on=user, action="sessions:end"):
        return revocation.end_sessions(
            user_id=user.pk, reason=ADMINISTRATOR, actor=subject_of(by), note=reason, now=now or timezone.now()
        )


def end_session(*, session_id: UUID, user: User, by: User, reason: str, now: datetime | None = None) -> bool:
    """End one session of somebody; ``False`` when it was over already.

    Raises: NotAllowed, MoreRights.
    """
    with rights.acting(by=by, on=user, action="sessions:end"):
        return revocation.end_session(
            session_id=session_id,
            user_id=user.pk,
            reason=ADMINISTRATOR,
            actor=subject_of(by),
            note=reason,
            now=now or timezone.now(),
        )


def _set_active(*, user: User, is_active: bool, now: datetime | None) -> bool:
    changed = User.objects.filter(pk=user.pk, is_active=not is_active).update(
        is_active=is_active, version=F("version") + 1, updated_at=now or timezone.now()
    )
    return changed == 1
