"""Reads of this app, and the defaults of the hooks in its settings. Nothing here locks or writes."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Collate

from accounts.access.conf import access_settings
from accounts.access.known_permissions import KNOWN_PERMISSIONS, object_of
from accounts.access.models import HEAD_ID, DecisionRecord, PolicyHead, PolicyRule, Role, RoleGrant
from accounts.access.rule_documents import MEMBERS
from accounts.access.types import Grant, ObjectFacts, SubjectFacts

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
    # Rows of values take half of the time of objects, and each change of the policy reads all rules.
    rows = PolicyRule.objects.order_by("pk").values("id", *MEMBERS).iterator(chunk_size=2000)
    return {str(row.pop("id")): _with_texts(row) for row in rows}


def has_rule(subject: str) -> bool:
    """Return whether a rule is about this very subject."""
    return PolicyRule.objects.filter(subject=subject).exists()


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


def facts_of_user(user: Any, at: datetime) -> SubjectFacts | None:
    """Return who a user of Django is, for projects whose users have no attributes of ours."""
    if user is None or not getattr(user, "is_authenticated", False) or not user.is_active:
        return None
    subject = f"user:{user.pk}"
    return SubjectFacts(subject, roles_at(subject, at), {"id": str(user.pk)})


def no_context(_user: Any) -> Mapping[str, Any]:
    """Return that nothing is known about a request: the default of ``CONTEXT_OF``."""
    return {}


def find_subject(subject: str, at: datetime) -> SubjectFacts | None:
    """Return a subject by its name; whether there is such a user is not known here."""
    return SubjectFacts(subject, roles_at(subject, at), {"id": subject.partition(":")[2]})


def find_subjects(names: Collection[str], at: datetime) -> Mapping[str, SubjectFacts]:
    """Return subjects by their names, one after the other: the default of ``FIND_SUBJECTS``."""
    found = ((name, access_settings.FIND_SUBJECT(name, at)) for name in names)
    return {name: facts for name, facts in found if facts is not None}


def no_subjects(_after: str, _limit: int, _at: datetime) -> Sequence[SubjectFacts]:
    """Return no subjects: the default of ``SUBJECTS``."""
    return ()


def granted_subjects(
    names: Collection[str], roles: Collection[str], after: str, limit: int, at: datetime
) -> Sequence[SubjectFacts]:
    """Return subjects with one of these names or roles: the default of ``CANDIDATES``."""
    # By code points, as Python compares: the database's own order may depend on a language.
    is_postgresql = connection.vendor == "postgresql"
    by_name = Collate("subject", "C") if is_postgresql else F("subject")
    holders = RoleGrant.objects.filter(Q(expires_at=None) | Q(expires_at__gt=at), role__in=roles)
    while True:
        rows = holders.annotate(name=by_name).filter(name__gt=after).order_by("name")
        granted = rows.values_list("name", flat=True).distinct()[:limit]
        found = sorted({*granted, *(name for name in names if name > after)})[:limit]
        known = [facts for name in found if (facts := access_settings.FIND_SUBJECT(name, at)) is not None]
        if known or not found:
            return known
        after = found[-1]  # nobody of these exists; others may follow


def known_permission_objects(after: str, limit: int) -> Sequence[ObjectFacts]:
    """Return the objects of the declared permissions: the default of ``OBJECTS``."""
    found = sorted(path for name in KNOWN_PERMISSIONS if (path := object_of(name)) > after)
    return [ObjectFacts(path) for path in found[:limit]]


def no_object_attributes(_path: str) -> Mapping[str, Any]:
    """Return that nothing is known of an object: the default of ``FIND_OBJECT``."""
    return {}


def nothing_required(_policy: Any, _at: datetime) -> None:
    """Let any policy be: the default of ``REQUIRE_ADMINISTRATOR``."""


def no_links(_viewer: Any, _subjects: Collection[str]) -> Mapping[str, tuple[str, str]]:
    """Return no names: the default of ``SUBJECT_LINKS``."""
    return {}


def no_subject(_viewer: Any, _name: str) -> str:
    """Return that nobody has a name: the default of ``SUBJECT_OF_NAME``."""
    return ""


def holders_of(role: str, *, limit: int) -> list[RoleGrant]:
    """Return who was granted a role, the latest first."""
    return list(RoleGrant.objects.filter(role=role).order_by("-granted_at", "-pk")[:limit])


def rules_of(subject: str, *, limit: int) -> list[PolicyRule]:
    """Return the rules of a subject."""
    return list(PolicyRule.objects.filter(subject=subject).order_by("pk")[:limit])


def _granted(at: datetime) -> QuerySet[RoleGrant]:
    return RoleGrant.objects.filter(Q(expires_at=None) | Q(expires_at__gt=at))


def _with_texts(document: dict[str, Any]) -> dict[str, Any]:
    document["valid_from"], document["valid_until"] = _text(document["valid_from"]), _text(document["valid_until"])
    return document


def _text(instant: datetime | None) -> str | None:
    return instant.isoformat().replace("+00:00", "Z") if instant else None
