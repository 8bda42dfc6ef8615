"""The request of a registration. The service decides whether name and address are acceptable and free."""

from collections.abc import Mapping

from accounts.api.serializers.fields import LocaleField, PersonalNameField
from accounts.services.sign_in.registration import RegistrationRequest
from cedrina_base.strict_serializers import StrictCharField, StrictSerializer


class RegistrationInput(StrictSerializer):
    """Who wants an account."""

    username = StrictCharField(min_length=3, max_length=50)
    email = StrictCharField(max_length=254)
    # Not trimmed; the password validators limit the length.
    password = StrictCharField(write_only=True)
    full_name = PersonalNameField(required=False)
    locale = LocaleField(required=False)

    def well_formed_details(self) -> dict[str, str]:
        """Return the username, address and password as they were sent, without those that have an error."""
        given = self.initial_data if isinstance(self.initial_data, Mapping) else {}
        return {
            name: given[name] for name in ("username", "email", "password") if name in given and name not in self.errors
        }

    def registration_request(self, *, default_locale: str) -> RegistrationRequest:
        """Return the validated request, with ``default_locale`` if it names no language."""
        return RegistrationRequest(**{"locale": default_locale, **self.validated_data})
