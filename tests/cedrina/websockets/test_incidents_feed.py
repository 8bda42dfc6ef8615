"""`/ws/incidents/`, beside the services that open and change incidents."""

from datetime import datetime

import pytest
from django.db import transaction
from django.utils import timezone

from cedrina_base.uuids import uuid7
from security_events.detection.rules import GroupBy, Rule
from security_events.services.detection import incidents, responses
from security_events.services.detection.incidents import Cause
from security_events.types import NO_SUBJECT, ResponseKind, Severity
from tests.clients.socket_threads import SocketThread
from tests.factories.accounts import UserFactory
from tests.factories.tokens import open_session

RULE = Rule(
    "watched",
    title="Watched",
    reason="-",
    false_alarms="-",
    severity=Severity.HIGH,
    score=70,
    group_by=GroupBy.NETWORK,
    window=60,
    watches=frozenset(),
    triggers=frozenset(),
    judge=lambda *_: None,
    responses=(ResponseKind.TIGHTEN_NETWORK,),
)


def open_incident(network, *, rule=RULE):
    now = timezone.now()
    with transaction.atomic():
        cause = Cause(rule=rule, key=network, events=[(uuid7(), now)], network=network)
        grown = incidents.grow(cause, now=now)
        started = responses.start(cause, incident_id=grown.id, now=now)
    return grown.id, started[0].pk if started else None


@pytest.mark.django_db(transaction=True)
class TestIncidents:
    def test_are_told_as_they_open_and_change(self):
        token = open_session(user=UserFactory(admin=True)).access_token
        with SocketThread() as sockets:
            feed = sockets.open("/ws/incidents/", token)
            ident, response = open_incident("192.0.2.0/24")
            opened, answered = sockets.frames_of(feed, 2)
            responses.undo(response_id=response, incident_id=ident, actor=NO_SUBJECT, now=timezone.now())
            (undone,) = sockets.frames_of(feed, 1)
            sockets.send(feed, {"type": "resume", "after": opened["event"]})
            again = sockets.frames_of(feed, 1)
            late = sockets.open("/ws/incidents/", token)
            sockets.send(late, {"type": "resume", "after": opened["event"]})
            missed = sockets.frames_of(late, 3)

        assert [frame["change"] for frame in (opened, answered, undone)] == [
            "incident.opened",
            "incident.response_started",
            "incident.response_undone",
        ]
        assert {
            name: opened["incident"][name] for name in ("id", "rule", "status", "severity", "network", "events")
        } == {
            "id": str(ident),
            "rule": "watched",
            "status": "open",
            "severity": "high",
            "network": "192.0.2.0/24",
            "events": 1,
        }
        assert datetime.fromisoformat(opened["incident"]["opened_at"]).tzinfo
        assert [each["undone_at"] is None for each in answered["incident"]["responses"]] == [True]
        assert [each["undone_at"] is None for each in undone["incident"]["responses"]] == [False]
        assert again == [{"type": "resumed", "after": opened["event"], "last": undone["event"]}]
        assert [frame["event"] for frame in missed[:2]] == [answered["event"], undone["event"]]
        assert missed[2] == {"type": "resumed", "after": opened["event"], "last": undone["event"]}

    def test_that_grow_are_told_without_an_event(self):
        token = open_session(user=UserFactory(admin=True)).access_token
        with SocketThread() as sockets:
            ident, _ = open_incident("192.0.2.0/24")
            feed = sockets.open("/ws/incidents/", token)
            quiet = sockets.open("/ws/incidents/", token)
            sockets.send(quiet, {"type": "filter", "severity": "critical"})
            assert sockets.frames_of(quiet, 1)[0]["type"] == "filter"
            found = None
            while found is None:  # the first look may come after the growth
                open_incident("192.0.2.0/24")
                found = sockets.frame_within(feed, seconds=2)
            assert sockets.frame_within(quiet, seconds=0.1) is None
        assert (found["event"], found["change"], found["incident"]["id"]) == (None, "incident.grown", str(ident))
        assert found["incident"]["events"] > 1

    def test_are_filtered_by_their_own_severity_and_by_the_change(self):
        token = open_session(user=UserFactory(admin=True)).access_token
        with SocketThread() as sockets:
            feed = sockets.open("/ws/incidents/", token)
            sockets.send(feed, {"type": "filter", "severity": "high+", "types": ["incident.response_started"]})
            (answer,) = sockets.frames_of(feed, 1)
            open_incident("192.0.2.0/24")
            (frame,) = sockets.frames_of(feed, 1)
        assert answer == {"type": "filter", "severity": "high+", "types": ["incident.response_started"]}
        assert frame["change"] == "incident.response_started"
