"""Incidents go with the events of their category."""

from datetime import timedelta

import pytest
from django.utils import timezone

from security_events.models import Incident, IncidentEvent, IncidentResponse
from security_events.services.detection import incident_changes
from security_events.services.retention import incidents, terms
from security_events.types import IncidentStatus, Subject, Verdict
from tests.factories.incidents import open_incident

pytestmark = pytest.mark.django_db

NOW = timezone.now()


@pytest.fixture
def term(settings):
    settings.SECURITY_EVENTS = {
        **settings.SECURITY_EVENTS,
        "RETENTION_DAYS": None,
        "RETENTION_DAYS_BY_CATEGORY": {"detection": 30},
    }
    terms.store_terms()


def resolve(incident, now):
    incident_changes.change(
        incident_id=incident.pk,
        status=IncidentStatus.RESOLVED,
        verdict=Verdict.BENIGN,
        actor=Subject("op"),
        now=now,
    )


def test_deletes_what_is_over_for_longer_than_the_term(term):
    old, recent = NOW - timedelta(days=31), NOW - timedelta(days=29)
    resolve(open_incident(now=old, key="resolved"), old)
    resolve(open_incident(now=old, key="resolved lately"), recent)
    open_incident(now=old, key="forgotten")
    open_incident(now=old, key="growing")
    open_incident(now=recent, key="growing")
    assert incidents.purge(now=NOW) == 2
    assert set(Incident.objects.values_list("key", flat=True)) == {"resolved lately", "growing"}
    assert IncidentEvent.objects.values("incident").distinct().count() == 2
    assert IncidentResponse.objects.values("incident").distinct().count() == 2


def test_without_a_term_keeps_all(settings):
    settings.SECURITY_EVENTS = {
        **settings.SECURITY_EVENTS,
        "RETENTION_DAYS": None,
        "RETENTION_DAYS_BY_CATEGORY": {},
    }
    terms.store_terms()
    open_incident(now=NOW - timedelta(days=4000))
    assert incidents.purge(now=NOW) == 0
