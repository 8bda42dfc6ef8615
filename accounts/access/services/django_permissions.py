"""Answer for Django's permissions by the policy.

A permission of Django, ``<app label>.<codename>``, that declared permissions name is had with any of these. Any other
one is the object ``django/<app label>/<codename>`` with the action ``use``, for which rules can be written.
"""

from datetime import datetime
from typing import Any

from django.utils import timezone

from accounts.access.conf import access_settings
from accounts.access.known_permissions import KNOWN_PERMISSIONS, USE
from accounts.access.services.decisions import decide, may
from accounts.access.types import Question

DJANGO_OBJECTS = "django"


def has_django_permission(user: Any, name: str, *, at: datetime | None = None) -> bool:
    """Return whether the user of a request has a permission of Django."""
    at = at or timezone.now()
    naming = [known.name for known in KNOWN_PERMISSIONS.values() if name in known.django_permissions]
    if naming:
        return any(may(user, each, at=at) for each in naming)
    app_label, _, codename = name.partition(".")
    facts = access_settings.FACTS_OF(user, at)
    if facts is None or not codename:
        return False
    question = Question(f"{DJANGO_OBJECTS}/{app_label}/{codename}", USE, {"context": access_settings.CONTEXT_OF(user)})
    return decide(facts, question, at=at).is_allowed


def has_app_permission(user: Any, app_label: str, *, at: datetime | None = None) -> bool:
    """Return whether the user has any of the permissions of an app that declared permissions name."""
    prefix = app_label + "."
    return any(
        may(user, known.name, at=at)
        for known in KNOWN_PERMISSIONS.values()
        if any(each.startswith(prefix) for each in known.django_permissions)
    )


def django_permissions_of(user: Any, *, at: datetime | None = None) -> set[str]:
    """Return the permissions of Django that the user has by declared permissions."""
    return {
        each
        for known in KNOWN_PERMISSIONS.values()
        if known.django_permissions and may(user, known.name, at=at)
        for each in known.django_permissions
    }
