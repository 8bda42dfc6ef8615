"""Shapes of sessions going out."""

from uuid import UUID

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from cedrina_base.strict_serializers import StrictSerializer


class PageInput(StrictSerializer):
    """Which part of a list is wanted. The cursor is what the page before gave as ``next``."""

    limit = serializers.IntegerField(min_value=1, max_value=200, default=50)
    cursor = serializers.CharField(required=False)

    def validate_cursor(self, value: str) -> UUID:
        try:
            return UUID(hex=value)
        except ValueError as error:
            raise serializers.ValidationError(_("The cursor is not one of ours."), code="invalid") from error


class SessionOutput(serializers.Serializer[dict[str, object]]):
    """One sign-in on one device."""

    id = serializers.UUIDField()
    current = serializers.BooleanField(help_text="Whether it is the session of this request.")
    ip_address = serializers.CharField(allow_null=True)
    user_agent = serializers.CharField(allow_blank=True)
    device = serializers.CharField(allow_blank=True)
    location = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    last_activity_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    amr = serializers.ListField(child=serializers.CharField())


class SessionListOutput(serializers.Serializer[dict[str, object]]):
    """A page of sessions, the newest sign-in first."""

    results = SessionOutput(many=True)
    next = serializers.CharField(allow_null=True)


class RevokedOutput(serializers.Serializer[dict[str, object]]):
    """How many sessions ended."""

    revoked = serializers.IntegerField()
