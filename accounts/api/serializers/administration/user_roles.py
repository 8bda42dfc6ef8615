"""The requests and responses of ``/admin/users/{id}/roles``."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts.access.types import Grant
from accounts.api.serializers.administration.users import ReasonInput
from cedrina_base.strict_serializers import StrictCharField

_LONGEST_TIME = 40


class FutureInstantField(StrictCharField):
    """A time in the future as RFC 3339, with its offset to UTC; ``null`` is none."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_null=True, **options)

    def to_internal_value(self, data: Any) -> Any:
        text = super().to_internal_value(data)
        try:
            given = parse_datetime(text) if len(text) <= _LONGEST_TIME else None
            # The end of the year 9999 in another zone is a time that no datetime can hold.
            instant = given.astimezone(UTC) if given is not None and given.tzinfo is not None else None
        except (ValueError, OverflowError):
            instant = None
        if instant is None or instant <= self.context["now"]:
            sentence = _("This is a time in the future, such as 2030-01-31T17:00:00Z.")
            raise serializers.ValidationError(sentence, code="invalid")
        return instant


class GrantInput(ReasonInput):
    """Why a role is given, and until when."""

    expires_at = FutureInstantField(required=False)


class GrantOutput(serializers.Serializer[Any]):
    """A role that somebody has. One that has ended is kept until it is given again."""

    role = serializers.CharField()
    expires_at = serializers.DateTimeField(allow_null=True)
    is_in_force = serializers.BooleanField()
    reason = serializers.CharField(allow_blank=True)
    granted_by = serializers.CharField(allow_blank=True, help_text="The id of the operator; empty at the command line.")
    granted_at = serializers.DateTimeField()


class GrantChangeOutput(GrantOutput):
    """A role that somebody has, and the version of the policy that gave it."""

    version = serializers.IntegerField()


class GrantListOutput(serializers.Serializer[Any]):
    """All roles that somebody has, by name, and the version of the policy."""

    results = GrantOutput(many=True)
    version = serializers.IntegerField()


def grant_body(grant: Grant, *, now: datetime) -> Mapping[str, Any]:
    """Return a grant as responses show it."""
    return {
        "role": grant.role,
        "expires_at": grant.expires_at,
        "is_in_force": grant.expires_at is None or grant.expires_at > now,
        "reason": grant.reason,
        "granted_by": grant.granted_by,
        "granted_at": grant.granted_at,
    }
