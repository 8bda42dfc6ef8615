"""Reads of this app. Nothing here writes, and only ``locked_head`` locks."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from accounts.access.models import HEAD_ID, DecisionRecord, PolicyHead, PolicyRule, PolicyVersion, Role, RoleGrant
from accounts.access.rule_documents import MEMBERS
from accounts.access.types import Grant

Documents = dict[str, dict[str, Any]]
"""Documents of rules by their ids, or of roles by their names."""


class Head(NamedTuple):
    """Which version is in force, and in which run a draft is evaluated beside it."""

    version: int
    rules_id: UUID
    shadow_id: UUID | None = None


def head() -> Head:
    """Return which version is in force. Raises: PolicyHead.DoesNotExist, before the first migration only."""
    return Head(*PolicyHead.objects.values_list("version", "rules_id", "shadow_id").get(pk=HEAD_ID))


def locked_head() -> Head:
    """Return which version is in force, and let no other transaction change it until this one ends."""
    rows = PolicyHead.objects.select_for_update().values_list("version", "rules_id", "shadow_id")
    return Head(*rows.get(pk=HEAD_ID))


def rule_document(*, row: PolicyRule) -> dict[str, Any]:
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


def role_document(*, row: Role) -> dict[str, Any]:
    """Return the members of a stored role, as ``rule_documents.parse_role`` returns them."""
    return {"description": row.description, "parents": row.parents, "separation_of_duty": row.separation_of_duty}


def all_rules() -> Documents:
    """Return the documents of all rules by their ids."""
    # Rows of values take half of the time of objects, and each change of the policy reads all rules.
    return _documents(PolicyRule.objects.order_by("pk"))


def rules_about(*, subjects: Sequence[str]) -> Documents:
    """Return the documents of the rules about some people, service clients and roles, by their ids."""
    return _documents(PolicyRule.objects.filter(subject__in=subjects))


def changes_of_rules(*, after: int, until: int, limit: int) -> Sequence[tuple[UUID | None, UUID | None, list[Any]]]:
    """Return the versions that changed rules or roles, by their numbers: the rules' ids before and after, changes."""
    versions = PolicyVersion.objects.filter(number__gt=after, number__lte=until, is_of_rules=True).order_by("number")
    return list(versions.values_list("rules_before", "rules_after", "changes")[:limit])


def has_rule(*, subject: str) -> bool:
    """Return whether a rule is about this very subject."""
    return PolicyRule.objects.filter(subject=subject).exists()


def all_roles() -> Documents:
    """Return the documents of all stored roles by their names."""
    return {row.name: role_document(row=row) for row in Role.objects.order_by("name")}


def grants_of(*, subject: str) -> list[Grant]:
    """Return the roles that a subject was granted, ended ones included."""
    rows = RoleGrant.objects.filter(subject=subject).order_by("role")
    return [Grant(*row) for row in rows.values_list("role", "expires_at", "reason", "granted_by", "granted_at")]


def roles_at(*, subject: str, at: datetime) -> frozenset[str]:
    """Return the roles that a subject has at an instant."""
    return frozenset(
        grant.role for grant in grants_of(subject=subject) if grant.expires_at is None or grant.expires_at > at
    )


def roles_by_subject(*, subjects: Sequence[str], at: datetime) -> dict[str, frozenset[str]]:
    """Return the roles of subjects at an instant; those without any are left out."""
    rows = _granted(at).filter(subject__in=subjects).values_list("subject", "role")
    found: dict[str, set[str]] = {}
    for subject, role in rows:
        found.setdefault(subject, set()).add(role)
    return {subject: frozenset(roles) for subject, roles in found.items()}


def role_sets(*, at: datetime, limit: int) -> list[frozenset[str]]:
    """Return the sets of two or more roles that subjects have together at an instant, the most frequent ones first.

    None are returned on other databases than PostgreSQL.
    """
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT roles FROM (
                SELECT array_agg(role ORDER BY role) AS roles FROM access_rolegrant
                WHERE expires_at IS NULL OR expires_at > %s
                GROUP BY subject HAVING count(*) > 1
            ) held
            GROUP BY roles ORDER BY count(*) DESC, roles LIMIT %s
            """,
            [at, limit],
        )
        return [frozenset(roles) for (roles,) in cursor.fetchall()]


def decision_records(*, since: datetime) -> QuerySet[DecisionRecord]:
    """Return the records since an instant that can be evaluated again, the newest one first."""
    return DecisionRecord.objects.filter(recorded_at__gte=since).exclude(evaluated="").order_by("-recorded_at", "-pk")


def holders_of(*, role: str, limit: int) -> list[RoleGrant]:
    """Return who was granted a role, the latest first."""
    return list(RoleGrant.objects.filter(role=role).order_by("-granted_at", "-pk")[:limit])


def rules_of(*, subject: str, limit: int) -> list[PolicyRule]:
    """Return the rules of a subject."""
    return list(PolicyRule.objects.filter(subject=subject).order_by("pk")[:limit])


def _documents(rows: QuerySet[PolicyRule]) -> Documents:
    values = rows.values("id", *MEMBERS).iterator(chunk_size=2000)
    return {str(row.pop("id")): _with_texts(row) for row in values}


def _granted(at: datetime) -> QuerySet[RoleGrant]:
    return RoleGrant.objects.filter(Q(expires_at=None) | Q(expires_at__gt=at))


def _with_texts(document: dict[str, Any]) -> dict[str, Any]:
    document["valid_from"], document["valid_until"] = _text(document["valid_from"]), _text(document["valid_until"])
    return document


def _text(instant: datetime | None) -> str | None:
    return instant.isoformat().replace("+00:00", "Z") if instant else None
