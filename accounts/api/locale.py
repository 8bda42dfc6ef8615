"""The language of a request, as an account remembers it."""

from django.conf import settings


def supported_language(language: str | None) -> str:
    """Return the language of the request where it is one that an account can have, else the installation's."""
    known = dict(settings.LANGUAGES)
    if language in known:
        return str(language)
    base = (language or "").split("-")[0]
    return base if base in known else settings.LANGUAGE_CODE
