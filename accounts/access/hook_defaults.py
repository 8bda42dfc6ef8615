"""The defaults of the hooks in the settings of this app: those of a project whose users have no attributes of ours."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import F, Q
from django.db.models.functions import Collate

from accounts.access.conf import access_settings
from accounts.access.known_permissions import KNOWN_PERMISSIONS, object_of
from accounts.access.models import RoleGrant
from accounts.access.selectors import roles_at
from accounts.access.types import ObjectFacts, SubjectFacts


def facts_of_user(user: Any, at: datetime) -> SubjectFacts | None:
    """Return who a user of Django is, for projects whose users have no attributes of ours."""
    if user is None or not getattr(user, "is_authenticated", False) or not user.is_active:
        return None
    subject = f"user:{user.pk}"
    return SubjectFacts(subject, roles_at(subject=subject, at=at), {"id": str(user.pk)})


def no_context(_user: Any) -> Mapping[str, Any]:
    """Return that nothing is known about a request: the default of ``CONTEXT_OF``."""
    return {}


def find_subject(subject: str, at: datetime) -> SubjectFacts | None:
    """Return a subject by its name; whether there is such a user is not known here."""
    return SubjectFacts(subject, roles_at(subject=subject, at=at), {"id": subject.partition(":")[2]})


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


def no_signature(_metadata: Mapping[str, Any], _token_type: str, _at: datetime) -> str:
    """Return that nothing is signed: the default of ``SIGN_METADATA``."""
    return ""


def nothing_required(_policy: Any, _at: datetime) -> None:
    """Let any policy be: the default of ``REQUIRE_ADMINISTRATOR``."""


def no_links(_viewer: Any, _subjects: Collection[str]) -> Mapping[str, tuple[str, str]]:
    """Return no names: the default of ``SUBJECT_LINKS``."""
    return {}


def no_subject(_viewer: Any, _name: str) -> str:
    """Return that nobody has a name: the default of ``SUBJECT_OF_NAME``."""
    return ""
