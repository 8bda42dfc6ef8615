"""The form by which people show their second factor in the admin: a code, or a signature by a security key."""

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from accounts.administration.admin_second_factor import CodeForm
from accounts.errors import CredentialRefused
from accounts.services.factors.second_factors import FactorResponse
from accounts.types import FactorMethod

_MAX_CHARACTERS = 16_384  # an answer with a long credential id and an attestation has about 4,000


class CredentialField(forms.CharField):
    """What `PublicKeyCredential.toJSON()` returned, as JSON; the service says whether it is right."""

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValidationError(CredentialRefused.message) from error
        if not isinstance(found, dict):
            raise ValidationError(CredentialRefused.message)
        return found


class FactorForm(CodeForm):
    """A code, or in its place the answer of a security key, which a script of the page sends."""

    credential = CredentialField(required=False, max_length=_MAX_CHARACTERS, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, **options: Any) -> None:
        super().__init__(data, **options)
        if data is not None and data.get(self.add_prefix("credential")):
            self.fields["code"].required = False

    def response(self) -> FactorResponse:
        """Return the answer of the key if there is one, otherwise the code with its kind."""
        credential = self.cleaned_data["credential"]
        return super().response() if credential is None else FactorResponse(FactorMethod.WEBAUTHN, credential)
