"""Conditional requests (RFC 9110, 13)."""

from django.utils.http import parse_etags

from accounts.errors import VersionRequired

_MAX_DIGITS = 10


def versions_from(if_match: str | None) -> frozenset[int] | None:
    """Return the versions that an If-Match header names, ``None`` for its asterisk.

    Weak and foreign entity tags name no version, so that nothing matches them (strong comparison, 8.8.3.2).

    Raises: VersionRequired.
    """
    if if_match is None or not if_match.strip():
        raise VersionRequired
    tags = parse_etags(if_match)
    if tags == ["*"]:
        return None
    texts = [tag.strip('"') for tag in tags if tag.startswith('"')]
    return frozenset(int(text) for text in texts if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS)
