"""List and search accounts for operators, by indexes: there may be millions."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Collate, Lower

from accounts.identifiers.names import fold_email
from accounts.models import User

LONGEST_SEARCH = 254  # characters; an address has no more


class ListedRole(StrEnum):
    """A group of accounts that is listed by itself."""

    ADMIN = "admin"  # the only role that an account has, see accounts.rules.user_claims
    STAFF = "staff"  # may use the admin


@dataclass(frozen=True, slots=True)
class UserPage:
    """Part of a list of accounts, the newest first, and whether more follow. Password hashes are not loaded."""

    users: Sequence[User]
    has_more: bool


def page(
    *,
    search: str = "",
    role: ListedRole | None = None,
    is_active: bool | None = None,
    before: UUID | None = None,
    limit: int,
) -> UserPage:
    """Return up to ``limit`` accounts from after the account ``before``, deleted ones included.

    ``search`` is a whole id, or the beginning of a username or an address; case is ignored.
    """
    rows: QuerySet[User] = User.objects.get_queryset().defer("password").order_by("-pk")
    if search:
        rows = matching(rows, search=search)
    if role is not None:
        rows = rows.filter(is_superuser=True) if role is ListedRole.ADMIN else rows.filter(is_staff=True)
    if is_active is not None:
        rows = rows.filter(is_active=is_active)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: limit + 1])
    return UserPage(users=found[:limit], has_more=len(found) > limit)


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
