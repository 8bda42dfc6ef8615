"""What the members of a webhook may be. The API, the admin and the command refuse in the same words."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _

from cedrina_base import outgoing_http
from security_events.catalogue import CATALOGUE
from security_events.errors import WebhookInvalid
from security_events.exporters.formats import ExportFormat

MAX_OVERLAP = timedelta(days=30)


def validated_members(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return url, types and format as they are stored; those left out have their defaults.

    Raises: WebhookInvalid, for the first that can't be.
    """
    return {name: validate(members.get(name)) for name, validate in _VALIDATORS.items()}


def validate_overlap(overlap: timedelta) -> None:
    """Check for how long former secrets sign.

    Raises: WebhookInvalid.
    """
    if not timedelta() <= overlap <= MAX_OVERLAP:
        sentence = _("The overlap must be from 0 seconds to 30 days.")
        raise WebhookInvalid(member="overlap_seconds", member_code="invalid", sentence=sentence)


def host_of(url: str) -> str:
    """Return the host of a URL with its port, which names the receiver and holds no secret."""
    return urlsplit(url).netloc


def _url(given: Any) -> str:
    if not isinstance(given, str) or not given:
        raise WebhookInvalid(member="url", member_code="required", sentence=_("A webhook needs a URL."))
    try:
        outgoing_http.require_allowed_url(given)
    except outgoing_http.ForbiddenUrl as error:
        sentence = _FAULTS.get(error.reason, _FAULTS["forbidden_url"])
        raise WebhookInvalid(member="url", member_code="invalid", sentence=sentence) from error
    return given


_FAULTS = {
    "malformed_url": _("The URL must have at most 2048 characters of ASCII, and no fragment."),
    "forbidden_address": _("The address must be a public one, or in OUTBOUND_ALLOWED_NETWORKS."),
    "forbidden_url": _(
        "The URL must begin with https://, name a host, no user, and no port that OUTBOUND_ALLOWED_PORTS lacks."
    ),
}


def _types(given: Any) -> list[str]:
    texts = given if given is not None else []
    if not isinstance(texts, list | tuple) or not all(isinstance(name, str) and name in CATALOGUE for name in texts):
        sentence = _("The types must be ids of event types that are declared; none stands for all.")
        raise WebhookInvalid(member="types", member_code="invalid", sentence=sentence)
    return sorted(set(texts))


def _format(given: Any) -> str:
    if given is None:
        return ExportFormat.CEDRINA.value
    if given not in list(ExportFormat):
        sentence = _("The format must be one of %(formats)s.") % {"formats": ", ".join(ExportFormat)}
        raise WebhookInvalid(member="format", member_code="invalid", sentence=sentence)
    return str(given)


_VALIDATORS: Mapping[str, Callable[[Any], Any]] = {"url": _url, "types": _types, "format": _format}
