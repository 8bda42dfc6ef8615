"""Name the people, sessions, token families, service clients and keys whose ids stand in security events.

``settings.SECURITY_EVENTS`` names the functions of this module as its hooks ``LINKS`` and ``SUBJECT_ID``,
``settings.ACCESS`` as ``SUBJECT_LINKS`` and ``SUBJECT_OF_NAME``.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.contrib.admin.utils import quote
from django.urls import reverse

from accounts import selectors
from accounts.access.services.decisions import may
from accounts.models import User
from accounts.rules.subject_facts import USER
from security_events.types import SubjectLink
from tokens.models import ServiceClient, Session, SigningKey, TokenFamily


def links_of_subjects(viewer: Any, ids: Collection[str]) -> Mapping[str, SubjectLink]:
    """Return the names and pages of those ids that the viewer may see. One query for each kind of id.

    An id of a session or of a token family is named after its owner.
    """
    uuids = {identity for text in ids if (identity := _uuid(text)) is not None}
    found: dict[str, SubjectLink] = {}
    if uuids and may(viewer, "users:read"):
        found |= _people(uuids)
        found |= _owners(Session, uuids)
        found |= _owners(TokenFamily, uuids)
    if uuids and may(viewer, "service_clients:read"):
        found |= _service_clients(uuids - {UUID(text) for text in found})
    others = [text for text in ids if _uuid(text) is None]
    if others and may(viewer, "keys:read"):
        for kid in SigningKey.objects.filter(kid__in=others).values_list("kid", flat=True):
            # The admin reads "_2C" in an address as a comma, and a thumbprint in base64url may hold that.
            found[kid] = SubjectLink(kid, reverse("admin:tokens_signingkey_change", args=[quote(kid)]))
    return found


def subject_id(viewer: Any, name: str) -> str:
    """Return the id of the person with a username or an address, deleted or not; empty if the viewer may not know."""
    user = selectors.user_by_identifier_or_id(name=name) if may(viewer, "users:read") else None
    return str(user.pk) if user else ""


def links_of_access_subjects(viewer: Any, subjects: Collection[str]) -> Mapping[str, tuple[str, str]]:
    """Return the names and pages of ``user:<id>`` and ``client:<id>``, as far as the viewer may see them."""
    ids = {subject.partition(":")[2]: subject for subject in subjects}
    return {ids[key]: (link.name, link.url) for key, link in links_of_subjects(viewer, ids).items()}


def access_subject(viewer: Any, name: str) -> str:
    """Return ``user:<id>`` of the person with a username, an address or an id; empty if the viewer may not know."""
    found = subject_id(viewer, name)
    return f"{USER}{found}" if found else ""


def person_url(user_id: UUID | str) -> str:
    """Return the address of a person's page."""
    return reverse("admin:accounts_user_change", args=[user_id])


def _people(ids: Collection[UUID]) -> dict[str, SubjectLink]:
    rows = User.objects.get_queryset().filter(pk__in=ids).values_list("pk", "username")
    return {str(pk): SubjectLink(name, person_url(pk)) for pk, name in rows}


def _owners(model: Any, ids: Collection[UUID]) -> dict[str, SubjectLink]:
    rows = model.objects.filter(pk__in=ids).values_list("pk", "user_id", "user__username")
    return {str(pk): SubjectLink(name, person_url(user_id)) for pk, user_id, name in rows}


def _service_clients(ids: Collection[UUID]) -> dict[str, SubjectLink]:
    rows = ServiceClient.objects.filter(pk__in=ids).values_list("pk", "name") if ids else []
    return {str(pk): SubjectLink(name, reverse("admin:tokens_serviceclient_change", args=[pk])) for pk, name in rows}


def _uuid(text: str) -> UUID | None:
    with suppress(ValueError):
        return UUID(text)
    return None
