"""Change several things of an account at once, in one transaction: its attributes, whether it is open, its rights."""

from dataclasses import dataclass, field
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from accounts.errors import DetailsInvalid, VersionMismatch
from accounts.models import User
from accounts.services.administration import account_status, attributes, authorization, staff_rights
from accounts.services.administration.attributes import AttributeChange
from accounts.types import FieldProblem


@dataclass(frozen=True, slots=True)
class PersonChange:
    """New values. ``None`` leaves a member as it is."""

    attributes: AttributeChange = field(default_factory=AttributeChange)
    is_active: bool | None = None
    is_staff: bool | None = None


def change(
    *,
    user: User,
    wanted: PersonChange,
    versions: frozenset[int] | None = None,
    by: User | None,
    reason: str,
    now: datetime,
) -> None:
    """Change an account that has one of ``versions``, ``None`` for any (RFC 9110, 13.1.1): all of it or nothing.

    Each part records and mails what it does. Nobody is made staff by this: a role says what they may do.

    Raises: NotAllowed, InsufficientPrivileges, OwnAccount, VersionMismatch, LastAdministrator, DetailsInvalid.
    """
    is_closing = wanted.is_active is False
    with authorization.authorize(
        actor=by,
        target=user,
        action="users:change",
        removes_access=is_closing,
        changes_roles=wanted.is_staff is not None,
        on_others=True,
    ) as accounts:
        target = accounts.target
        if versions is not None and target.version not in versions:
            raise VersionMismatch
        if wanted.is_staff and not target.is_staff:
            raise DetailsInvalid([FieldProblem("is_staff", "invalid", _("Give a role that has permissions instead."))])
        if wanted.is_staff is False:
            staff_rights.withdraw(user=target, by=by, reason=reason, now=now)
        attributes.update(user=target, change=wanted.attributes, by=by, reason=reason, now=now)
        if is_closing:
            account_status.deactivate(user=target, by=by, reason=reason, now=now)
        elif wanted.is_active:
            account_status.activate(user=target, by=by, reason=reason, now=now)
