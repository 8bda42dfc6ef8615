"""The admin's pages of webhooks: register, change, test, rotate, delete, and send deliveries again."""

import html
import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from security_events.models import Sink, Webhook, WebhookDelivery
from security_events.services import webhooks
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.tokens import sign_in_at_admin
from tests.factories.webhooks import make_webhook

pytestmark = pytest.mark.django_db

URL = "https://hooks.example.com/cedrina"
LIST = "admin:security_events_webhook_changelist"


def signed_in(**members):
    browser = Client()
    sign_in_at_admin(browser, UserFactory(raw_password=PASSWORD, **members))
    return browser


@pytest.fixture
def client():
    return signed_in(admin=True)


def act(client, action, *rows, page=LIST, **fields):
    body = {"action": action, "_selected_action": [str(row.pk) for row in rows], **fields}
    return client.post(reverse(page), body, follow=True)


def test_registers_a_webhook_and_shows_the_secret_once(client):
    form = {"url": URL, "types": ["session.created"], "format": "ocsf", "enabled": "on"}
    answer = client.post(reverse("admin:security_events_webhook_add"), form)

    webhook = Webhook.objects.get()
    secret = webhook.secrets.get()
    assert secret.secret in html.unescape(answer.content.decode())
    assert "no-store" in answer["Cache-Control"]
    assert (webhook.url, webhook.types, webhook.format) == (URL, ["session.created"], "ocsf")
    assert webhook.created_by
    for page in (LIST, "admin:security_events_webhook_change"):
        args = [webhook.pk] if page != LIST else []
        assert secret.secret not in client.get(reverse(page, args=args)).content.decode()


def test_refuses_a_forbidden_address_in_the_words_of_the_api(client):
    form = {"url": "https://127.0.0.1/", "format": "cedrina", "enabled": "on"}
    answer = client.post(reverse("admin:security_events_webhook_add"), form)
    assert "OUTBOUND_ALLOWED_NETWORKS" in answer.content.decode()
    assert not Webhook.objects.exists()


def test_changes_a_webhook_that_nobody_changed_meanwhile(client):
    webhook = make_webhook(URL, now=timezone.now()).webhook
    page = reverse("admin:security_events_webhook_change", args=[webhook.pk])
    form = {"url": URL, "format": "ecs", "seen_version": "1"}
    client.post(page, form)
    webhook = Webhook.objects.get()
    assert (webhook.format, webhook.sink.is_enabled, webhook.version) == ("ecs", False, 2)

    stale = client.post(page, {**form, "format": "cef"}, follow=True)
    assert "changed meanwhile" in stale.content.decode()
    assert Webhook.objects.get().format == "ecs"


def test_rotates_a_secret_tests_and_deletes(client):
    webhook = make_webhook(URL, now=timezone.now()).webhook
    assert "one day" in act(client, "rotate", webhook).content.decode()
    shown = act(client, "rotate", webhook, confirmed="yes", overlap="3600").content.decode()
    assert re.search(r"whsec_[A-Za-z0-9+/&#x;]+=", shown)
    assert webhook.secrets.count() == 2

    act(client, "send_test", webhook)
    assert Sink.objects.get().open_requests == 1

    client.post(reverse("admin:security_events_webhook_delete", args=[webhook.pk]), {"post": "yes"})
    assert not Webhook.objects.exists()
    assert not Sink.objects.exists()


def test_sends_deliveries_again(client):
    webhook = make_webhook(URL, now=timezone.now()).webhook
    delivery = webhooks.request_test(webhook_id=webhook.pk, now=timezone.now())
    answer = act(client, "send_again", delivery, page="admin:security_events_webhookdelivery_changelist")
    assert answer.status_code == 200
    assert WebhookDelivery.objects.count() == 2


def test_is_closed_to_staff_without_the_permission():
    webhook = make_webhook(URL, now=timezone.now()).webhook
    client = signed_in(roles=["jobs:read"])
    for page, args in ((LIST, []), ("admin:security_events_webhook_change", [webhook.pk])):
        assert client.get(reverse(page, args=args)).status_code == 403
