"""One incident for one cause, and its responses."""

from datetime import timedelta
from threading import Thread
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cedrina_base.uuids import uuid7
from security_events.detection.errors import ResponseNotUndoable
from security_events.detection.judges import repeated
from security_events.detection.rules import GroupBy, Rule
from security_events.models import Incident, IncidentEvent, IncidentResponse, SecurityEvent
from security_events.services.detection import incidents, responses
from security_events.services.detection.incidents import Cause
from security_events.signals import response_started, response_undone
from security_events.types import IncidentStatus, ResponseKind, Severity, Subject

NOW = timezone.now()
RULE = Rule(
    "knocking",
    title="Knocking",
    reason="-",
    false_alarms="-",
    severity=Severity.HIGH,
    score=73,
    group_by=GroupBy.ACCOUNT,
    window=60,
    watches=frozenset({"door.knocked"}),
    triggers=frozenset({"door.knocked"}),
    judge=repeated,
    thresholds={"events": 5},
    responses=(ResponseKind.NOTIFY, ResponseKind.STEP_UP, ResponseKind.TIGHTEN_NETWORK),
)


def cause(events=1, **changes):
    found = [(uuid7(), NOW) for _ in range(events)]
    return Cause(**{"rule": RULE, "key": "ada", "events": found, "subject": "ada", "is_account": True, **changes})


@pytest.fixture
def signalled():
    """What receivers of the signals were given."""
    heard = []

    def started(*, response, **_):
        heard.append(("started", response))

    def undone(*, response, **_):
        heard.append(("undone", response))

    response_started.connect(started)
    response_undone.connect(undone)
    yield heard
    response_started.disconnect(started)
    response_undone.disconnect(undone)


@pytest.mark.django_db
class TestGrow:
    def test_makes_one_incident_of_one_cause(self):
        first = incidents.grow(cause(5), now=NOW)
        for _ in range(3):
            grown = incidents.grow(cause(10), now=NOW)
        assert (first.is_new, grown.is_new, grown.id, grown.events) == (True, False, first.id, 35)
        assert IncidentEvent.objects.filter(incident=first.id).count() == 35
        opened = SecurityEvent.objects.get(type="incident.opened")
        assert (opened.target_id, opened.data["incident"]) == ("ada", str(first.id))

    def test_of_many_causes_is_the_same_as_of_each(self):
        (first,) = incidents.grow_all([cause(3)], now=NOW)
        others = [cause(2, key=key) for key in ("b", "a", "c")]
        with CaptureQueriesContext(connection) as captured:
            grown = incidents.grow_all([*others, cause(4)], now=NOW)
        assert [each.events for each in grown] == [2, 2, 2, 7]
        assert [each.is_new for each in grown] == [True, True, True, False]
        assert grown[-1].id == first.id
        assert [Incident.objects.get(id=each.id).key for each in grown[:3]] == ["b", "a", "c"]
        assert {each.timeline.count() for each in Incident.objects.exclude(id=first.id)} == {2}
        stored = [
            query["sql"] for query in captured if "INTO security_events_incident" in query["sql"].replace('"', "")
        ]
        assert len(stored) == 2, "one statement for the incidents, one for their timelines"

    def test_keeps_a_bounded_timeline(self):
        for _ in range(3):
            grown = incidents.grow(cause(400), now=NOW)
        assert grown.events == 1200
        assert IncidentEvent.objects.count() == incidents.MOST_EVENTS_KEPT

    def test_opens_another_one_after_it_was_resolved(self):
        first = incidents.grow(cause(), now=NOW)
        Incident.objects.update(status=IncidentStatus.RESOLVED)
        assert incidents.grow(cause(), now=NOW).id != first.id


@pytest.mark.django_db(transaction=True)
def test_processes_that_find_the_same_open_one():
    def find():
        incidents.grow(cause(), now=NOW)
        connection.close()

    threads = [Thread(target=find) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [incident.events for incident in Incident.objects.all()] == [8]
    assert SecurityEvent.objects.filter(type="incident.opened").count() == 1


@pytest.mark.django_db
class TestResponses:
    def start(self, incident_id, now=NOW, **changes):
        return responses.start(cause(**changes), incident_id=incident_id, now=now)

    def test_are_started_once_for_what_they_aim_at(self, signalled):
        incident_id = incidents.grow(cause(), now=NOW).id
        assert {row.kind for row in self.start(incident_id)} == {"notify", "step_up"}  # no network is known
        assert self.start(incident_id) == []
        assert [order.subject for _, order in signalled] == ["ada", "ada"]

    def test_do_nothing_to_a_name_without_an_account(self):
        incident_id = incidents.grow(cause(), now=NOW).id
        assert self.start(incident_id, is_account=False) == []

    def test_are_started_again_once_they_have_ended(self):
        incident_id = incidents.grow(cause(), now=NOW).id
        self.start(incident_id)
        assert [row.kind for row in self.start(incident_id, now=NOW + timedelta(days=2))] == ["step_up"]

    def test_stay_away_once_an_operator_took_them_back(self, signalled):
        incident_id = incidents.grow(cause(), now=NOW).id
        step_up = next(row for row in self.start(incident_id) if row.kind == ResponseKind.STEP_UP)
        for _ in range(2):
            undone = responses.undo(response_id=step_up.pk, incident_id=incident_id, actor=Subject("op"), now=NOW)
        assert undone.undone_at == NOW
        assert [what for what, _ in signalled] == ["started", "started", "undone"]
        assert self.start(incident_id, now=NOW + timedelta(days=2)) == []
        assert SecurityEvent.objects.get(type="incident.response_undone").actor_id == "op"

    def test_that_were_over_at_once_stay(self):
        incident_id = incidents.grow(cause(), now=NOW).id
        notify = next(row for row in self.start(incident_id) if row.kind == ResponseKind.NOTIFY)
        with pytest.raises(ResponseNotUndoable):
            responses.undo(response_id=notify.pk, incident_id=incident_id, actor=Subject("op"), now=NOW)
        assert IncidentResponse.objects.get(pk=notify.pk).undone_at is None
        assert isinstance(notify.pk, UUID)


@pytest.mark.django_db
class TestAReceiverThatFails:
    @pytest.fixture
    def failing(self):
        """A receiver that writes something and fails, until it is repaired."""
        state = {"is_broken": True}

        def receive(*, response, now, **_):
            if response.kind == ResponseKind.STEP_UP:
                Incident.objects.filter(pk=response.incident_id).update(note="half done")
                if state["is_broken"]:
                    raise RuntimeError("secret of the receiver")

        response_started.connect(receive)
        yield state
        response_started.disconnect(receive)

    def test_loses_neither_the_finding_nor_the_other_responses(self, failing):
        about = cause(network="192.0.2.0/24")
        grown = incidents.grow(about, now=NOW)
        for _ in range(3):
            started = responses.start(about, incident_id=grown.id, now=NOW)
        assert started == []
        kept = IncidentResponse.objects.values_list("kind", flat=True)
        assert sorted(kept) == [ResponseKind.NOTIFY, ResponseKind.TIGHTEN_NETWORK]
        assert Incident.objects.get().note == ""
        event = SecurityEvent.objects.get(type="incident.response_failed")
        assert event.data["kind"] == "step_up"
        assert "secret" not in str(event.data)

        failing["is_broken"] = False
        assert [row.kind for row in responses.start(about, incident_id=grown.id, now=NOW)] == [ResponseKind.STEP_UP]
        assert Incident.objects.get().note == "half done"


class TestAttackBeganAt:
    @pytest.mark.parametrize(
        ("minutes_ago", "expected"), [([0], 0), ([30, 5, 0], 30), ([60 * 24 * 20, 10, 0], 180), ([], 0)]
    )
    def test_is_the_first_event_of_the_last_three_hours_at_most(self, minutes_ago, expected):
        events = [(uuid7(), NOW - timedelta(minutes=ago)) for ago in minutes_ago]
        found = Cause(rule=RULE, key="ada", events=events)
        assert responses.attack_began_at(found, now=NOW) == NOW - timedelta(minutes=expected)
