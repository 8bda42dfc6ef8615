"""The kind of sink that sends each event to a URL, by Standard Webhooks 1.0.0."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import Q

from cedrina_base.outgoing_http import OutgoingClient
from security_events.delivery import webhook_log
from security_events.delivery.kinds import DeliveryFailed
from security_events.delivery.schedule import RETRY_DELAYS
from security_events.delivery.sender import BATCH_SECONDS
from security_events.delivery.webhook_requests import Attempt, Message, send
from security_events.exporters.formats import ExportFormat
from security_events.models import DeliveryCause, DeliveryStatus, Sink, Webhook, WebhookDelivery
from security_events.selectors.trail import TrailEvent, form_of
from security_events.webhooks.messages import TEST_TYPE, body_of_test, event_body
from security_events.webhooks.signatures import Signer, SigningSecret

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

    from ssrfguard import Resolver

_REQUESTS_AT_ONCE = 100


class WebhookKind:
    """Sends one event after the other by one connection. ``resolver`` and ``tls`` are for tests."""

    name = "webhook"
    batch_size = 500
    retry_delays = RETRY_DELAYS

    def __init__(self, *, resolver: Resolver | None = None, tls: ssl.SSLContext | None = None) -> None:
        self._resolver, self._tls = resolver, tls

    def deliver(self, sink: Sink, events: Sequence[TrailEvent], *, now: datetime) -> int:
        """Send the events of the types that the webhook wants, in order, until one is not taken.

        Raises: DeliveryFailed.
        """
        webhook, signer = _loaded(sink, now)
        started = time.monotonic()
        attempts: list[Attempt] = []
        done = 0
        try:
            with self._client() as client:
                for event in events:
                    elapsed = time.monotonic() - started
                    if done and elapsed > BATCH_SECONDS:
                        break
                    if not webhook.types or event.form["type"] in webhook.types:
                        body = event_body(event.form, data_format=ExportFormat(webhook.format))
                        message = Message(event.position.event_id, event.form["type"], body)
                        sent_at = now + timedelta(seconds=elapsed)
                        attempts.append(send(client, webhook.url, signer, message, now=sent_at))
                        if not attempts[-1].is_delivered:
                            break
                    done += 1
        finally:
            webhook_log.store(webhook.pk, attempts)
        if attempts and not attempts[-1].is_delivered:
            last = attempts[-1]
            raise DeliveryFailed(last.error, delivered=done, retry_after=last.retry_after, is_gone=last.is_gone)
        return done

    def deliver_requests(self, sink: Sink, *, now: datetime) -> None:
        """Send the replays and tests that are queued, each once, in the order in which they were asked for."""
        webhook, signer = _loaded(sink, now)
        started = time.monotonic()
        queued = webhook.deliveries.filter(status=DeliveryStatus.QUEUED).order_by("pk")
        with self._client() as client:
            while time.monotonic() - started < BATCH_SECONDS and (delivery := queued.first()) is not None:
                sent_at = now + timedelta(seconds=time.monotonic() - started)
                webhook_log.store_requested(delivery.pk, _send_requested(client, webhook, signer, delivery, sent_at))

    def _client(self) -> OutgoingClient:
        return OutgoingClient(resolver=self._resolver, tls=self._tls)


def _loaded(sink: Sink, now: datetime) -> tuple[Webhook, Signer]:
    webhook = Webhook.objects.filter(pk=sink.pk).first()
    if webhook is None:
        raise DeliveryFailed("no webhook")
    live = webhook.secrets.filter(Q(expires_at=None) | Q(expires_at__gt=now)).order_by("-pk")
    return webhook, Signer([SigningSecret(each.secret, each.private_key, each.public_key) for each in live])


def _send_requested(
    client: OutgoingClient, webhook: Webhook, signer: Signer, delivery: WebhookDelivery, now: datetime
) -> Attempt:
    if delivery.cause == DeliveryCause.TEST:
        message = Message(delivery.message_id, TEST_TYPE, body_of_test(now=now))
        return send(client, webhook.url, signer, message, now=now)
    form = form_of(delivery.message_id)
    if form is None:
        return Attempt(delivery.message_id, delivery.type, now, 0, None, "event_deleted")
    message = Message(delivery.message_id, delivery.type, event_body(form, data_format=ExportFormat(webhook.format)))
    return send(client, webhook.url, signer, message, now=now)
