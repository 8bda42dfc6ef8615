"""Serializer fields that several requests use."""

import unicodedata

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ValidationError

from cedrina_base.strict_serializers import StrictCharField


class PersonalNameField(StrictCharField):
    """A person's name on one line. All scripts and signs are allowed, control characters are not."""

    def __init__(self, **options: object) -> None:
        super().__init__(max_length=150, allow_blank=True, **options)

    def to_internal_value(self, data: object) -> str:
        value: str = super().to_internal_value(data)
        # Control characters and line separators. Format characters (Cf) are allowed: Persian names contain joiners.
        if any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in value):
            raise ValidationError(_("Control characters have no place in a name."), code="invalid")
        return value


class LocaleField(StrictCharField):
    """One of the languages in ``settings.LANGUAGES``."""

    def __init__(self, **options: object) -> None:
        super().__init__(max_length=10, **options)

    def to_internal_value(self, data: object) -> str:
        value: str = super().to_internal_value(data)
        if value not in dict(settings.LANGUAGES):
            raise ValidationError(_("This language is not available."), code="invalid")
        return value
