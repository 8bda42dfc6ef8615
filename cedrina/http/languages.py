"""Which of our languages an Accept-Language header asks for."""

from functools import lru_cache

from django.conf import settings
from django.utils.translation import get_supported_language_variant

# Of a header so much is read; browsers send about 100 characters. No tag that is registered is longer than 35
# (RFC 5646, 4.4.1).
LONGEST_HEADER, LONGEST_TAG = 500, 35
# Longer ones are read and not remembered: they would let strangers fill the memory.
LONGEST_REMEMBERED = 128


def negotiated(header: str) -> str:
    """Return the first language of the header that we speak, else the default one (RFC 9110, 12.5.4)."""
    return _negotiated(header) if len(header) <= LONGEST_REMEMBERED else _negotiated.__wrapped__(header)


@lru_cache(maxsize=1024)
def _negotiated(header: str) -> str:
    for language, weight in _preferences(header[:LONGEST_HEADER].lower()):
        if language == "*" or not weight:  # they come in the order of their weight; nought means: not this one
            break
        try:
            return get_supported_language_variant(language)
        except LookupError:
            continue
    return str(settings.LANGUAGE_CODE)


def _preferences(header: str) -> list[tuple[str, float]]:
    """Return the ranges of a header, what is wanted most first; none where one of them can't be read.

    Django's own parser is as strict, and remembers a thousand headers with all their ranges: up to 30 MB.
    """
    found: list[tuple[str, float]] = []
    for item in header.split(","):
        language, _, parameter = (part.strip() for part in item.partition(";"))
        weight = _weight(parameter)
        if weight is None or len(language) > LONGEST_TAG:
            return []
        if language:
            found.append((language, weight))
    return sorted(found, key=lambda preference: -preference[1])


def _weight(parameter: str) -> float | None:
    """Return a weight from 0 to 1 with up to three digits after the point, 1 where none is given; None for junk."""
    if not parameter:
        return 1.0
    name, _, value = parameter.partition("=")
    whole, point, fraction = value.strip().partition(".")
    is_number = whole in ("0", "1") and (not fraction or (fraction.isascii() and fraction.isdigit()))
    if name.strip() != "q" or not is_number or len(fraction) > _DIGITS:
        return None
    return min(1.0, float(f"{whole}{point}{fraction}"))


_DIGITS = 3
