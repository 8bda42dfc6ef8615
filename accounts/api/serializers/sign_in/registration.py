"""The shape of a sign-up. Whether name and address are acceptable and free is for the service to say."""

from accounts.api.serializers.members import LocaleField, PersonalNameField
from accounts.services.sign_in.registration import RegistrationRequest
from cedrina_base.strict_serializers import StrictCharField, StrictSerializer


class RegistrationInput(StrictSerializer):
    """Who wants an account."""

    username = StrictCharField(min_length=3, max_length=50)
    email = StrictCharField(max_length=254)
    # Exactly as sent; how long it may be is the policy's to say.
    password = StrictCharField(write_only=True)
    full_name = PersonalNameField(required=False)
    locale = LocaleField(required=False)

    def application(self, *, default_locale: str) -> RegistrationRequest:
        """Return what was asked for; the language is the request's where none was chosen."""
        return RegistrationRequest(**{"locale": default_locale, **self.validated_data})
