"""Shapes of tokens going in and out."""

from rest_framework import serializers

from cedrina_base.strict_serializers import StrictBooleanField, StrictCharField, StrictSerializer

LONGEST_TOKEN = 8192


class RefreshInput(StrictSerializer):
    """The refresh token to exchange."""

    refresh_token = StrictCharField(max_length=LONGEST_TOKEN)


class TokenInput(StrictSerializer):
    """A token of either kind. The hint is allowed by the RFC and not needed here."""

    token = StrictCharField(max_length=LONGEST_TOKEN)
    token_type_hint = StrictCharField(max_length=64, required=False)


class LogoutInput(StrictSerializer):
    """Whether to end every session of the person."""

    all = StrictBooleanField(required=False, default=False)


class TokenPairOutput(serializers.Serializer[dict[str, object]]):
    """The tokens of a session."""

    access_token = serializers.CharField()
    refresh_token = serializers.CharField()
    token_type = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds that the access token lives.")
    refresh_expires_in = serializers.IntegerField(help_text="Seconds that the refresh token lives if it is not used.")
    session_id = serializers.UUIDField()


class IntrospectionOutput(serializers.Serializer[dict[str, object]]):
    """What a token is good for (RFC 7662, 2.2). A token that is not active has no other member."""

    active = serializers.BooleanField()
    token_type = serializers.CharField(required=False)
    iss = serializers.CharField(required=False)
    aud = serializers.CharField(required=False)
    sub = serializers.CharField(required=False)
    username = serializers.CharField(required=False)
    exp = serializers.IntegerField(required=False)
    iat = serializers.IntegerField(required=False)
    auth_time = serializers.IntegerField(required=False)
    jti = serializers.CharField(required=False)
    sid = serializers.CharField(required=False)
    family_id = serializers.CharField(required=False)
    amr = serializers.ListField(child=serializers.CharField(), required=False)
    roles = serializers.ListField(child=serializers.CharField(), required=False)
    client_id = serializers.CharField(required=False, help_text="The service client whose token it is.")
    scope = serializers.CharField(required=False, help_text="What the service client may do, separated by spaces.")


class EmptyOutput(serializers.Serializer[dict[str, object]]):
    """An empty object."""
