"""Streams as the framework writes them (Shared Signals Framework 1.0, 8.1.1)."""

from typing import Any

from django.urls import get_script_prefix, reverse

from tokens.conf import token_settings
from tokens.models import DeliveryMethod, SignalStream
from tokens.services.shared_signals.security_event_tokens import audience_of
from tokens.services.shared_signals.stream_status import MIN_VERIFICATION_INTERVAL
from tokens.services.shared_signals.streams import delivered_events
from tokens.shared_signals.event_uris import SUPPORTED

STREAMS, STATUS, VERIFICATION = "ssf-streams", "ssf-status", "ssf-verification"
ADD_SUBJECT, REMOVE_SUBJECT, POLL = "ssf-add-subject", "ssf-remove-subject", "ssf-poll"


def address(name: str, **arguments: Any) -> str:
    """Return the address of a route below the issuer, which has the prefix of a project that is mounted below one."""
    return f"{token_settings.ISSUER}/{reverse(name, kwargs=arguments or None).removeprefix(get_script_prefix())}"


def stream_body(stream: SignalStream) -> dict[str, Any]:
    """Return the configuration of a stream, without the credential for its receiver."""
    body: dict[str, Any] = {
        "stream_id": str(stream.pk),
        "iss": token_settings.ISSUER,
        "aud": audience_of(stream),
        "events_supported": list(SUPPORTED),
        "events_requested": stream.events_requested,
        "events_delivered": delivered_events(stream),
        "delivery": {"method": stream.delivery_method, "endpoint_url": _endpoint_url(stream)},
        "min_verification_interval": int(MIN_VERIFICATION_INTERVAL.total_seconds()),
        "format": stream.user_format,
    }
    return {**body, "description": stream.description} if stream.description else body


def status_body(stream: SignalStream) -> dict[str, str]:
    """Return the status of a stream (the framework, 8.1.2.1)."""
    body = {"stream_id": str(stream.pk), "status": str(stream.status)}
    return {**body, "reason": stream.status_reason} if stream.status_reason else body


def _endpoint_url(stream: SignalStream) -> str:
    if stream.delivery_method == DeliveryMethod.POLL:
        return address(POLL, stream_id=stream.pk)
    return stream.endpoint_url
