"""Streams of shared signals in the admin."""

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.cache import cache
from django.test import Client
from rest_framework.test import APIClient

from security_events.models import SecurityEvent, Sink
from tests.factories.accounts import PASSWORD, UserFactory, give
from tests.factories.signals import PUSH, Receiver
from tests.factories.tokens import sign_in_at_admin
from tokens.models import SignalStream

pytestmark = pytest.mark.django_db
STREAMS = "/admin/tokens/signalstream/"


@pytest.fixture(autouse=True)
def empty_cache():
    cache.clear()


def signed_in(user):
    client = Client()
    sign_in_at_admin(client, user)
    return client


def staff(*names):
    user = UserFactory(raw_password=PASSWORD)
    give(user, *names)
    return signed_in(user)


@pytest.fixture
def stream():
    delivery = {
        "method": PUSH,
        "endpoint_url": "https://receiver.example.com/events/path-secret",
        "authorization_header": "Bearer receiver-secret",
    }
    return Receiver(APIClient(), name="shop").create(delivery=delivery, description="ends sessions of the shop")


@pytest.fixture
def browser():
    return signed_in(UserFactory(username="boss", raw_password=PASSWORD, admin=True))


def act(browser, action, stream):
    chosen = {"action": action, ACTION_CHECKBOX_NAME: [stream["stream_id"]]}
    return browser.post(STREAMS, {**chosen, "confirmed": "yes", "reason": "a test"})


def events(kind):
    return SecurityEvent.objects.filter(type=f"signal_stream.{kind}")


class TestPages:
    def test_show_how_the_delivery_goes_and_no_secret(self, browser, stream):
        Sink.objects.update(last_error="HTTP 503", state="failing")
        for path in (STREAMS, f"{STREAMS}{stream['stream_id']}/change/"):
            page = browser.get(path).content.decode()
            assert "shop" in page
            assert "HTTP 503" in page
            assert "failing, tried again" in page
            assert "path-secret" not in page
            assert "receiver-secret" not in page
        assert "receiver.example.com" in page

    def test_are_for_those_with_the_right(self, stream):
        assert staff("service_clients:read").get(STREAMS).status_code == 403
        reader = staff("ssf:read")
        assert reader.get(STREAMS).status_code == 200
        act(reader, "delete_streams", stream)
        assert SignalStream.objects.count() == 1


class TestActions:
    def test_pause_and_resume(self, browser, stream):
        act(browser, "pause", stream)
        found = SignalStream.objects.select_related("sink").get()
        assert (found.status, found.sink.is_enabled) == ("paused", False)
        assert events("status_changed").get().data == {"status": "paused", "note": "a test", "dropped": 0}

        act(browser, "resume", stream)
        found = SignalStream.objects.select_related("sink").get()
        assert (found.status, found.sink.is_enabled, found.pending_signals.count()) == ("enabled", True, 1)

    def test_delete(self, browser, stream):
        act(browser, "delete_streams", stream)

        assert not SignalStream.objects.exists()
        assert not Sink.objects.filter(pk=stream["stream_id"]).exists()
        event = events("deleted").get()
        assert (event.target_id, event.data["note"]) == (stream["stream_id"], "a test")
