"""The shapes of rate limit policies. What their members may say is judged by ``ratelimiting.policy_schema`` alone."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from ratelimiting.policy_schema import LARGEST_LIMIT, LONGEST_WINDOW_SECONDS, METHODS
from ratelimiting.types import Algorithm, Mode, OnStoreFailure
from tokens.api.serializers.strict import StrictCharField, StrictChoiceField, StrictSerializer

LONGEST_REASON = 200
MOST_DIGITS = 9


class StrictIntegerField(serializers.IntegerField):
    """Takes a whole number; text that looks like one is none."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        value: int = super().to_internal_value(data)
        return value


class ReasonField(StrictCharField):
    """Why something is changed, on one line."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=LONGEST_REASON, **options)

    def to_internal_value(self, data: object) -> str:
        value: str = super().to_internal_value(data)
        if not value.isprintable():
            raise serializers.ValidationError(_("The reason must be text on one line."), code="invalid")
        return value


class MatchMembers(StrictSerializer):
    """Which requests a policy applies to."""

    routes = serializers.ListField(child=StrictCharField(max_length=200), max_length=50, required=False)
    methods = serializers.ListField(child=StrictChoiceField(choices=METHODS), max_length=50, required=False)
    tier = StrictCharField(max_length=50, allow_null=True, required=False)
    unless = serializers.ListField(child=StrictCharField(max_length=200), max_length=50, required=False)


class PolicyChangeInput(StrictSerializer):
    """Members to change; what is left out stays."""

    name = StrictCharField(max_length=50, required=False)
    description = StrictCharField(max_length=200, allow_blank=True, required=False)
    algorithm = StrictChoiceField(choices=list(Algorithm), required=False)
    limit = StrictIntegerField(min_value=1, max_value=LARGEST_LIMIT, required=False)
    window = StrictIntegerField(min_value=1, max_value=LONGEST_WINDOW_SECONDS, required=False)
    burst = StrictIntegerField(min_value=1, max_value=LARGEST_LIMIT, allow_null=True, required=False)
    scope = serializers.ListField(child=StrictCharField(max_length=200), max_length=50, required=False)
    match = MatchMembers(required=False)
    mode = StrictChoiceField(choices=list(Mode), required=False)
    cost = StrictIntegerField(min_value=1, max_value=LARGEST_LIMIT, required=False)
    on_store_failure = StrictChoiceField(choices=list(OnStoreFailure), required=False)
    reason = ReasonField()

    def document(self) -> dict[str, Any]:
        """Return what was sent of the policy itself."""
        return {name: value for name, value in self.validated_data.items() if name != "reason"}

    def reason_given(self) -> str:
        reason: str = self.validated_data["reason"]
        return reason


class PolicyInput(PolicyChangeInput):
    """A whole policy."""

    name = StrictCharField(max_length=50)
    limit = StrictIntegerField(min_value=1, max_value=LARGEST_LIMIT)
    window = StrictIntegerField(min_value=1, max_value=LONGEST_WINDOW_SECONDS)
    scope = serializers.ListField(child=StrictCharField(max_length=200), max_length=50)


class RollbackInput(StrictSerializer):
    """A version to go back to, and why."""

    version = StrictIntegerField(min_value=0, max_value=LARGEST_LIMIT)
    reason = ReasonField()


class DeletionInput(StrictSerializer):
    """Why a policy is removed."""

    reason = ReasonField()


class PolicyPageInput(StrictSerializer):
    """Which part of the policies: how many, and after which one."""

    limit = serializers.IntegerField(min_value=1, max_value=200, default=50)
    cursor = StrictCharField(max_length=50, required=False)


class VersionPageInput(StrictSerializer):
    """Which part of the versions: how many, and before which one."""

    limit = serializers.IntegerField(min_value=1, max_value=200, default=50)
    cursor = StrictCharField(max_length=MOST_DIGITS, required=False)

    def validate_cursor(self, value: str) -> int:
        if not (value.isascii() and value.isdigit()):
            raise serializers.ValidationError(_("This is no cursor that was given out."), code="invalid")
        return int(value)


class MatchOutput(serializers.Serializer[None]):
    """Which requests a policy applies to."""

    routes = serializers.ListField(child=serializers.CharField())
    methods = serializers.ListField(child=serializers.CharField())
    tier = serializers.CharField(allow_null=True)
    unless = serializers.ListField(child=serializers.CharField())


class PolicyOutput(serializers.Serializer[None]):
    """A stored policy."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()
    algorithm = serializers.ChoiceField(choices=list(Algorithm))
    limit = serializers.IntegerField()
    window = serializers.IntegerField()
    burst = serializers.IntegerField(allow_null=True)
    scope = serializers.ListField(child=serializers.CharField())
    match = MatchOutput()
    mode = serializers.ChoiceField(choices=list(Mode))
    cost = serializers.IntegerField()
    on_store_failure = serializers.ChoiceField(choices=list(OnStoreFailure))
    version = serializers.IntegerField()
    updated_at = serializers.DateTimeField()


class EffectivePolicyOutput(PolicyOutput):
    """A policy in force. One that stands in the settings has no id and no version until it is stored here."""

    id = serializers.UUIDField(allow_null=True)
    version = serializers.IntegerField(allow_null=True)
    updated_at = serializers.DateTimeField(allow_null=True)
    source = serializers.ChoiceField(  # type: ignore[assignment]  # a member, not where the field reads from
        choices=["profile", "environment", "database"]
    )


class PolicyListOutput(serializers.Serializer[None]):
    """A page of the policies in force, by name."""

    results = EffectivePolicyOutput(many=True)
    next = serializers.CharField(allow_null=True)


class VersionOutput(serializers.Serializer[None]):
    """A change of the stored policies."""

    version = serializers.IntegerField()
    change = serializers.ChoiceField(choices=["created", "changed", "deleted", "rolled_back"])
    policy = serializers.CharField(allow_blank=True)
    author = serializers.CharField(allow_blank=True)
    reason = serializers.CharField()
    created_at = serializers.DateTimeField()


class VersionListOutput(serializers.Serializer[None]):
    """A page of the versions, the newest first."""

    results = VersionOutput(many=True)
    next = serializers.CharField(allow_null=True)
