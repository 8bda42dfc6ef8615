"""The shapes of social sign-in."""

import re

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from accounts.models import SocialPurpose
from accounts.services.social.authorizations import ProviderCallback
from cedrina_base.strict_serializers import StrictCharField, StrictSerializer

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


class AuthorizeInput(StrictSerializer):
    """Where the provider is to send the person back to, and what for."""

    redirect_uri = StrictCharField(max_length=2000)
    purpose = StrictCharField(
        max_length=20,
        required=False,
        help_text="`sign_in`, which is the default; `link` and `reauthenticate` need the access token.",
    )
    code_challenge = StrictCharField(
        max_length=43,
        required=False,
        help_text="S256 of a verifier that the client keeps (RFC 7636); then nobody else can finish what it began.",
    )

    def validate_purpose(self, value: str) -> str:
        if value not in SocialPurpose.values:
            raise ValidationError(_("There is no such purpose."), code="invalid")
        return value

    def validate_code_challenge(self, value: str) -> str:
        if not _CHALLENGE.fullmatch(value):
            raise ValidationError(_("This is not an S256 challenge."), code="invalid")
        return value


class CallbackInput(StrictSerializer):
    """What the provider sent the person back with."""

    code = StrictCharField(max_length=8192)
    state = StrictCharField(max_length=200)
    code_verifier = StrictCharField(
        max_length=128, required=False, help_text="The verifier whose challenge began this, if one did."
    )
    iss = StrictCharField(max_length=2000, required=False, help_text="As the provider sent it (RFC 9207).")

    def validate_code_verifier(self, value: str) -> str:
        if not _VERIFIER.fullmatch(value):
            raise ValidationError(_("This is not a code verifier."), code="invalid")
        return value

    def callback(self) -> ProviderCallback:
        given = self.validated_data
        return ProviderCallback(
            code=given["code"],
            state=given["state"],
            code_verifier=given.get("code_verifier"),
            issuer=given.get("iss"),
        )


class SocialTokenInput(StrictSerializer):
    """What a native application got from the provider. ``nonce`` is the one that it sent along, if it did."""

    id_token = StrictCharField(max_length=16 * 1024, required=False, write_only=True)
    access_token = StrictCharField(max_length=16 * 1024, required=False, write_only=True)
    nonce = StrictCharField(max_length=500, required=False)


class ProviderOutput(serializers.Serializer[None]):
    """One provider."""

    id = serializers.CharField()
    kind = serializers.ChoiceField(choices=["google", "microsoft", "facebook", "openid_connect"])
    name = serializers.CharField()


class ProviderListOutput(serializers.Serializer[None]):
    """The providers that are configured, in the operator's order."""

    results = ProviderOutput(many=True)


class AuthorizationOutput(serializers.Serializer[None]):
    """Where to send the person. The client keeps the state, and takes no answer with another one."""

    authorization_url = serializers.URLField()
    state = serializers.CharField()


class SocialAccountOutput(serializers.Serializer[None]):
    """An account of a provider that the person is connected to, as the provider told of it last."""

    id = serializers.UUIDField()
    provider = serializers.CharField()
    name = serializers.CharField(allow_blank=True)
    email = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    last_login_at = serializers.DateTimeField()


class SocialAccountListOutput(serializers.Serializer[None]):
    """All of them, the oldest first."""

    results = SocialAccountOutput(many=True)
