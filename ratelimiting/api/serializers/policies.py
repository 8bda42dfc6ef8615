"""The input and output of the API of policies. The members of a policy are validated by its schema alone."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from cedrina_base.strict_serializers import ReasonField, StrictCharField, StrictIntegerField, StrictSerializer
from ratelimiting.api.serializers.policy_fields import Fields, match_fields, policy_fields, schema_field
from ratelimiting.models import RateLimitPolicy
from ratelimiting.policy_schema import LARGEST_LIMIT

if TYPE_CHECKING:
    from ratelimiting.services.active_policies import PolicyInForce

MOST_DIGITS = 9


class MatchMembers(serializers.Serializer[None]):
    """Which requests a policy applies to."""

    def get_fields(self) -> Fields:
        return match_fields(required=False)


class PolicyChangeInput(StrictSerializer):
    """Members to change; what is left out stays."""

    reason = ReasonField()

    def get_fields(self) -> Fields:
        return {**policy_fields(MatchMembers(required=False), required=False), **super().get_fields()}

    def to_internal_value(self, data: Any) -> Any:
        """Validate the reason. The other members are validated by the service that changes the policy."""
        if not isinstance(data, Mapping):
            return super().to_internal_value(data)
        reason = ReasonInput(data={name: value for name, value in data.items() if name == "reason"})
        reason.is_valid(raise_exception=True)
        return {**reason.validated_data, "document": {name: data[name] for name in data if name != "reason"}}


class PolicyInput(PolicyChangeInput):
    """A whole policy."""

    def get_fields(self) -> Fields:
        required = {name: schema_field(name) for name in ("name", "limit", "window", "scope")}
        return {name: required.get(name, field) for name, field in super().get_fields().items()}


class ReasonInput(StrictSerializer):
    """Why a policy is deleted."""

    reason = ReasonField()


class RollbackInput(StrictSerializer):
    """A version to go back to, and why."""

    version = StrictIntegerField(min_value=0, max_value=LARGEST_LIMIT)
    reason = ReasonField()


class PolicyPageInput(StrictSerializer):
    """Which page of the policies: how many, and after which name."""

    limit = serializers.IntegerField(min_value=1, max_value=200, default=50)
    cursor = StrictCharField(max_length=50, required=False)


class VersionPageInput(StrictSerializer):
    """Which page of the versions: how many, and before which number."""

    limit = serializers.IntegerField(min_value=1, max_value=200, default=50)
    cursor = StrictCharField(max_length=MOST_DIGITS, required=False)

    def validate_cursor(self, value: str) -> int:
        if not (value.isascii() and value.isdigit()):
            raise serializers.ValidationError(_("This is no cursor that was given out."), code="invalid")
        return int(value)


class MatchOutput(serializers.Serializer[None]):
    """Which requests a policy applies to."""

    def get_fields(self) -> Fields:
        return match_fields(is_input=False)


class PolicyOutput(serializers.Serializer[Any]):
    """A stored policy."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    updated_at = serializers.DateTimeField()

    def get_fields(self) -> Fields:
        own = super().get_fields()
        return {"id": own.pop("id"), **policy_fields(MatchOutput(), is_input=False), **own}

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return {"id": str(instance.pk), **instance.document(), **self._version(instance)}

    def _version(self, row: RateLimitPolicy) -> dict[str, Any]:
        return {"version": row.version, "updated_at": self.fields["updated_at"].to_representation(row.updated_at)}


class EffectivePolicyOutput(PolicyOutput):
    """A policy in force. One that stands in the settings has no id and no version until it is stored here."""

    id = serializers.UUIDField(allow_null=True)
    version = serializers.IntegerField(allow_null=True)
    updated_at = serializers.DateTimeField(allow_null=True)
    source = serializers.ChoiceField(  # type: ignore[assignment]  # a member, not where the field reads from
        choices=["profile", "environment", "database"]
    )

    def to_representation(self, instance: Any) -> dict[str, Any]:
        found: PolicyInForce = instance
        row = found.stored
        stored = {"id": None, "version": None, "updated_at": None} if row is None else super().to_representation(row)
        return {**stored, **found.policy.document(), "source": found.source}


class PolicyListOutput(serializers.Serializer[None]):
    """A page of the policies in force, by name."""

    results = EffectivePolicyOutput(many=True)
    next = serializers.CharField(allow_null=True)


class VersionOutput(serializers.Serializer[Any]):
    """A change of the stored policies."""

    version = serializers.IntegerField(source="number")
    change = serializers.ChoiceField(choices=["created", "changed", "deleted", "rolled_back"])
    policy = serializers.CharField(allow_blank=True)
    author = serializers.CharField(allow_blank=True)
    reason = serializers.CharField()
    created_at = serializers.DateTimeField()


class VersionListOutput(serializers.Serializer[None]):
    """A page of the versions, the newest first."""

    results = VersionOutput(many=True)
    next = serializers.CharField(allow_null=True)
