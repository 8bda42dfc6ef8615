"""What the members of a stream's configuration may be (Shared Signals Framework 1.0, 8.1.1).

Members that are not known are ignored, as in JSON documents of other OAuth endpoints: a receiver may follow a later
version of the framework.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _

from cedrina_base.outgoing_http import ForbiddenUrl, require_allowed_url
from tokens.conf import token_settings
from tokens.errors import SignalStreamInvalid
from tokens.shared_signals.event_uris import SUPPORTED

PUSH, POLL = "urn:ietf:rfc:8935", "urn:ietf:rfc:8936"
ISS_SUB, EMAIL = "iss_sub", "email"
STATUSES = ("enabled", "paused", "disabled")
LONGEST_DESCRIPTION, LONGEST_URL, LONGEST_HEADER = 500, 2000, 4096
LONGEST_EVENT_URI, MOST_EVENTS = 255, 50
LONGEST_STATUS_REASON, LONGEST_STATE = 255, 1024


def validated_configuration(
    body: Mapping[str, Any], *, current: Mapping[str, Any] | None = None, is_replaced: bool = False
) -> dict[str, Any]:
    """Return the columns that the members supplied by a receiver change.

    ``current`` are the columns of a stream that exists; with ``is_replaced`` members that are left out get their
    defaults. The credential for the receiver's address is kept only while that address stays: whoever may change a
    stream must not get the credential sent elsewhere.

    Raises: SignalStreamInvalid.
    """
    names = _VALIDATORS if current is None or is_replaced else [name for name in _VALIDATORS if name in body]
    values: dict[str, Any] = {}
    for name in names:
        values |= _VALIDATORS[name](body.get(name))
    if "delivery" in names:
        values |= _kept_credential(body, values, current, is_replaced=is_replaced)
    return values


def require_expected(body: Mapping[str, Any], configuration: Mapping[str, Any]) -> None:
    """Compare the members that only the transmitter sets with what they are (the framework, 8.1.1.3).

    Raises: SignalStreamInvalid.
    """
    for name in ("iss", "aud", "events_supported", "events_delivered", "min_verification_interval"):
        if name in body and not _is_same(body[name], configuration[name]):
            raise SignalStreamInvalid(member=name, sentence=_("The transmitter sets this, and it is another value."))


def validated_status(body: Mapping[str, Any]) -> tuple[str, str]:
    """Return the wanted status and its reason.

    Raises: SignalStreamInvalid.
    """
    status = body.get("status")
    if not isinstance(status, str) or status not in STATUSES:
        sentence = _("It must be one of %(names)s.") % {"names": ", ".join(STATUSES)}
        raise SignalStreamInvalid(member="status", sentence=sentence)
    return status, text_of(body, "reason", longest=LONGEST_STATUS_REASON) or ""


def text_of(body: Mapping[str, Any], name: str, *, longest: int, is_opaque: bool = False) -> str | None:
    """Return an optional text. One that is ``is_opaque`` is not shown to people, and may hold any characters.

    Raises: SignalStreamInvalid.
    """
    text = body.get(name)
    if text is None:
        return None
    if not isinstance(text, str) or len(text) > longest or not (is_opaque or text.isprintable()):
        sentence = _("It must be text on one line, of at most %(longest)d characters.") % {"longest": longest}
        raise SignalStreamInvalid(member=name, sentence=sentence)
    return text


def _description(given: Any) -> dict[str, Any]:
    return {"description": text_of({"description": given}, "description", longest=LONGEST_DESCRIPTION) or ""}


def _events_requested(given: Any) -> dict[str, Any]:
    """Keep the names of events that we don't send, too: the receiver sees in ``events_delivered`` what it gets."""
    if given is None:
        return {"events_requested": list(SUPPORTED)}
    is_list = isinstance(given, list) and 0 < len(given) <= MOST_EVENTS
    if not is_list or not all(
        isinstance(uri, str) and 0 < len(uri) <= LONGEST_EVENT_URI and uri.isprintable() for uri in given
    ):
        sentence = _("It must be a list of at most %(most)d event types.") % {"most": MOST_EVENTS}
        raise SignalStreamInvalid(member="events_requested", sentence=sentence)
    return {"events_requested": list(dict.fromkeys(given))}


def _format(given: Any) -> dict[str, Any]:
    if given is None or given == ISS_SUB:
        return {"user_format": ISS_SUB}
    if given == EMAIL and token_settings.SSF_EMAIL_SUBJECTS:
        return {"user_format": EMAIL}
    sentence = _("It must be iss_sub, or email where the operator allows it.")
    raise SignalStreamInvalid(member="format", sentence=sentence)


def _delivery(given: Any) -> dict[str, Any]:
    delivery = {"method": POLL} if given is None else given
    if not isinstance(delivery, Mapping) or delivery.get("method") not in (PUSH, POLL):
        sentence = _("Its method must be %(push)s or %(poll)s.") % {"push": PUSH, "poll": POLL}
        raise SignalStreamInvalid(member="delivery", sentence=sentence)
    if delivery["method"] == POLL:
        return {"delivery_method": POLL, "endpoint_url": "", "authorization_header": ""}
    return {
        "delivery_method": PUSH,
        "endpoint_url": _endpoint_url(delivery.get("endpoint_url")),
        "authorization_header": _authorization_header(delivery.get("authorization_header")),
    }


def _endpoint_url(given: Any) -> str:
    if not isinstance(given, str) or not 0 < len(given) <= LONGEST_URL or not given.isprintable() or " " in given:
        raise _invalid_address(_("It must be an https address of at most 2000 characters."))
    try:
        require_allowed_url(given)
        parts = urlsplit(given)
    except (ForbiddenUrl, ValueError):
        raise _invalid_address(_("No events are sent to this address. Give an https address that is public.")) from None
    if parts.username is not None or parts.password is not None:
        raise _invalid_address(_("It must have no password. Use authorization_header."))
    return given


def _authorization_header(given: Any) -> str:
    if given is None:
        return ""
    is_value = isinstance(given, str) and 0 < len(given) <= LONGEST_HEADER
    if not is_value or not given.isascii() or not given.isprintable() or given != given.strip():
        sentence = _("It must be the value of one header, in printable ASCII.")
        raise SignalStreamInvalid(member="delivery.authorization_header", sentence=sentence)
    return str(given)


def _kept_credential(
    body: Mapping[str, Any], values: Mapping[str, Any], current: Mapping[str, Any] | None, *, is_replaced: bool
) -> dict[str, Any]:
    delivery = body.get("delivery")
    is_named = isinstance(delivery, Mapping) and "authorization_header" in delivery
    if current is None or is_replaced or is_named or values["endpoint_url"] != current["endpoint_url"]:
        return {}
    return {"authorization_header": current["authorization_header"]}


def _is_same(given: Any, expected: Any) -> bool:
    if isinstance(expected, Sequence) and not isinstance(expected, str):
        return isinstance(given, list) and sorted(map(str, given)) == sorted(expected)
    return type(given) is type(expected) and given == expected


def _invalid_address(sentence: Any) -> SignalStreamInvalid:
    return SignalStreamInvalid(member="delivery.endpoint_url", sentence=sentence)


_VALIDATORS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "description": _description,
    "events_requested": _events_requested,
    "format": _format,
    "delivery": _delivery,
}
