"""Conditional requests (RFC 9110, 13): a change names the versions that its author has read."""

from django.utils.http import parse_etags
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException

_MOST_DIGITS = 10


class PreconditionRequired(APIException):
    """The request lacks If-Match, without which it could overwrite a change of somebody else (RFC 6585, 3)."""

    status_code = 428
    default_code = "precondition_required"
    default_detail = _("Send the ETag of the version to change in If-Match.")


def versions_from(if_match: str | None) -> frozenset[int] | None:
    """Return the versions that an If-Match header names; ``None`` for its asterisk, which means any.

    Weak and foreign entity tags name no version, so that they never match (strong comparison, RFC 9110, 8.8.3.2).

    Raises: PreconditionRequired, if there is no header.
    """
    if if_match is None or not if_match.strip():
        raise PreconditionRequired
    tags = parse_etags(if_match)
    if tags == ["*"]:
        return None
    texts = [tag.strip('"') for tag in tags if tag.startswith('"')]
    return frozenset(int(text) for text in texts if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS)
