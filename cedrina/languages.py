"""Which of our languages an Accept-Language header asks for."""

from functools import lru_cache

from django.conf import settings
from django.utils.translation import get_supported_language_variant
from django.utils.translation.trans_real import parse_accept_lang_header

LONGEST_HEADER = 500


@lru_cache(maxsize=1024)
def negotiated(header: str) -> str:
    """Return the first language of the header that we speak, else the default one (RFC 9110, 12.5.4)."""
    for language, quality in parse_accept_lang_header(header[:LONGEST_HEADER].lower()):
        if language == "*" or not quality:  # they come in the order of their quality; nought means: not this one
            break
        try:
            return get_supported_language_variant(language)
        except LookupError:
            continue
    return str(settings.LANGUAGE_CODE)
