"""Response shapes, for the OpenAPI document only. ``accounts.api.response_bodies`` builds what is sent."""

from rest_framework import serializers

from tokens.api.serializers.tokens import TokenPairOutput


class UserOutput(serializers.Serializer[None]):
    """A person."""

    id = serializers.UUIDField()
    username = serializers.CharField()
    email = serializers.EmailField()
    email_confirmed = serializers.BooleanField()
    full_name = serializers.CharField()
    locale = serializers.CharField()
    is_active = serializers.BooleanField()
    roles = serializers.ListField(child=serializers.CharField())
    tier = serializers.ChoiceField(choices=["free", "pro", "enterprise"])
    mfa_enabled = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class RegistrationOutput(serializers.Serializer[None]):
    """A new account and its first session."""

    user = UserOutput()
    tokens = TokenPairOutput()


class MessageOutput(serializers.Serializer[None]):
    """A sentence for the person."""

    message = serializers.CharField()
    timestamp = serializers.DateTimeField()


class MfaChallengeOutput(serializers.Serializer[None]):
    """What a second factor is asked with."""

    token = serializers.CharField()
    methods = serializers.ListField(child=serializers.CharField())
    expires_in = serializers.IntegerField()
    webauthn = serializers.DictField(allow_null=True)


class LoginOutput(serializers.Serializer[None]):
    """Somebody with a new session; ``mfa`` takes its place where a second factor is due."""

    user = UserOutput(allow_null=True)
    tokens = TokenPairOutput(allow_null=True)
    mfa = MfaChallengeOutput(allow_null=True)


class ReauthenticationOutput(serializers.Serializer[None]):
    """When the person was authenticated, and for how many seconds that satisfies sensitive calls."""

    authenticated_at = serializers.DateTimeField()
    expires_in = serializers.IntegerField()


class PasswordChangeOutput(serializers.Serializer[None]):
    """A sentence for the person and the session's new tokens; the old ones are dead."""

    message = serializers.CharField()
    tokens = TokenPairOutput()
    timestamp = serializers.DateTimeField()
