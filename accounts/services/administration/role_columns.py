"""Keep the columns of people that follow from their roles: ``role_grants``, ``is_staff`` and ``is_superuser``.

``role_grants`` is what decisions read. The other two are for lists, and for packages that know Django's columns; no
decision relies on them, since nobody writes them at the instant when a role ends:

- ``is_superuser`` is true while a person has the role of administrators without an end.
- ``is_staff`` is true while a role, or a rule about the person, may give a permission that the admin has pages for.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from uuid import UUID

from django.db.models import F, Q

from accounts.access.conf import ADMINISTRATOR
from accounts.access.deciding.privileges import Holder
from accounts.access.known_permissions import BREAK_GLASS
from accounts.access.models import RoleGrant
from accounts.access.services import privilege_order
from accounts.models import User
from accounts.rules import subject_facts
from accounts.rules.admin_access import names_with_pages
from accounts.rules.subject_facts import USER
from tokens.models import ServiceClient


def keep(*, user_id: UUID, grants: Mapping[str, datetime | None], now: datetime) -> None:
    """Store the grants of a person, and what follows from them now. The columns change in the caller's transaction."""
    User.objects.filter(pk=user_id).update(
        role_grants=subject_facts.pack(grants),
        is_staff=_is_staff(Holder(f"{USER}{user_id}", grants), now=now),
        is_superuser=ADMINISTRATOR in grants and grants[ADMINISTRATOR] is None,
        version=F("version") + 1,
        updated_at=now,
    )


def keep_of_client(*, client_id: UUID, grants: Mapping[str, datetime | None], now: datetime) -> None:
    """Store the grants of a service client in its row. Its version changes: its roles belong to it."""
    ServiceClient.objects.filter(pk=client_id).update(
        role_grants=subject_facts.pack(grants), version=F("version") + 1, updated_at=now
    )


def refresh(*, now: datetime) -> int:
    """Bring both columns of all people up to date: roles have ended, or rules have changed. Return how many changed.

    It can be killed and repeated at any time. Few people are staff, so it looks at these, not at all people.
    """
    order = privilege_order.current()
    roles = RoleGrant.objects.order_by().values_list("role", flat=True).distinct()
    giving = [role for role in roles if _gives_pages(order.permissions_of_role(role, at=now), role)]
    in_force = RoleGrant.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now), subject__startswith=USER)
    staff = _user_ids(in_force.filter(role__in=giving).values_list("subject", flat=True))
    staff |= _user_ids(
        subject for subject in order.subjects() if subject.startswith(USER) and _is_staff(Holder(subject, {}), now=now)
    )
    superusers = _user_ids(
        RoleGrant.objects.filter(role=ADMINISTRATOR, expires_at=None).values_list("subject", flat=True)
    )
    return _store("is_staff", staff, now=now) + _store("is_superuser", superusers, now=now)


def _store(column: str, those: Collection[UUID], *, now: datetime) -> int:
    changed = 0
    for is_one, rows in (
        (False, User.objects.filter(**{column: True}).exclude(pk__in=those)),
        (True, User.objects.filter(**{column: False}, pk__in=those)),
    ):
        changed += rows.update(**{column: is_one}, version=F("version") + 1, updated_at=now)
    return changed


def _is_staff(holder: Holder, *, now: datetime) -> bool:
    possible = privilege_order.current().possible(holder, at=now)
    return any(name in possible for name in names_with_pages())


def _gives_pages(permissions: Collection[str], role: str) -> bool:
    return role == BREAK_GLASS or any(name in permissions for name in names_with_pages())


def _user_ids(subjects: Iterable[str]) -> set[UUID]:
    return {user_id for subject in subjects if (user_id := subject_facts.user_id(subject)) is not None}
