"""Incidents for tests, opened by the service that the engine opens them with."""

from dataclasses import replace

from cedrina_base.uuids import uuid7
from security_events import event_types
from security_events.detection import rules
from security_events.models import Incident
from security_events.services.detection import incidents, responses
from security_events.services.detection.incidents import Cause
from security_events.services.recording import record
from security_events.types import ResponseKind

RESPONSES = (ResponseKind.NOTIFY, ResponseKind.STEP_UP, ResponseKind.TIGHTEN_NETWORK)
NETWORK = "203.0.113.0/24"


def cause_of(*, rule="credential_stuffing", key=NETWORK, events=3, stored=False, kinds=RESPONSES, now, **members):
    """Return a finding of a rule. Its events are in the trail if ``stored``."""
    ids = [record(event_types.REFUSALS_SUPPRESSED, now=now) if stored else uuid7() for _ in range(events)]
    given = {
        "rule": replace(rules.find(rule), responses=kinds),
        "key": key,
        "events": [(each, now) for each in ids],
        "subject": "",
        "network": NETWORK,
        "evidence": {"tries": 41, "accounts": 40, "addresses": 3},
        **members,
    }
    return Cause(**given)


def open_incident(*, now, **members):
    """Open an incident, or let it grow, with its responses; return it."""
    cause = cause_of(now=now, **members)
    grown = incidents.grow(cause, now=now)
    responses.start(cause, incident_id=grown.id, now=now)
    return Incident.objects.get(pk=grown.id)
