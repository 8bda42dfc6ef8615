"""Webhooks to a real receiver, verified by the libraries of the specification."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone
from standardwebhooks import Webhook as ForeignWebhook
from standardwebhooks.webhooks import WebhookVerificationError

from accounts.event_types import LOGIN_SUCCEEDED, PASSWORD_CHANGED
from security_events.delivery import kinds, sender, sink_rows, webhook_log
from security_events.delivery.webhook_kind import WebhookKind
from security_events.exporters.formats import ExportFormat, line_of
from security_events.models import SecurityEvent, Sink, WebhookDelivery
from security_events.selectors.trail import form_of
from security_events.services import webhooks
from security_events.services.detection import incident_changes
from security_events.services.recording import record
from security_events.types import IncidentStatus, Subject, Verdict
from tests.factories.incidents import open_incident
from tests.factories.webhooks import OPERATOR, allow_loopback, make_webhook
from tests.peers.webhook_receiver import endless_body
from tests.programs import node_packages
from tests.programs.served import ROOT

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)


@pytest.fixture
def now():
    return timezone.now()  # foreign verifiers compare with their own clock


def record_events(count, event_type=LOGIN_SUCCEEDED):
    return [str(record(event_type, target=Subject("7", "مینا"))) for _ in range(count)]


def lower(headers):
    return {name.lower(): value for name, value in headers.items()}


def log_of(webhook):
    rows = WebhookDelivery.objects.filter(webhook=webhook).order_by("pk")
    return [(row.cause, row.status, row.attempts, row.response_status, row.error) for row in rows]


class TestMessages:
    def test_are_verified_by_the_library_for_python(self, receiver, now):
        made = make_webhook(receiver.url, now=now, types=[LOGIN_SUCCEEDED.id])
        event_id, *_ = record_events(1)

        sender.deliver(made.webhook.pk, now=now)

        (message,) = receiver.received
        body = ForeignWebhook(made.secret).verify(message.body, message.headers)
        form = form_of(event_id)
        assert body == {"type": "authentication.login_succeeded", "timestamp": form["occurred_at"], "data": form}
        assert message.headers["webhook-id"] == event_id
        with pytest.raises(WebhookVerificationError):
            ForeignWebhook(made.secret).verify(message.body + b" ", message.headers)
        other = make_webhook(receiver.url, now=now)
        with pytest.raises(WebhookVerificationError):
            ForeignWebhook(other.secret).verify(message.body, message.headers)

    def test_tell_of_incidents(self, receiver, now):
        types = ["incident.opened", "incident.resolved"]
        made = make_webhook(receiver.url, now=now, types=types)
        incident = open_incident(now=now)
        verdict = {"status": IncidentStatus.RESOLVED, "verdict": Verdict.TRUE_POSITIVE}
        incident_changes.change(incident_id=incident.pk, actor=OPERATOR, now=now, **verdict)

        sender.deliver(made.webhook.pk, now=now)

        bodies = [json.loads(message.body) for message in receiver.received]
        assert [body["type"] for body in bodies] == types
        assert {body["data"]["data"]["incident"] for body in bodies} == {str(incident.pk)}
        assert bodies[1]["data"]["data"]["verdict"] == "true_positive"

    def test_are_verified_by_the_library_for_node_and_by_the_public_key(self, receiver, now):
        node_packages.install(ROOT / "tests" / "clients" / "webhook_verifier")
        made = make_webhook(receiver.url, now=now, types=[LOGIN_SUCCEEDED.id])
        record_events(3)
        sender.deliver(made.webhook.pk, now=now)
        messages = [{"headers": lower(each.headers), "body": each.body.decode()} for each in receiver.received]

        verified = subprocess.run(
            ["node", "verify.mjs", made.secret, made.webhook.secrets.get().public_key],
            cwd=ROOT / "tests" / "clients" / "webhook_verifier",
            input=json.dumps(messages),
            capture_output=True,
            text=True,
            check=True,
        )
        assert json.loads(verified.stdout) == ["authentication.login_succeeded"] * 3

    def test_are_signed_with_both_secrets_while_they_overlap(self, receiver, now):
        made = make_webhook(receiver.url, now=now, types=[LOGIN_SUCCEEDED.id])
        rotated = webhooks.rotate_secret(webhook_id=made.webhook.pk, overlap=HOUR, actor=OPERATOR, now=now)
        record_events(1)
        sender.deliver(made.webhook.pk, now=now)
        for secret in (made.secret, rotated.secret):
            ForeignWebhook(secret).verify(receiver.received[0].body, receiver.received[0].headers)

        webhooks.rotate_secret(webhook_id=made.webhook.pk, overlap=timedelta(), actor=OPERATOR, now=now)
        record_events(1)
        sender.deliver(made.webhook.pk, now=now)
        message = receiver.received[1]
        with pytest.raises(WebhookVerificationError):
            ForeignWebhook(rotated.secret).verify(message.body, message.headers)

    def test_are_those_of_the_chosen_types_or_all(self, receiver, now):
        chosen = make_webhook(receiver.url + "&chosen", now=now, types=[PASSWORD_CHANGED.id]).webhook
        everything = make_webhook(receiver.url, now=now).webhook
        record_events(2)
        (wanted,) = record_events(1, PASSWORD_CHANGED)

        sender.deliver(chosen.pk, now=now)
        assert receiver.ids == [wanted]
        receiver.received.clear()
        sender.deliver(everything.pk, now=now)
        types = [json.loads(each.body)["type"] for each in receiver.received]
        assert types == ["webhook.created", *["authentication.login_succeeded"] * 2, "password.changed"]

    @pytest.mark.parametrize("name", ["ocsf", "ecs", "cef", "cloudevents"])
    def test_have_data_in_the_chosen_format(self, receiver, now, name):
        made = make_webhook(receiver.url, now=now, types=[LOGIN_SUCCEEDED.id], format=name)
        event_id, *_ = record_events(1)
        sender.deliver(made.webhook.pk, now=now)

        body = ForeignWebhook(made.secret).verify(receiver.received[0].body, receiver.received[0].headers)
        line = line_of(form_of(event_id), ExportFormat(name))
        assert body["data"] == (line if name == "cef" else json.loads(line))


class TestFailures:
    @pytest.mark.parametrize("answer", [500, 404, 400, 401, 429, 503, (302, {"Location": "http://127.0.0.1/"})])
    def test_with_any_status_but_2xx_are_tried_again_under_the_same_id(self, receiver, now, answer):
        webhook = make_webhook(receiver.url, now=now, types=[LOGIN_SUCCEEDED.id]).webhook
        recorded = record_events(2)
        receiver.answers = [answer]

        sender.deliver(webhook.pk, now=now)
        assert receiver.ids == recorded[:1]
        status = answer if isinstance(answer, int) else 302
        assert log_of(webhook) == [("event", "failing", 1, status, f"status_{status}")]
        sender.deliver(webhook.pk, now=now + HOUR)

        assert receiver.ids == [recorded[0], *recorded]
        first, again = (receiver.received[index].headers for index in (0, 1))
        assert int(again["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 3600
        assert first["webhook-signature"] != again["webhook-signature"]
        assert log_of(webhook) == [("event", "delivered", 2, 204, ""), ("event", "delivered", 1, 204, "")]

    def test_ask_for_a_pause_by_seconds_or_a_date(self, receiver, now):
        webhook = make_webhook(receiver.url, now=now, types=[LOGIN_SUCCEEDED.id]).webhook
        record_events(1)
        date = (now + timedelta(hours=2)).strftime("%a, %d %b %Y %H:%M:%S GMT")
        for text, least in (("600", timedelta(minutes=10)), (date, timedelta(minutes=119)), ("soon", timedelta())):
            Sink.objects.update(next_attempt_at=None, attempts=0)
            receiver.answers = [(429, {"Retry-After": text})]
            sender.deliver(webhook.pk, now=now)
            wait = Sink.objects.get(pk=webhook.pk).next_attempt_at - now
            assert least <= wait < least + timedelta(minutes=2)

    def test_with_410_disable_the_webhook(self, receiver, now):
        webhook = make_webhook(receiver.url, now=now, types=[LOGIN_SUCCEEDED.id]).webhook
        record_events(1)
        receiver.answers = [410]

        sender.deliver(webhook.pk, now=now)

        webhook.sink.refresh_from_db()
        assert (webhook.sink.is_enabled, webhook.sink.state, webhook.sink.last_error) == (False, "gone", "status_410")

    def test_are_no_failures_once_the_status_was_2xx(self, receiver, now):
        webhook = make_webhook(receiver.url, now=now, types=[LOGIN_SUCCEEDED.id]).webhook
        recorded = record_events(2)
        receiver.answers = [endless_body]

        sender.deliver(webhook.pk, now=now)

        assert receiver.ids == recorded

    def test_of_76_hours_park_the_webhook_which_then_catches_up_in_order(self, receiver, now):
        webhook = make_webhook(receiver.url, now=now, types=[LOGIN_SUCCEEDED.id]).webhook
        recorded = record_events(5)
        receiver.answers = [500] * 10
        clock = now
        while Sink.objects.get(pk=webhook.pk).state != "parked":
            sender.deliver(webhook.pk, now=clock)
            clock = Sink.objects.get(pk=webhook.pk).next_attempt_at
        assert timedelta(hours=75) < clock - now < timedelta(hours=90)
        recorded += record_events(3)
        assert receiver.ids == recorded[:1] * len(receiver.received)
        failed = len(receiver.received)

        sender.deliver(webhook.pk, now=clock)

        assert receiver.ids[failed:] == recorded
        assert Sink.objects.get(pk=webhook.pk).state == "active"

    def test_make_no_events_that_would_be_delivered_and_fail(self, receiver, now):
        webhook = make_webhook(receiver.url, now=now).webhook
        sender.deliver(webhook.pk, now=now)
        before = SecurityEvent.objects.count()
        record_events(1)
        receiver.answers = [500] * 5
        for attempt in range(5):
            sender.deliver(webhook.pk, now=now + attempt * 11 * HOUR)

        assert SecurityEvent.objects.count() == before + 1

    def test_by_a_name_with_a_forbidden_address_have_the_reason_in_the_log(self, receiver, now, settings):
        webhook = make_webhook(receiver.url.replace("127.0.0.1", "hooks.example.com"), now=now).webhook
        kinds.register(WebhookKind(resolver=lambda _host, port, *_: [(2, 1, 6, "", ("169.254.169.254", port))]))

        sender.deliver(webhook.pk, now=now)

        assert log_of(webhook) == [("event", "failing", 1, None, "forbidden_address")]
        assert Sink.objects.get(pk=webhook.pk).last_error == "forbidden_address"
        assert receiver.received == []


class TestRequests:
    def test_a_test_is_sent_also_to_a_disabled_webhook(self, receiver, now):
        made = make_webhook(receiver.url, now=now)
        webhooks.change(webhook_id=made.webhook.pk, members={}, is_enabled=False, actor=OPERATOR, now=now)
        delivery = webhooks.request_test(webhook_id=made.webhook.pk, now=now)

        sender.deliver(made.webhook.pk, now=now)

        (message,) = receiver.received
        assert ForeignWebhook(made.secret).verify(message.body, message.headers)["type"] == "webhook.test"
        assert message.headers["webhook-id"] == str(delivery.message_id)
        assert log_of(made.webhook) == [("test", "delivered", 1, 204, "")]

    def test_a_replay_is_sent_once_under_the_id_of_its_event(self, receiver, now):
        webhook = make_webhook(receiver.url, now=now, types=[LOGIN_SUCCEEDED.id]).webhook
        recorded = record_events(2)
        sender.deliver(webhook.pk, now=now)
        first = WebhookDelivery.objects.order_by("pk").first()
        receiver.answers = [500]

        webhooks.replay_delivery(webhook_id=webhook.pk, delivery_id=first.pk, now=now)
        assert sink_rows.due_sinks(kinds=["webhook"], now=now) == [webhook.pk]
        sender.deliver(webhook.pk, now=now)

        assert receiver.ids == [*recorded, recorded[0]]
        assert receiver.received[0].body == receiver.received[2].body
        assert log_of(webhook)[2] == ("replay", "failed", 1, 500, "status_500")
        assert Sink.objects.get(pk=webhook.pk).state == "active"

    def test_a_replay_since_a_time_sends_all_events_from_then_on_in_order(self, receiver, now):
        webhook = make_webhook(receiver.url, now=now, types=[LOGIN_SUCCEEDED.id]).webhook
        recorded = record_events(4)
        sender.deliver(webhook.pk, now=now)
        since = SecurityEvent.objects.get(pk=recorded[2]).occurred_at

        webhooks.replay_since(webhook_id=webhook.pk, since=since, actor=OPERATOR, now=now)
        sender.deliver(webhook.pk, now=now)

        assert receiver.ids == [*recorded, *recorded[2:]]
        assert [row[2] for row in log_of(webhook)] == [1, 1, 2, 2]

    def test_a_request_survives_a_process_that_is_killed_before_it_is_sent(self, receiver, now):
        webhook = make_webhook(receiver.url, now=now, types=[LOGIN_SUCCEEDED.id]).webhook
        webhooks.request_test(webhook_id=webhook.pk, now=now)

        class Killed(WebhookKind):
            def deliver_requests(self, sink, *, now):
                raise SystemExit

        kinds.register(Killed())
        with pytest.raises(SystemExit):
            sender.deliver(webhook.pk, now=now)
        kinds.register(WebhookKind())
        sender.deliver(webhook.pk, now=now)

        assert len(receiver.received) == 1


class TestLog:
    def test_keeps_a_bounded_number_of_lines_and_forgets_old_ones(self, receiver, now, monkeypatch):
        monkeypatch.setattr(webhook_log, "KEPT", 3)
        webhook = make_webhook(receiver.url, now=now, types=[LOGIN_SUCCEEDED.id]).webhook
        recorded = record_events(8)
        sender.deliver(webhook.pk, now=now)

        kept = WebhookDelivery.objects.order_by("pk").values_list("message_id", flat=True)
        assert [str(each) for each in kept] == recorded[-4:]
        assert webhook_log.purge(now=now + timedelta(days=29)) == 0
        assert webhook_log.purge(now=now + timedelta(days=31)) == 4

    def test_and_no_other_place_holds_a_secret_or_an_answer(self, receiver, now, caplog):
        made = make_webhook(receiver.url, now=now)

        def talkative(handler):
            handler.send_response(500, "the-answer")
            handler.send_header("Content-Length", "10")
            handler.end_headers()
            handler.wfile.write(b"the-answer")

        receiver.answers = [talkative]
        sender.deliver(made.webhook.pk, now=now)

        with connection.cursor() as cursor:
            rows = []
            for table in ("sink", "webhook", "webhooksecret", "webhookdelivery", "event"):
                cursor.execute(f"SELECT row_to_json(t)::text FROM security_events_{table} t")
                rows += [text for (text,) in cursor.fetchall()]
        text = "\n".join(rows) + caplog.text
        assert "the-answer" not in text
        assert made.secret not in text
        assert made.secret.removeprefix("whsec_")[:20] not in text
        assert sum("key=1" in row for row in rows) == 1  # the URL in its own column, in no event


PROCESS = """
import django
django.setup()
from datetime import UTC, datetime
from uuid import UUID
from django.conf import settings
from security_events.delivery import kinds, sender
settings.CEDRINA_BASE = {outbound}
kinds.load()
sender.deliver(UUID("{sink}"), now=datetime.now(UTC))
"""


@pytest.mark.process
def test_a_process_that_is_killed_while_it_sends_loses_nothing(receiver, now, settings):
    """The receiver kills the sender before it answers: at the first message, in the middle, and at the last one."""
    webhook = make_webhook(receiver.url, now=now, types=[LOGIN_SUCCEEDED.id]).webhook
    recorded = record_events(6)
    script = PROCESS.format(sink=webhook.pk, outbound=settings.CEDRINA_BASE)
    environment = {**os.environ, **database_environment()}
    for answered in (0, 3, 5):
        process = subprocess.Popen([sys.executable, "-c", script], env=environment, cwd=ROOT)

        def kill(handler, process=process):
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            handler.close_connection = True

        receiver.answers = [204] * answered + [kill]
        assert process.wait(60) == -signal.SIGKILL
        Sink.objects.update(leased_until=None)  # the lease of a killed process ends after 30 s

    sender.deliver(webhook.pk, now=timezone.now())

    assert list(dict.fromkeys(receiver.ids)) == recorded
    assert receiver.ids[-6:] == recorded


def database_environment():
    values = connection.settings_dict
    url = f"postgres://{values['USER']}:{values['PASSWORD']}@{values['HOST']}:{values['PORT']}/{values['NAME']}"
    return {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "cedrina.settings.test"}
