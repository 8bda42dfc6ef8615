"""The rights of the staff: roles that give permissions, as operators give and take them.

A right is a permission, which is a role of its own, or the right to do everything: the role of administrators.
"""

from collections.abc import Sequence
from datetime import datetime

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from accounts import permission_types as _permission_types  # noqa: F401 - declares what is listed here
from accounts.access import permission_types as _access_permission_types  # noqa: F401 - as above
from accounts.access.conf import ADMINISTRATOR as ADMINISTRATOR_ROLE
from accounts.access.errors import GrantNotFound, RoleNotFound, SeparationOfDuty
from accounts.access.known_permissions import KNOWN_PERMISSIONS
from accounts.errors import DetailsInvalid
from accounts.models import User
from accounts.rules import subject_facts
from accounts.services.administration import role_grants
from accounts.types import FieldProblem

# The right to do everything. The other rights are the permissions.
ADMINISTRATOR = "administrator"
RIGHTS = (*KNOWN_PERMISSIONS, ADMINISTRATOR)


def grant(*, user: User, rights: Sequence[str], by: User | None, reason: str, now: datetime) -> bool:
    """Give a person these rights without an end; ``False`` when they have them already, or the account is closed.

    Raises: as ``role_grants.grant_role``.
    """
    roles = [ADMINISTRATOR_ROLE if right == ADMINISTRATOR else right for right in rights]
    return role_grants.grant_roles(user=user, roles=roles, by=by, reason=reason, now=now).is_changed


def withdraw(*, user: User, by: User | None, reason: str, now: datetime) -> bool:
    """Take all roles that give permissions, and end all sessions; ``False`` when there were none.

    Raises: as ``role_grants.revoke_all``.
    """
    return role_grants.revoke_all(user=user, by=by, reason=reason, now=now)


def grant_role(*, user: User, role: str, expires_at: str = "", by: User | None, reason: str, now: datetime) -> bool:
    """Give a role by its name, until ``expires_at`` (RFC 3339) if that is given; ``False`` when nothing changed.

    Raises: DetailsInvalid, and as ``role_grants.grant_role``.
    """
    ends = _instant(expires_at, now=now) if expires_at else None
    try:
        return role_grants.grant_roles(
            user=user, roles=(role,), by=by, reason=reason, expires_at=ends, now=now
        ).is_changed
    except RoleNotFound as error:
        raise DetailsInvalid([FieldProblem("role", "unknown", _("There is no role of this name."))]) from error
    except SeparationOfDuty as error:
        one, other = error.roles
        sentence = _("Nobody may have both %(one)s and %(other)s.") % {"one": one, "other": other}
        raise DetailsInvalid([FieldProblem("role", "separation_of_duty", sentence)]) from error


def revoke_role(*, user: User, role: str, by: User | None, reason: str, now: datetime) -> bool:
    """Take a role by its name; ``False`` when the person does not have it. Raises: as ``role_grants.revoke_role``."""
    try:
        role_grants.revoke_role(user=user, role=role, by=by, reason=reason, now=now)
    except GrantNotFound:
        return False
    return True


def rights_of(*, user: User) -> list[str]:
    """Return the rights that an account was given one by one, by their names."""
    held = subject_facts.grants_of(user)
    rights = [right for right in KNOWN_PERMISSIONS if right in held]
    return [*rights, ADMINISTRATOR] if held.get(ADMINISTRATOR_ROLE, user) is None else rights


def _instant(text: str, *, now: datetime) -> datetime:
    try:
        instant = parse_datetime(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None or instant <= now:
        sentence = _("This is a time in the future, such as 2030-01-31T17:00:00Z.")
        raise DetailsInvalid([FieldProblem("expires_at", "invalid", sentence)])
    return instant
