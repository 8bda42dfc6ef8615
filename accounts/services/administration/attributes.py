"""Change what operators decide about an account: tier, department and location; and its name and language."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db.models import F

from accounts import operator_event_types as event_types
from accounts.errors import VersionMismatch
from accounts.models import User
from accounts.services.administration import authorization, operator_notices
from accounts.services.administration.operator_notices import operator_subject
from accounts.services.mailing.mail_queue import MailKind
from security_events.services import recording
from tokens.users import subject_of

# Their former and new values stand in the event. The others are personal.
_RECORDED = ("tier", "department", "location")


@dataclass(frozen=True, slots=True)
class AttributeChange:
    """New values. ``None`` leaves a member as it is."""

    tier: str | None = None
    department: str | None = None
    location: str | None = None
    full_name: str | None = None
    locale: str | None = None


def update(
    *,
    user: User,
    change: AttributeChange,
    versions: frozenset[int] | None = None,
    by: User | None,
    reason: str,
    now: datetime,
) -> bool:
    """Change members of an account; ``False`` when it has these values already.

    The account must have one of ``versions``, ``None`` for any (RFC 9110, 13.1.1). Nobody changes their own account by
    this: what a person may use depends on tier, department and location.

    Raises: NotAllowed, InsufficientPrivileges, OwnAccount, VersionMismatch.
    """
    with authorization.authorize(actor=by, target=user, action="users:change", on_others=True) as accounts:
        target = accounts.target
        if versions is not None and target.version not in versions:
            raise VersionMismatch
        given = {name: value for name, value in asdict(change).items() if value is not None}
        changes = {name: value for name, value in given.items() if value != getattr(target, name)}
        if not changes:
            return False
        User.objects.filter(pk=user.pk).update(**changes, version=F("version") + 1, updated_at=now)
        recording.record(
            event_types.ACCOUNT_ATTRIBUTES_CHANGED,
            actor=operator_subject(by),
            target=subject_of(user),
            data={"note": reason, **_event_data(target, changes)},
            now=now,
        )
        if target.deleted_at is None:
            operator_notices.notify(user=user, kind=MailKind.CHANGED_BY_OPERATOR, changed=changes, now=now)
    return True


def set_tier(*, user: User, tier: str, by: User | None, reason: str, now: datetime) -> bool:
    """Set the tier, which decides the rate limits. Raises: as ``update``."""
    return update(user=user, change=AttributeChange(tier=tier), by=by, reason=reason, now=now)


def set_department(*, user: User, department: str = "", by: User | None, reason: str, now: datetime) -> bool:
    """Set the department, or none. Raises: as ``update``."""
    return update(user=user, change=AttributeChange(department=department), by=by, reason=reason, now=now)


def set_location(*, user: User, location: str = "", by: User | None, reason: str, now: datetime) -> bool:
    """Set the location, or none. Raises: as ``update``."""
    return update(user=user, change=AttributeChange(location=location), by=by, reason=reason, now=now)


def _event_data(target: User, changes: Mapping[str, str]) -> dict[str, Any]:
    recorded = [name for name in _RECORDED if name in changes]
    return {
        "changed": sorted(changes),
        "from": {name: getattr(target, name) for name in recorded},
        "to": {name: changes[name] for name in recorded},
    }
