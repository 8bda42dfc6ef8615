"""The request and the response of ``/admin/break-glass``."""

from rest_framework import serializers

from accounts.api.serializers.administration.users import reason_field
from accounts.services.administration.break_glass import MOST_MINUTES
from cedrina_base.strict_serializers import StrictIntegerField, StrictSerializer


class BreakGlassInput(StrictSerializer):
    """Why somebody takes all rights, and for how many minutes."""

    reason = reason_field()
    minutes = StrictIntegerField(min_value=1, max_value=MOST_MINUTES)


class BreakGlassOutput(serializers.Serializer[object]):
    """Until when they may do everything, and the version of the policy."""

    ends_at = serializers.DateTimeField()
    version = serializers.IntegerField()
