"""What the services of webhooks decide, also when several operators act at once."""

import threading

import pytest
from django.db import connections
from django.utils import timezone

from security_events.errors import WebhookKeyMissing, WebhookLimitReached
from security_events.models import SecurityEvent, Sink, WebhookSecret
from security_events.services import webhooks
from tests.factories.webhooks import OPERATOR, make_webhook

URL = "https://hooks.example.com/cedrina?key=s3cret"


@pytest.mark.django_db
class TestCreate:
    def test_stores_secrets_encrypted(self):
        made = make_webhook(URL, now=timezone.now())

        stored = WebhookSecret.objects.values_list("secret", "private_key")[0]
        assert all(text.startswith("test1:") for text in stored)
        assert WebhookSecret.objects.get().secret == made.secret

    def test_refuses_to_store_a_secret_without_a_key(self, settings):
        settings.SECURITY_EVENTS = {**settings.SECURITY_EVENTS, "FIELD_ENCRYPTION_KEYS": []}
        with pytest.raises(WebhookKeyMissing):
            make_webhook(URL, now=timezone.now())
        assert not Sink.objects.exists()

    def test_names_the_host_alone_outside_of_its_own_row(self):
        webhook = make_webhook(URL, now=timezone.now()).webhook
        webhooks.change(webhook_id=webhook.pk, members={"url": URL + "2"}, actor=OPERATOR, now=timezone.now())
        webhooks.delete(webhook_id=webhook.pk, actor=OPERATOR, now=timezone.now())

        events = SecurityEvent.objects.filter(target_id=str(webhook.pk))
        assert events.count() == 3
        assert not any("s3cret" in f"{event.target_name}{event.data}" for event in events)


@pytest.mark.django_db(transaction=True)
def test_two_operators_at_once_do_not_exceed_the_limit():
    for _ in range(webhooks.MOST_WEBHOOKS - 1):
        make_webhook(URL, now=timezone.now())
    outcomes, barrier = [], threading.Barrier(4)

    def add():
        barrier.wait(120)
        try:
            outcomes.append(make_webhook(URL, now=timezone.now()).webhook.pk)
        except WebhookLimitReached:
            outcomes.append(None)
        connections.close_all()

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(outcome is not None for outcome in outcomes) == 1
    assert Sink.objects.filter(kind="webhook").count() == webhooks.MOST_WEBHOOKS
