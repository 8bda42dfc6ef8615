"""List and search accounts for operators, by indexes: there may be millions."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Case, Q, QuerySet, UUIDField, When
from django.db.models.functions import Cast, Collate, Lower, Substr

from accounts.access.known_permissions import KNOWN_PERMISSIONS
from accounts.access.models import Role, RoleGrant
from accounts.access.rule_documents import is_role_name
from accounts.identifiers.names import fold_email
from accounts.models import User

LONGEST_SEARCH = 254  # characters; an address has no more


STAFF = "staff"  # listed like a role: all who may use the admin
_USER_ID = r"^user:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"


@dataclass(frozen=True, slots=True)
class UserPage:
    """Part of a list of accounts, the newest first, and whether more follow. Password hashes are not loaded."""

    users: Sequence[User]
    has_more: bool


def page(
    *,
    search: str = "",
    role: str = "",
    is_active: bool | None = None,
    is_deleted: bool = False,
    now: datetime,
    before: UUID | None = None,
    limit: int,
) -> UserPage:
    """Return up to ``limit`` accounts from after the account ``before``: deleted ones only, or all others.

    ``search`` is a whole id, or the beginning of a username or an address; case is ignored. ``role`` is one that was
    given to the person and is in force; what roles inherit from each other makes no difference here.
    """
    rows: QuerySet[User] = User.objects.get_queryset().defer("password").order_by("-pk")
    rows = rows.filter(deleted_at__isnull=not is_deleted)
    if search:
        rows = matching(rows, search=search)
    if role:
        rows = rows.filter(is_staff=True) if role == STAFF else rows.filter(pk__in=_holders(role, now))
    if is_active is not None:
        rows = rows.filter(is_active=is_active)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: limit + 1])
    return UserPage(users=found[:limit], has_more=len(found) > limit)


def is_listed_role(name: str) -> bool:
    """Return whether people can be listed by a role: a stored one, a permission, or ``STAFF``."""
    return name == STAFF or name in KNOWN_PERMISSIONS or (is_role_name(name) and Role.objects.filter(pk=name).exists())


def user(*, user_id: UUID) -> User | None:
    """Return one account, deleted or not, without its password hash."""
    return User.objects.defer("password").filter(pk=user_id).first()


def matching(rows: QuerySet[User], *, search: str) -> QuerySet[User]:
    """Return the accounts with an id, or whose username or address begins so; case is ignored."""
    with suppress(ValueError):
        return rows.filter(pk=UUID(search))
    by_address = Q(email_folded__startswith=fold_email(search))
    if "@" in search:
        return rows.filter(by_address)
    # The expression of the index accounts_user_prefix_idx.
    rows = rows.alias(folded_username=Collate(Lower("username"), "C"))
    return rows.filter(by_address | Q(folded_username__startswith=search.lower()))


def _holders(role: str, now: datetime) -> QuerySet[RoleGrant, Any]:
    """Return the ids of the people who have a role at an instant."""
    grants = RoleGrant.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now), role=role)
    # PostgreSQL may evaluate the conversion before any condition, and other subjects are no UUIDs.
    user_id = Case(When(subject__regex=_USER_ID, then=Cast(Substr("subject", len("user:") + 1), UUIDField())))
    return grants.annotate(user_id=user_id).filter(user_id__isnull=False).values_list("user_id", flat=True)
