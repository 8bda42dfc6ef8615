"""Give roles to people and take them: one path for calls, commands, the admin and the rights of the staff.

Nobody gives what they don't have themselves, for longer than they have it, nor to themselves. What a role allows is
compared rule by rule: ``accounts.access.deciding.privileges``.
"""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import NamedTuple

from django.utils.translation import gettext_lazy as _

from accounts import operator_event_types as event_types
from accounts.access import errors as access_errors
from accounts.access import selectors as access_selectors
from accounts.access.known_permissions import BREAK_GLASS
from accounts.access.permission_types import GRANT_ROLES
from accounts.access.services import privilege_order
from accounts.access.services.policy_changes import PolicyWriter, policy_change
from accounts.access.types import Author
from accounts.end_reasons import STAFF_RIGHTS_WITHDRAWN
from accounts.errors import DetailsInvalid, InsufficientPrivileges, LastAdministrator
from accounts.models import User
from accounts.rules import subject_facts
from accounts.rules.subject_facts import USER, context_of, holder_of
from accounts.services.administration import authorization, operator_notices
from accounts.services.administration.operator_notices import operator_subject
from accounts.services.mailing.mail_queue import MailKind
from accounts.types import FieldProblem
from security_events.services import recording
from tokens.services import revocation
from tokens.users import subject_of

MOST_ROLES = 100  # of one person; their row has a copy of all


class RoleChange(NamedTuple):
    """What came of it: the version of the policy, and whether anything changed."""

    version: int
    is_changed: bool


def grant_role(
    *, user: User, role: str, by: User | None, reason: str, expires_at: datetime | None = None, now: datetime
) -> int:
    """Give a role to a person, or another end to one that they have; return the version of the policy.

    Raises: NotAllowed, InsufficientPrivileges, OwnAccount, LastAdministrator, DetailsInvalid (for too many roles);
    access.errors.RoleNotFound, SeparationOfDuty.
    """
    return grant_roles(user=user, roles=(role,), by=by, reason=reason, expires_at=expires_at, now=now).version


def grant_roles(
    *,
    user: User,
    roles: Collection[str],
    by: User | None,
    reason: str,
    expires_at: datetime | None = None,
    now: datetime,
) -> RoleChange:
    """Give several roles at once. Raises: as ``grant_role``.

    A role that gives permissions is told to the person by mail. Nothing is given to a closed account: whoever opens it
    again would not know.
    """
    with authorization.authorize(
        actor=by, target=user, action=GRANT_ROLES.name, changes_roles=True, on_others=True
    ) as accounts:
        if accounts.actor is not None:
            require_own(accounts.actor, context_from=by, roles=roles, until=expires_at, now=now)
        target = accounts.target
        if not target.is_active or target.deleted_at is not None:
            return RoleChange(access_selectors.head().version, is_changed=False)
        held = subject_facts.grants_of(target)
        if len(held.keys() | set(roles)) > MOST_ROLES:
            raise DetailsInvalid([FieldProblem("role", "too_many", _("This person has too many roles already."))])
        given = [role for role in roles if held.get(role, target) != _kept(expires_at)]

        def write(writer: PolicyWriter) -> None:
            for role in roles:
                writer.grant(f"{USER}{user.pk}", role, expires_at=expires_at)

        version = change_grants(write, by=by, reason=reason, now=now)
        telling = privileged(given, now=now)
        if telling:
            recording.record(
                event_types.STAFF_RIGHTS_GRANTED,
                actor=operator_subject(by),
                target=subject_of(user),
                data={
                    "note": reason,
                    "rights": sorted(telling),
                    **({"expires_at": expires_at.isoformat()} if expires_at else {}),
                },
                now=now,
            )
            operator_notices.notify(user=user, kind=MailKind.STAFF_RIGHTS_GRANTED, now=now)
    return RoleChange(version, is_changed=bool(given))


def revoke_role(*, user: User, role: str, by: User | None, reason: str, now: datetime) -> int:
    """Take a role from a person; return the version of the policy.

    Raises: NotAllowed, InsufficientPrivileges, OwnAccount, LastAdministrator; access.errors.GrantNotFound.
    """
    with authorization.authorize(
        actor=by, target=user, action=GRANT_ROLES.name, changes_roles=True, on_others=True
    ) as accounts:
        return _revoke(user=accounts.target, roles=(role,), by=by, reason=reason, now=now)


def revoke_all(*, user: User, by: User | None, reason: str, now: datetime) -> bool:
    """Take all roles that give permissions from a person; ``False`` when there were none.

    Raises: NotAllowed, InsufficientPrivileges, OwnAccount, LastAdministrator.
    """
    with authorization.authorize(
        actor=by, target=user, action=GRANT_ROLES.name, changes_roles=True, on_others=True
    ) as accounts:
        held = subject_facts.grants_of(accounts.target)
        roles = [role for role in held if role == BREAK_GLASS or privileged((role,), now=now)]
        if roles:
            _revoke(user=accounts.target, roles=roles, by=by, reason=reason, now=now)
    return bool(roles)


def privileged(roles: Iterable[str], *, now: datetime) -> list[str]:
    """Return those roles that may give a permission, whatever the circumstances."""
    order = privilege_order.current()
    return [role for role in roles if order.permissions_of_role(role, at=now)]


def _revoke(*, user: User, roles: Collection[str], by: User | None, reason: str, now: datetime) -> int:
    """Take roles. If one gave permissions, all sessions end: access tokens name the role, a browser may show a page."""
    telling = [role for role in roles if role == BREAK_GLASS] + privileged(roles, now=now)

    def write(writer: PolicyWriter) -> None:
        for role in roles:
            writer.revoke(f"{USER}{user.pk}", role)

    version = change_grants(write, by=by, reason=reason, now=now)
    if telling:
        ended = revocation.end_sessions(
            user_id=user.pk, reason=STAFF_RIGHTS_WITHDRAWN, actor=operator_subject(by), note=reason, now=now
        )
        recording.record(
            event_types.STAFF_RIGHTS_WITHDRAWN,
            actor=operator_subject(by),
            target=subject_of(user),
            data={"note": reason, "rights": sorted(telling), "ended_sessions": ended},
            now=now,
        )
        operator_notices.notify(user=user, kind=MailKind.STAFF_RIGHTS_WITHDRAWN, now=now)
    return version


def change_grants(write: Callable[[PolicyWriter], None], *, by: User | None, reason: str, now: datetime) -> int:
    """Change who has which role, and return the version of the policy that this makes. Raises: LastAdministrator."""
    author = Author(str(by.pk), by.get_username()) if by is not None else Author()
    try:
        with policy_change(author=author, reason=reason, now=now) as writer:
            write(writer)
    except access_errors.LastAdministrator as error:
        raise LastAdministrator from error
    return writer.version


def require_own(
    actor: User, *, context_from: User | None, roles: Iterable[str], until: datetime | None, now: datetime
) -> None:
    """Require that somebody has all that some roles allow, for as long as they would give them.

    Raises: InsufficientPrivileges.
    """
    order, holder = privilege_order.current(), holder_of(actor, context_of(context_from))
    if not all(order.may_give(holder, role, until=until, at=now) for role in roles):
        raise InsufficientPrivileges


def _kept(expires_at: datetime | None) -> datetime | None:
    """Return an end as the copy in the person's row has it."""
    return expires_at.replace(microsecond=0) if expires_at else None
