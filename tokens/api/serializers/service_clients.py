"""Shapes of service clients going in and out. What their members may be is for ``service_clients.members`` to say."""

from rest_framework import serializers

from cedrina_base.strict_serializers import (
    ReasonField,
    StrictBooleanField,
    StrictCharField,
    StrictIntegerField,
    StrictSerializer,
)
from tokens.service_clients.members import CLIENT_SECRET, LONGEST_DESCRIPTION, LONGEST_NAME, PRIVATE_KEY_JWT

_LONGEST_SCOPE, _MOST_SCOPES = 64, 100


class ServiceClientMembers(StrictSerializer):
    """The members that an operator sets."""

    name = StrictCharField(max_length=LONGEST_NAME, required=False)
    description = StrictCharField(max_length=LONGEST_DESCRIPTION, required=False, allow_blank=True)
    scopes = serializers.ListField(
        child=StrictCharField(max_length=_LONGEST_SCOPE), max_length=_MOST_SCOPES, allow_empty=False, required=False
    )
    authentication_method = StrictCharField(
        max_length=32, required=False, help_text=f"{CLIENT_SECRET} (the default) or {PRIVATE_KEY_JWT}."
    )
    jwks = serializers.DictField(
        child=serializers.JSONField(),
        required=False,
        allow_null=True,
        help_text="Public keys, of a client that signs assertions (RFC 7517).",
    )
    reason = ReasonField()


class ServiceClientInput(ServiceClientMembers):
    """A service client to register."""

    name = StrictCharField(max_length=LONGEST_NAME)
    scopes = serializers.ListField(
        child=StrictCharField(max_length=_LONGEST_SCOPE), max_length=_MOST_SCOPES, allow_empty=False
    )


class ServiceClientChangeInput(ServiceClientMembers):
    """Members to change; what is left out stays."""

    is_enabled = StrictBooleanField(required=False, help_text="false refuses the client and its tokens at once.")


class SecretRotationInput(StrictSerializer):
    """How long the secret before is accepted, and why there is a new one."""

    overlap_seconds = StrictIntegerField(min_value=0, help_text="0 also refuses the access tokens issued before.")
    reason = ReasonField()


class ServiceClientReasonInput(StrictSerializer):
    """Why a service client is deleted."""

    reason = ReasonField()


class SecretOutput(serializers.Serializer[object]):
    """When a secret was made, and until when it is accepted."""

    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)


class ServiceClientOutput(serializers.Serializer[object]):
    """A service client. ``client_secret`` is in the answer that made it, and never again."""

    id = serializers.UUIDField(help_text="The client_id.")
    name = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    scopes = serializers.ListField(child=serializers.CharField())
    authentication_method = serializers.CharField()
    jwks = serializers.DictField(child=serializers.JSONField(), allow_null=True)
    is_enabled = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True)
    created_by = serializers.CharField(allow_blank=True, help_text="The id of the person who registered it.")
    secrets = SecretOutput(many=True)
    client_secret = serializers.CharField(required=False)


class ServiceClientListOutput(serializers.Serializer[object]):
    """A page of service clients, the oldest first."""

    results = ServiceClientOutput(many=True)
    next = serializers.CharField(allow_null=True)
