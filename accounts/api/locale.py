"""The language that a new account gets from the request."""

from django.conf import settings


def supported_language(language: str | None) -> str:
    """Return the language of the request if it is in ``settings.LANGUAGES``, else ``settings.LANGUAGE_CODE``."""
    supported = dict(settings.LANGUAGES)
    if language in supported:
        return str(language)
    base = (language or "").split("-")[0]
    return base if base in supported else settings.LANGUAGE_CODE
