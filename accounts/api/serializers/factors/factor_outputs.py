"""The shapes of answers about second factors, for the OpenAPI document alone."""

from rest_framework import serializers

from accounts.models import ResetOutcome
from accounts.types import FactorMethod


class FactorOutput(serializers.Serializer[None]):
    """A second factor of a person."""

    id = serializers.UUIDField()
    type = serializers.ChoiceField(choices=[method.value for method in FactorMethod])
    name = serializers.CharField()
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True)
    passkey = serializers.BooleanField()
    synchronised = serializers.BooleanField()


class FactorResetOutput(serializers.Serializer[None]):
    """A reset that an operator has requested: it removes all second factors, not before ``due_at``."""

    requested_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField()


class EndedResetOutput(FactorResetOutput):
    """A reset and how it ended; both members are null while it waits."""

    closed_at = serializers.DateTimeField(allow_null=True)
    outcome = serializers.ChoiceField(choices=ResetOutcome.values, allow_null=True)


class LatestResetOutput(serializers.Serializer[None]):
    """The last reset that an operator has requested for a person."""

    reset = EndedResetOutput(allow_null=True)


class SecondFactorsOutput(serializers.Serializer[None]):
    """All of them; ``enabled`` says whether a sign-in asks for one, ``reset`` whether they are about to be removed."""

    enabled = serializers.BooleanField()
    methods = FactorOutput(many=True)
    recovery_codes_left = serializers.IntegerField()
    reset = FactorResetOutput(allow_null=True)


class TotpOutput(serializers.Serializer[None]):
    """What an authenticator application is set up with."""

    secret = serializers.CharField()
    otpauth_url = serializers.CharField()
    qr_svg = serializers.CharField()


class FirstFactorOutput(serializers.Serializer[None]):
    """Recovery codes, shown this once; ``null`` where the person has some already."""

    recovery_codes = serializers.ListField(child=serializers.CharField(), allow_null=True)


class RecoveryCodesOutput(serializers.Serializer[None]):
    """Recovery codes, shown this once."""

    recovery_codes = serializers.ListField(child=serializers.CharField())


class NewKeyOutput(FactorOutput):
    """A new key, and recovery codes where it is the first factor."""

    recovery_codes = serializers.ListField(child=serializers.CharField(), allow_null=True)


class ProofOptionsOutput(serializers.Serializer[None]):
    """How the second factor can be shown; ``webauthn`` is what a browser is asked with for a security key."""

    methods = serializers.ListField(child=serializers.CharField())
    webauthn = serializers.DictField(allow_null=True)
