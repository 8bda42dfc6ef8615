"""Webhooks for tests, and the kind that delivers to receivers on loopback."""

import pytest

from security_events.delivery import kinds
from security_events.delivery.webhook_kind import WebhookKind
from security_events.services import webhooks
from security_events.types import Subject

OPERATOR = Subject("1", "operator")


def allow_loopback(settings, *urls):
    """Let requests go to these receivers."""
    settings.CEDRINA_BASE = {
        "OUTBOUND_ALLOWED_NETWORKS": ["127.0.0.1/32"],
        "OUTBOUND_ALLOWED_PORTS": [80, 443, *(int(url.split(":")[2].split("/")[0]) for url in urls)],
        "OUTBOUND_PLAIN_HTTP": True,
    }


def make_webhook(url, *, now, **members):
    """Register a webhook; return it with its secret."""
    kinds.register(WebhookKind())
    return webhooks.create(members={"url": url, **members}, actor=OPERATOR, now=now)


@pytest.fixture
def receiver(settings):
    """A receiver on loopback that webhooks may be sent to."""
    from tests.peers.webhook_receiver import receiving

    with receiving() as each:
        allow_loopback(settings, each.url)
        yield each
