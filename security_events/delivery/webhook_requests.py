"""Send one message to a webhook, and say what became of it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, NamedTuple

from cedrina_base.outgoing_http import OutgoingClient, OutgoingHttpError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from security_events.webhooks.signatures import Signer

_GONE = 410
_MOST_BODY_BYTES = 4096  # it is read only so that the connection can be kept
_LONGEST_DIGITS = 9


class Message(NamedTuple):
    """A message to be sent; ``id`` is the ``webhook-id``, which stays the same at each attempt."""

    id: UUID
    type: str
    body: bytes


class Attempt(NamedTuple):
    """One attempt to send a message. ``error`` is empty if it was taken; no part of the answer is kept."""

    message_id: UUID
    message_type: str
    attempted_at: datetime
    duration_ms: int
    response_status: int | None
    error: str
    retry_after: timedelta | None = None

    @property
    def is_delivered(self) -> bool:
        return not self.error

    @property
    def is_gone(self) -> bool:
        """Whether the receiver wants no more messages (Standard Webhooks, "Delivery")."""
        return self.response_status == _GONE


def send(client: OutgoingClient, url: str, signer: Signer, message: Message, *, now: datetime) -> Attempt:
    """Send a message, with a new timestamp and signature. Each status but 2xx is an error, a redirect, too."""
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Cedrina-Webhooks",
        **signer.headers(message_id=str(message.id), body=message.body, now=now),
    }
    started = time.monotonic()
    status, error, retry_after = None, "", None
    try:
        answer = client.request("POST", url, body=message.body, headers=headers, max_body_bytes=_MOST_BODY_BYTES)
    except OutgoingHttpError as failure:
        error = failure.reason
    else:
        status = answer.status
        if not 200 <= status < 300:
            error = f"status_{status}"
            retry_after = retry_after_of(answer.headers, now=now)
    duration = int(1000 * (time.monotonic() - started))
    return Attempt(message.id, message.type, now, duration, status, error, retry_after)


def retry_after_of(headers: Mapping[str, str], *, now: datetime) -> timedelta | None:
    """Return what ``Retry-After`` asks for (RFC 9110, 10.2.3): seconds or a date; ``None`` for what is neither."""
    text = next((value for name, value in headers.items() if name.lower() == "retry-after"), "").strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=int(text[:_LONGEST_DIGITS]))
    try:
        date = parsedate_to_datetime(text)
        return max(timedelta(), (date if date.tzinfo else date.replace(tzinfo=UTC)) - now)
    except (ValueError, TypeError, OverflowError):
        return None
