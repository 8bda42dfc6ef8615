"""The shapes of what is sent about second factors."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from accounts.api.serializers.fields import PersonalNameField
from accounts.services.factors.second_factors import FactorResponse
from accounts.types import FactorMethod
from cedrina_base.strict_serializers import StrictBooleanField, StrictCharField, StrictSerializer

_LONGEST_CODE = 64


@extend_schema_field(OpenApiTypes.OBJECT)
class CredentialField(serializers.Field[Any, Any, Any, Any]):
    """A browser's answer, as ``PublicKeyCredential.toJSON()`` gives it; the service says if it is right."""

    default_error_messages = {"invalid": _("Send what PublicKeyCredential.toJSON() returned.")}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("invalid")
        return data


def code_field() -> StrictCharField:
    return StrictCharField(required=False, max_length=_LONGEST_CODE, write_only=True)


class ProofInput(StrictSerializer):
    """One of several members; which, says the factor."""

    MEMBERS = {
        "code": FactorMethod.TOTP,
        "recovery_code": FactorMethod.RECOVERY_CODE,
        "webauthn": FactorMethod.WEBAUTHN,
    }
    ONE_OF: tuple[str, ...] = tuple(MEMBERS)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        given = [name for name in self.ONE_OF if name in attrs]
        if not given:
            missing = ErrorDetail(str(_("Send one of: %(names)s.") % {"names": ", ".join(self.ONE_OF)}), "required")
            raise ValidationError({self.ONE_OF[0]: [missing]})
        if len(given) > 1:
            surplus = ErrorDetail(str(_("Send only one of: %(names)s.") % {"names": ", ".join(given)}), "invalid")
            raise ValidationError({name: [surplus] for name in given})
        return attrs

    def response(self) -> FactorResponse | None:
        """Return the second factor that was sent, ``None`` where it was something else."""
        for name, method in self.MEMBERS.items():
            if name in self.validated_data:
                return FactorResponse(method=method, value=self.validated_data[name])
        return None


class VerificationInput(ProofInput):
    """The token of a sign-in that waits, and a second factor."""

    mfa_token = StrictCharField(max_length=100, write_only=True)
    code = code_field()
    recovery_code = code_field()
    webauthn = CredentialField(required=False, write_only=True)


class ReauthenticationInput(ProofInput):
    """The password of whoever the access token speaks for, a second factor, or the code of a mail."""

    ONE_OF = ("password", *ProofInput.MEMBERS, "mailed_code")

    password = StrictCharField(required=False, write_only=True)
    mailed_code = code_field()
    code = code_field()
    recovery_code = code_field()
    webauthn = CredentialField(required=False, write_only=True)


class TotpActivationInput(StrictSerializer):
    """A code of the application that was just set up."""

    code = StrictCharField(max_length=_LONGEST_CODE, write_only=True)


class KeyOptionsInput(StrictSerializer):
    """Whether the new key must be able to sign in alone."""

    passkey = StrictBooleanField(required=False, default=False)


class KeyNameField(PersonalNameField):
    """What its owner calls a key: one line."""

    def run_validation(self, data: Any = serializers.empty) -> str:
        value: str = super().run_validation(data)
        if not value.strip():
            self.fail("blank")
        return value


class KeyInput(StrictSerializer):
    """A new key: its name, and what the browser made."""

    name = KeyNameField()
    credential = CredentialField(write_only=True)


class PasskeyInput(StrictSerializer):
    """A browser's answer by a passkey."""

    credential = CredentialField(write_only=True)
