"""What `tests/standalone/test_standalone.py` runs in a bare project: `security_events` alone."""

import sys

import pytest
from django.db import DatabaseError, transaction

from security_events.catalogue import CATALOGUE, EventType
from security_events.context import RequestContext, bind
from security_events.errors import UndeclaredEventType
from security_events.models import SecurityEvent
from security_events.services import partitions
from security_events.services.recording import record
from security_events.types import Outcome, Severity, Subject
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
    assert set(CATALOGUE) == {"invoice.paid", "card.refused", "network.refusals_suppressed"}


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


def test_nothing_else_was_needed():
    ours = {"accounts", "cedrina", "ratelimiting", "tokens", "rest_framework"}
    assert not {name for name in sys.modules if name.partition(".")[0] in ours}
