"""Pages of rules, roles, versions and their changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from accounts.access.errors import RoleNotFound, RuleNotFound, VersionNotFound
from accounts.access.models import PolicyRule, PolicyVersion, Role
from accounts.access.rule_documents import is_role_name

LARGEST_NUMBER = 10**18  # of versions; a 64-bit integer holds it
RULE_FILTERS = ("subject", "object", "action", "effect", "department", "location")


@dataclass(frozen=True, slots=True)
class ListPage:
    """Rows of a list, and the cursor of those that follow; ``None`` after the last."""

    rows: Sequence[Any]
    next: str | None


def rule(rule_id: UUID) -> PolicyRule:
    """Return a stored rule. Raises: RuleNotFound."""
    row = PolicyRule.objects.filter(pk=rule_id).first()
    if row is None:
        raise RuleNotFound
    return row


def role(name: str) -> Role:
    """Return a stored role. Raises: RoleNotFound."""
    row = Role.objects.filter(pk=name).first() if is_role_name(name) else None
    if row is None:
        raise RoleNotFound(name)
    return row


def version(number: int) -> PolicyVersion:
    """Return a version of the policy. Raises: VersionNotFound."""
    row = PolicyVersion.objects.filter(pk=number).first() if number <= LARGEST_NUMBER else None
    if row is None:
        raise VersionNotFound
    return row


def rules_page(*, where: Mapping[str, str], after: UUID | None, limit: int) -> ListPage:
    """Return rules, the oldest first. ``where`` has wanted values of members in ``RULE_FILTERS``."""
    rows = PolicyRule.objects.filter(**where).order_by("pk")
    if after is not None:
        rows = rows.filter(pk__gt=after)
    found = list(rows[: limit + 1])
    return ListPage(found[:limit], str(found[limit - 1].pk) if len(found) > limit else None)


def roles_page(*, after: str, limit: int) -> ListPage:
    """Return stored roles by name."""
    found = list(Role.objects.filter(name__gt=after).order_by("name")[: limit + 1])
    return ListPage(found[:limit], found[limit - 1].name if len(found) > limit else None)


def versions_page(*, before: int | None, limit: int) -> ListPage:
    """Return versions without their changes, the newest first."""
    rows = PolicyVersion.objects.defer("changes").order_by("-number")
    if before is not None:
        rows = rows.filter(number__lt=before)
    found = list(rows[: limit + 1])
    return ListPage(found[:limit], str(found[limit - 1].number) if len(found) > limit else None)


def changes_page(row: PolicyVersion, *, after: int, limit: int) -> ListPage:
    """Return the changes of a version from the one of number ``after`` on: an imported file may make thousands."""
    following = after + limit
    return ListPage(row.changes[after:following], str(following) if len(row.changes) > following else None)
