"""The query and the response of ``/admin/policies/unused``."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts.access.api.serializers.fields import PageInput, instant
from accounts.access.unused_grants import GRANT, RULE, UnusedPage


class UnusedPageInput(PageInput):
    """Since when nobody used it, and which page."""

    since = serializers.DateTimeField(required=False)

    def validate_cursor(self, value: str) -> tuple[str, str]:
        kind, _colon, key = value.partition(":")
        try:
            found = str(UUID(key))
        except ValueError:
            found = ""
        if kind not in (RULE, GRANT) or not found:
            raise serializers.ValidationError(_("This is no cursor that was given out."), code="invalid")
        return kind, found


class UnusedOutput(serializers.Serializer[Any]):
    """A rule, or a role that a subject has, whose use is not known, or was long ago."""

    kind = serializers.ChoiceField(choices=(RULE, GRANT))
    id = serializers.UUIDField(help_text="Of the rule, or of the granted role.")
    subject = serializers.CharField()
    role = serializers.CharField(allow_null=True)
    object = serializers.CharField(allow_null=True)
    action = serializers.CharField(allow_null=True)
    granted_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True)


class UnusedListOutput(serializers.Serializer[Any]):
    """A page of unused ones, rules first."""

    results = UnusedOutput(many=True)
    next = serializers.CharField(allow_null=True)
    since = serializers.DateTimeField()
    counted_since = serializers.DateTimeField(allow_null=True)
    is_complete = serializers.BooleanField()


def page_body(page: UnusedPage, *, since: datetime) -> dict[str, Any]:
    """Return a page as responses show it."""
    return {
        "results": [
            {
                "kind": each.kind,
                "id": each.key,
                "subject": each.subject,
                "role": each.role,
                "object": each.object,
                "action": each.action,
                "granted_at": instant(each.granted_at),
                "last_used_at": instant(each.last_used_at) if each.last_used_at else None,
            }
            for each in page.results
        ],
        "next": page.next,
        "since": instant(since),
        "counted_since": instant(page.counted_since) if page.counted_since else None,
        "is_complete": page.is_complete,
    }
