"""The kind of sink that is a URL for checkpoints."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, cast

from cedrina_base.outgoing_http import OutgoingClient, OutgoingHttpError
from security_events.delivery import configured_sinks
from security_events.delivery.kinds import CheckpointKind, DeliveryFailed
from security_events.delivery.schedule import SHORT_DELAYS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from security_events.models import Sink
    from security_events.selectors.trail import TrailEvent
    from security_events.sinks.sink_targets import WebhookTarget

BATCH_SECONDS = 5.0
_OK = range(200, 300)


class CheckpointWebhookKind(CheckpointKind):
    """Posts each checkpoint to a URL. The note in it is signed, so the request bears no other signature."""

    name = configured_sinks.CHECKPOINT_WEBHOOK
    batch_size = 20
    retry_delays = SHORT_DELAYS

    def __init__(self, *, client: Callable[[], OutgoingClient] = OutgoingClient) -> None:
        self._client = client

    def deliver(self, sink: Sink, events: Sequence[TrailEvent], *, now: datetime) -> int:
        """Post checkpoints in their order until one is refused; each answer but 2xx is a refusal.

        Raises: DeliveryFailed.
        """
        target = cast("WebhookTarget", configured_sinks.target_of(sink))
        started = time.monotonic()
        with self._client() as client:
            for number, event in enumerate(events):
                if number and time.monotonic() - started > BATCH_SECONDS:
                    return number
                try:
                    answer = client.request(
                        "POST", target.url, body=_webhook_body(event), headers=_webhook_headers(event, now)
                    )
                except OutgoingHttpError as error:
                    raise DeliveryFailed(error.reason, delivered=number) from error
                if answer.status not in _OK:
                    raise DeliveryFailed(f"status {answer.status}", delivered=number)
        return len(events)

    def deliver_requests(self, sink: Sink, *, now: datetime) -> None:
        """Nothing can be asked for."""


def _webhook_body(event: TrailEvent) -> bytes:
    """Return the body, in the shape of Standard Webhooks 1.0.0."""
    body = {"type": "audit_trail.checkpoint_created", "timestamp": event.form["created_at"], "data": event.form}
    return json.dumps(body, separators=(",", ":")).encode()


def _webhook_headers(event: TrailEvent, now: datetime) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "User-Agent": "Cedrina",
        "webhook-id": f"checkpoint_{event.form['size']}",
        "webhook-timestamp": str(int(now.timestamp())),
    }
