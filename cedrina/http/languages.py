"""Negotiate the language of a response from the Accept-Language header (RFC 9110, 12.5.4)."""

from functools import lru_cache

from django.conf import settings
from django.utils.translation import get_supported_language_variant

# The number of characters of the header that are read; browsers send about 100. No registered tag is longer than 35
# (RFC 5646, 4.4.1).
MAX_HEADER_LENGTH, MAX_TAG_LENGTH = 500, 35
# Longer headers are not cached: clients could fill the memory with them.
MAX_CACHED_LENGTH = 128


def negotiate_language(header: str) -> str:
    """Return the supported language that the header prefers, otherwise LANGUAGE_CODE."""
    return _negotiated(header) if len(header) <= MAX_CACHED_LENGTH else _negotiated.__wrapped__(header)


@lru_cache(maxsize=1024)
def _negotiated(header: str) -> str:
    for language, weight in _preferences(header[:MAX_HEADER_LENGTH].lower()):
        if language == "*" or not weight:  # they are sorted by weight; weight 0 means "not acceptable"
            break
        try:
            return get_supported_language_variant(language)
        except LookupError:
            continue
    return str(settings.LANGUAGE_CODE)


def _preferences(header: str) -> list[tuple[str, float]]:
    """Return the language ranges of a header by descending weight; none when one of them is malformed.

    Django's own parser is as strict, but caches a thousand headers with all their ranges: up to 30 MB.
    """
    found: list[tuple[str, float]] = []
    for item in header.split(","):
        language, _, parameter = (part.strip() for part in item.partition(";"))
        weight = _weight(parameter)
        if weight is None or len(language) > MAX_TAG_LENGTH:
            return []
        if language:
            found.append((language, weight))
    return sorted(found, key=lambda preference: -preference[1])


def _weight(parameter: str) -> float | None:
    """Return a weight of at most three decimals (RFC 9110, 12.4.2), 1 when none is given, None when it is malformed."""
    if not parameter:
        return 1.0
    name, _, value = parameter.partition("=")
    whole, point, fraction = value.strip().partition(".")
    is_number = whole in ("0", "1") and (not fraction or (fraction.isascii() and fraction.isdigit()))
    if name.strip() != "q" or not is_number or len(fraction) > _DIGITS:
        return None
    return min(1.0, float(f"{whole}{point}{fraction}"))


_DIGITS = 3
