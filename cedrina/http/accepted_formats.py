"""Whether a client prefers HTML or JSON, from its Accept header (RFC 9110, 12.5.1)."""

from functools import lru_cache
from typing import Literal

# The number of characters that are read; browsers send about 130. Longer headers than the second are not cached:
# clients could fill the memory with them.
MAX_HEADER_LENGTH, MAX_CACHED_LENGTH = 1024, 256
HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
JSON_TYPES = frozenset({"application/json", "application/problem+json"})

Format = Literal["html", "json"]


def preferred_format(header: str) -> Format | None:
    """Return the format that a header names with the higher weight, ``None`` when it names neither.

    Ranges such as ``*/*`` name no format: programs send them, too. With equal weights HTML is preferred, since only
    browsers name it.
    """
    if len(header) <= MAX_CACHED_LENGTH:
        return _preferred_format(header)
    return _preferred_format.__wrapped__(header[:MAX_HEADER_LENGTH])


@lru_cache(maxsize=256)
def _preferred_format(header: str) -> Format | None:
    html = json = 0.0
    for item in header.lower().split(","):
        media_type, *parameters = (part.strip() for part in item.split(";"))
        if media_type in HTML_TYPES:
            html = max(html, _weight(parameters))
        elif media_type in JSON_TYPES:
            json = max(json, _weight(parameters))
    if html and html >= json:
        return "html"
    return "json" if json else None


def _weight(parameters: list[str]) -> float:
    """Return the weight among the parameters of a range, 1 when there is none, 0 when it is malformed."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            text = value.strip()
            is_number = text.isascii() and text.replace(".", "", 1).isdigit() and len(text) <= 5
            return min(1.0, float(text)) if is_number else 0.0
    return 1.0
