"""What `tests/standalone/test_standalone.py` runs in a bare project: `security_events` alone."""

import json
import sys

import pytest
from django.core.management import call_command
from django.db import DatabaseError, transaction
from django.utils import timezone

from security_events import event_types
from security_events.catalogue import CATALOGUE, EventType
from security_events.context import RequestContext, bind
from security_events.errors import UndeclaredEventType
from security_events.models import Incident, SecurityEvent, ShadowCount
from security_events.services import partitions
from security_events.services.detection import rule_settings
from security_events.services.detection.engine.batches import DetectionWorker
from security_events.services.recording import record
from security_events.services.retention import purging
from security_events.services.trail import sealing
from security_events.types import NO_SUBJECT, Outcome, RuleMode, Severity, Subject
from tests.security_events.old_events import days_ago, record_old
from tests.standalone.billing.event_types import CARD_REFUSED, INVOICE_PAID

pytestmark = pytest.mark.django_db


def test_an_event_is_recorded_masked_and_with_its_request():
    with bind(RequestContext(correlation_id="c" * 12, ip_address="203.0.113.7", user_agent="Phone/1.0")):
        event_id = record(
            CARD_REFUSED,
            actor=Subject(name="ada@example.com"),
            outcome=Outcome.FAILURE,
            data={"password": "hunter2"},
        )

    event = SecurityEvent.objects.get(id=event_id)
    assert (event.actor_name, event.data) == ("a***@example.com", {"password": "[redacted]"})
    assert (event.ip_address, event.correlation_id) == ("203.0.113.7", "c" * 12)


def test_types_of_the_project_stand_beside_those_of_the_app():
    record(INVOICE_PAID, data={"amount": 1200, "currency": "EUR"})

    event = SecurityEvent.objects.get(type="invoice.paid")
    assert (event.category, event.severity, event.risk_score) == ("billing", "info", 0)
    assert event.get_type_display() == "invoice.paid"
    assert dict(SecurityEvent._meta.get_field("category").flatchoices)["billing"] == "billing"
    of_the_app = {each.id for each in vars(event_types).values() if isinstance(each, EventType)}
    assert set(CATALOGUE) - of_the_app == {"invoice.paid", "card.refused"}


def test_an_undeclared_type_is_refused():
    undeclared = EventType("invoice.lost", "billing", Severity.LOW, 10)
    with pytest.raises(UndeclaredEventType):
        record(undeclared)
    assert not SecurityEvent.objects.exists()


def test_an_event_can_not_be_changed():
    event_id = record(CARD_REFUSED)
    for change in (
        lambda: SecurityEvent.objects.filter(id=event_id).update(outcome="success"),
        lambda: SecurityEvent.objects.filter(id=event_id).delete(),
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()


def test_partitions_stand_ready(now):
    assert len(partitions.ensure(now=now.replace(year=2417))) == 4


@pytest.mark.django_db(transaction=True)
def test_events_are_sealed_verified_exported_and_expire(tmp_path, capsys):
    record_old(CARD_REFUSED, at=days_ago(40), count=3)
    record_old(event_types.REFUSALS_SUPPRESSED, at=days_ago(40))
    record(INVOICE_PAID, data={"amount": 1200, "currency": "EUR"})
    output = tmp_path / "events.ndjson"

    assert sealing.seal(now=timezone.now()).events == 5
    call_command("export_security_events", output=output)
    assert purging.purge(now=timezone.now()).categories == {"billing": 3}
    sealing.seal(now=timezone.now())
    capsys.readouterr()
    call_command("verify_audit_trail", "--json")

    verified = json.loads(capsys.readouterr().out)
    assert (verified["ok"], verified["first_wrong"]) == (True, None)
    assert verified["not_covered"]["pruned_below"] + verified["not_covered"].get("purged", 0) == 3
    types = [json.loads(line)["type"] for line in output.read_text().splitlines()]
    assert types[:5] == ["card.refused"] * 3 + ["network.refusals_suppressed", "invoice.paid"]


@pytest.mark.django_db(transaction=True)
def test_a_rule_of_the_project_finds_what_it_looks_for():
    worker = DetectionWorker()
    worker.advance(now=timezone.now())  # from here on
    with bind(RequestContext(ip_address="203.0.113.7")):
        for _ in range(3):
            record(CARD_REFUSED, outcome=Outcome.FAILURE)
    for mode in (RuleMode.SHADOW, RuleMode.ENFORCE):
        worker.advance(now=timezone.now())
        assert Incident.objects.filter(rule="card_testing").count() == (mode is RuleMode.ENFORCE)
        rule_settings.change(
            rule_id="card_testing", mode=RuleMode.ENFORCE, reason="a test", actor=NO_SUBJECT, now=timezone.now()
        )
        with bind(RequestContext(ip_address="203.0.113.7")):
            record(CARD_REFUSED, outcome=Outcome.FAILURE)

    assert ShadowCount.objects.get(rule="card_testing").findings == 1
    assert Incident.objects.get().network == "203.0.113.0/24"


def test_nothing_else_was_needed():
    ours = {"accounts", "cedrina", "ratelimiting", "tokens", "rest_framework"}
    assert not {name for name in sys.modules if name.partition(".")[0] in ours}
