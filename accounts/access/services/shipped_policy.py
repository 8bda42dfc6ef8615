"""The policy of a new installation. Afterwards it is the operators' own: nothing of it is ever put back."""

from datetime import datetime

from django.db import connection, transaction

from accounts.access.conf import access_settings
from accounts.access.models import HEAD_ID, PolicyHead
from accounts.access.services.policy_changes import policy_change
from accounts.access.types import Author


def is_installed() -> bool:
    """Return whether the tables are there: migrations may have been undone."""
    return PolicyHead._meta.db_table in connection.introspection.table_names()


def ship(*, now: datetime) -> None:
    """Store the roles and rules of ``SHIPPED_ROLES`` and ``SHIPPED_RULES`` as version 1, if there is no version."""
    with transaction.atomic():
        _head, is_new = PolicyHead.objects.get_or_create(pk=HEAD_ID, defaults={"version": 0, "changed_at": now})
        if not is_new:
            return
        reason = "The policy of a new installation."
        with policy_change(author=Author(), reason=reason, now=now, is_first=True) as writer:
            for name, document in access_settings.SHIPPED_ROLES.items():
                writer.put_role(name, document)
            for document in access_settings.SHIPPED_RULES:
                writer.add_rule(document)
