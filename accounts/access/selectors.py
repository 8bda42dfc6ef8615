"""Reads of this app, and the defaults of the hooks in its settings. Nothing here locks or writes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from accounts.access.known_permissions import KNOWN_PERMISSIONS, object_of
from accounts.access.models import HEAD_ID, PolicyHead, PolicyRule, Role, RoleGrant
from accounts.access.types import Grant, SubjectFacts

Documents = dict[str, dict[str, Any]]
"""Documents of rules by their ids, or of roles by their names."""


class Head(NamedTuple):
    """Which version is in force."""

    version: int
    rules_id: UUID


def head() -> Head:
    """Return which version is in force. Raises: PolicyHead.DoesNotExist, before the first migration only."""
    return Head(*PolicyHead.objects.values_list("version", "rules_id").get(pk=HEAD_ID))


def locked_head() -> Head:
    """Return which version is in force, and let no other transaction change it until this one ends."""
    rows = PolicyHead.objects.select_for_update().values_list("version", "rules_id")
    return Head(*rows.get(pk=HEAD_ID))


def rule_document(row: PolicyRule) -> dict[str, Any]:
    """Return the members of a stored rule, as ``rule_documents.parse_rule`` returns them."""
    return {
        "subject": row.subject,
        "object": row.object,
        "action": row.action,
        "effect": row.effect,
        "department": row.department,
        "location": row.location,
        "hours": row.hours,
        "conditions": row.conditions,
        "valid_from": _text(row.valid_from),
        "valid_until": _text(row.valid_until),
        "note": row.note,
    }


def role_document(row: Role) -> dict[str, Any]:
    """Return the members of a stored role, as ``rule_documents.parse_role`` returns them."""
    return {"description": row.description, "parents": row.parents, "separation_of_duty": row.separation_of_duty}


def all_rules() -> Documents:
    """Return the documents of all rules by their ids."""
    return {str(row.pk): rule_document(row) for row in PolicyRule.objects.order_by("pk").iterator(chunk_size=2000)}


def all_roles() -> Documents:
    """Return the documents of all stored roles by their names."""
    return {row.name: role_document(row) for row in Role.objects.order_by("name")}


def grants_of(subject: str) -> list[Grant]:
    """Return the roles that a subject was granted, ended ones included."""
    rows = RoleGrant.objects.filter(subject=subject).order_by("role")
    return [Grant(*row) for row in rows.values_list("role", "expires_at", "reason", "granted_by", "granted_at")]


def roles_at(subject: str, at: datetime) -> frozenset[str]:
    """Return the roles that a subject has at an instant."""
    return frozenset(grant.role for grant in grants_of(subject) if grant.expires_at is None or grant.expires_at > at)


def facts_of_user(user: Any, at: datetime) -> SubjectFacts | None:
    """Return who a user of Django is, for projects whose users have no attributes of ours."""
    if user is None or not getattr(user, "is_authenticated", False) or not user.is_active:
        return None
    subject = f"user:{user.pk}"
    return SubjectFacts(subject, roles_at(subject, at), {"id": str(user.pk)})


def find_subject(subject: str, at: datetime) -> SubjectFacts | None:
    """Return a subject by its name; whether there is such a user is not known here."""
    return SubjectFacts(subject, roles_at(subject, at), {"id": subject.partition(":")[2]})


def no_subjects(_after: str, _limit: int, _at: datetime) -> Sequence[SubjectFacts]:
    """Return no subjects: the default of ``SUBJECTS``."""
    return ()


def known_permission_objects(after: str, limit: int) -> Sequence[str]:
    """Return the objects of the declared permissions: the default of ``OBJECTS``."""
    found = sorted(path for name in KNOWN_PERMISSIONS if (path := object_of(name)) > after)
    return found[:limit]


def nothing_required(_policy: Any, _at: datetime) -> None:
    """Let any policy be: the default of ``REQUIRE_ADMINISTRATOR``."""


def _text(instant: datetime | None) -> str | None:
    return instant.isoformat().replace("+00:00", "Z") if instant else None
