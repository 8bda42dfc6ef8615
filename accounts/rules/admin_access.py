"""Who may use the admin: people with any permission that it has pages for, as long as they have it."""

from datetime import datetime
from typing import Any

from accounts.access.known_permissions import KNOWN_PERMISSIONS
from accounts.access.services.decisions import permissions_of
from accounts.rules.subject_facts import context_of, facts_of


def names_with_pages() -> list[str]:
    """Return the permissions that the admin has pages for: those that stand for permissions of Django, too."""
    return [name for name, permission in KNOWN_PERMISSIONS.items() if permission.django_permissions]


def may_use_admin(user: Any, *, at: datetime) -> bool:
    """Return whether somebody has such a permission now. A role that has ended counts no more, whatever columns say."""
    facts = facts_of(user, at)
    return facts is not None and bool(permissions_of(facts, at=at, names=names_with_pages(), context=context_of(user)))
