"""The command `webhooks`, beside a process that delivers."""

import json
import threading
from contextlib import contextmanager

import pytest
from django.core.management import call_command
from django.db import connections
from django.utils import timezone

from security_events.delivery.dispatcher import Dispatcher
from security_events.models import Sink, WebhookDelivery
from tests.factories.webhooks import make_webhook

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def delivering():
    dispatcher = Dispatcher()

    def run():
        dispatcher.run()
        connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    yield
    dispatcher.stop()
    thread.join()


def run(capsys, *arguments, code=0):
    try:
        call_command("webhooks", *arguments)
        ended = 0
    except SystemExit as end:
        ended = end.code
    assert ended == code
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def webhook(receiver):
    return make_webhook(receiver.url, now=timezone.now(), types=["session.created"]).webhook


def test_lists_webhooks_without_their_urls(webhook, capsys):
    (listed,) = run(capsys, "list", "--json")["webhooks"]
    assert (listed["id"], listed["state"]) == (str(webhook.pk), "active")
    assert "key=1" not in json.dumps(listed)


def test_sends_a_test_and_says_what_became_of_it(webhook, receiver, capsys):
    receiver.answers = [204, 500]
    with delivering():
        done = run(capsys, "test", str(webhook.pk), "--json")
        failed = run(capsys, "test", str(webhook.pk), "--json", code=1)
    assert done["delivery"]["status"] == "delivered"
    assert (failed["error"]["code"], "status_500" in failed["error"]["detail"]) == ("not_delivered", True)


def test_says_that_nothing_delivers(webhook, capsys):
    answer = run(capsys, "test", str(webhook.pk), "--wait", "0", "--json", code=1)
    assert answer["error"]["code"] == "not_sent"


def test_replays_and_changes_nothing_in_a_dry_run(webhook, capsys):
    Sink.objects.update(transaction_id=2**62)
    since = ("--since", "2020-01-01T00:00:00Z")
    assert run(capsys, "replay", str(webhook.pk), *since, "--dry-run", "--json")["result"] == "would_replay"
    assert Sink.objects.get().transaction_id == 2**62
    assert run(capsys, "replay", str(webhook.pk), *since, "--json")["result"] == "replayed"
    assert Sink.objects.get().transaction_id < 2**62

    unknown = "01972b5c-0000-7000-8000-000000000000"
    for arguments in (("replay", str(webhook.pk), "--delivery", unknown), ("test", unknown, "--dry-run")):
        assert run(capsys, *arguments, "--json", code=1)["error"]["code"] == "not_found"
    assert not WebhookDelivery.objects.exists()
