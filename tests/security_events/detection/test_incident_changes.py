"""What operators do with incidents: transitions, versions, verdicts, and responses that go back with them."""

from datetime import timedelta
from functools import partial
from threading import Barrier, Thread
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

from security_events.detection.errors import IncidentChanged, IncidentNotFound, IncidentOpenAlready, VerdictInvalid
from security_events.models import Incident, SecurityEvent
from security_events.services.detection import incident_changes, responses
from security_events.signals import response_undone
from security_events.types import IncidentStatus, Subject, Verdict
from tests.factories.incidents import open_incident

NOW = timezone.now()
OPERATOR = Subject("op", "operator")
OPEN, ACKNOWLEDGED, RESOLVED = IncidentStatus
ACCOUNT = {"subject": "ada", "is_account": True}


def change(incident, status=None, verdict=None, **more):
    given = {"actor": OPERATOR, "now": NOW, **more}
    return incident_changes.change(incident_id=incident.pk, status=status, verdict=verdict, **given)


def recorded():
    rows = SecurityEvent.objects.filter(type__startswith="incident.").exclude(type="incident.opened")
    return [row.type for row in rows.exclude(type="incident.response_started").order_by("id")]


@pytest.mark.django_db
class TestChange:
    def test_leads_from_open_to_resolved_and_back(self):
        incident = open_incident(now=NOW)
        change(incident, ACKNOWLEDGED, note="looking")
        resolved = change(incident, RESOLVED, Verdict.TRUE_POSITIVE)
        assert (resolved.verdict, resolved.note, resolved.resolved_at) == ("true_positive", "looking", NOW)
        reopened = change(incident, OPEN)
        assert (reopened.verdict, reopened.resolved_at, reopened.version) == ("", None, 4)
        assert recorded() == ["incident.acknowledged", "incident.resolved", "incident.reopened"]
        event = SecurityEvent.objects.get(type="incident.resolved")
        assert (event.actor_id, event.data["verdict"], event.data["events"]) == ("op", "true_positive", 3)

    def test_to_what_is_so_already_records_nothing(self):
        incident = open_incident(now=NOW)
        for _ in range(2):
            found = change(incident, ACKNOWLEDGED, note="mine")
        assert (found.version, recorded()) == (2, ["incident.acknowledged"])

    def test_corrects_a_verdict_and_keeps_when_it_was_resolved(self):
        incident = open_incident(now=NOW)
        change(incident, RESOLVED, Verdict.TRUE_POSITIVE)
        found = change(incident, verdict=Verdict.BENIGN, now=NOW + timedelta(days=1))
        assert (found.verdict, found.resolved_at) == ("benign", NOW)

    @pytest.mark.parametrize(
        ("status", "verdict", "code"),
        [(RESOLVED, None, "required"), (ACKNOWLEDGED, Verdict.BENIGN, "invalid"), (None, Verdict.BENIGN, "invalid")],
    )
    def test_takes_a_verdict_where_there_is_one(self, status, verdict, code):
        incident = open_incident(now=NOW)
        with pytest.raises(VerdictInvalid) as refusal:
            change(incident, status, verdict)
        assert refusal.value.member_code == code
        assert Incident.objects.get().version == 1

    def test_refuses_a_version_that_somebody_changed(self):
        incident = open_incident(now=NOW)
        change(incident, ACKNOWLEDGED, versions=frozenset({1}))
        with pytest.raises(IncidentChanged):
            change(incident, RESOLVED, Verdict.BENIGN, versions=frozenset({1}))
        incident.pk = UUID(int=7)
        with pytest.raises(IncidentNotFound):
            change(incident, ACKNOWLEDGED)

    def test_is_not_hindered_by_an_attacker_who_goes_on(self):
        incident = open_incident(now=NOW)
        open_incident(now=NOW)  # the same cause: it grows
        assert change(incident, ACKNOWLEDGED, versions=frozenset({1})).events == 6

    def test_reopens_nothing_beside_a_newer_incident_of_the_cause(self):
        first = open_incident(now=NOW)
        change(first, RESOLVED, Verdict.TRUE_POSITIVE)
        second = open_incident(now=NOW)
        assert second.pk != first.pk
        with pytest.raises(IncidentOpenAlready):
            change(first, OPEN)
        change(second, RESOLVED, Verdict.TRUE_POSITIVE)
        assert change(first, OPEN).status == OPEN


@pytest.mark.django_db
class TestAFalseAlarm:
    def test_takes_back_what_is_in_force_and_nothing_else(self):
        undone = []

        def receive(*, response, **_):
            undone.append(response.kind)

        incident = open_incident(now=NOW, **ACCOUNT)
        later = NOW + timedelta(hours=2)  # the limits of the network are as before
        response_undone.connect(receive)
        try:
            change(incident, RESOLVED, Verdict.FALSE_POSITIVE, now=later)
        finally:
            response_undone.disconnect(receive)
        states = {row.kind: row.undone_by for row in incident.responses.all()}
        assert states == {"notify": "", "step_up": "op", "tighten_network": ""}
        assert undone == ["step_up"]
        assert recorded() == ["incident.resolved", "incident.response_undone"]

    def test_changes_nothing_when_taking_back_fails(self):
        def fail(**_):
            raise RuntimeError

        incident = open_incident(now=NOW, **ACCOUNT)
        response_undone.connect(fail)
        try:
            with pytest.raises(RuntimeError):
                change(incident, RESOLVED, Verdict.FALSE_POSITIVE)
        finally:
            response_undone.disconnect(fail)
        assert Incident.objects.get().status == OPEN
        assert not incident.responses.exclude(undone_at=None).exists()
        assert recorded() == []

    def test_corrected_later_takes_back_then(self):
        incident = open_incident(now=NOW, **ACCOUNT)
        change(incident, RESOLVED, Verdict.BENIGN)
        assert not incident.responses.exclude(undone_at=None).exists()
        change(incident, verdict=Verdict.FALSE_POSITIVE)
        assert incident.responses.exclude(undone_at=None).count() == 2


def at_once(*acts):
    """Run functions in threads that start together; return what each returned, or the class of what it raised."""
    start, outcomes = Barrier(len(acts)), []

    def run(act):
        start.wait()
        try:
            outcomes.append(act())
        except Exception as error:  # noqa: BLE001 - whatever it is, the test compares it
            outcomes.append(type(error))
        connection.close()

    threads = [Thread(target=run, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


@pytest.mark.django_db(transaction=True)
class TestOperatorsAtOnce:
    def test_one_changes_it(self):
        incident = open_incident(now=NOW)

        def act():
            return change(incident, RESOLVED, Verdict.BENIGN, versions=frozenset({1})).status

        assert sorted(map(str, at_once(*[act] * 4))) == sorted(map(str, [*[IncidentChanged] * 3, RESOLVED]))
        assert recorded() == ["incident.resolved"]

    def test_take_each_response_back_once(self):
        for _ in range(5):
            incident = open_incident(now=NOW, **ACCOUNT)
            rows = incident.responses.exclude(ends_at=None)
            undo = [
                partial(responses.undo, response_id=row.pk, incident_id=incident.pk, actor=OPERATOR, now=NOW)
                for row in rows
            ]
            grow = partial(open_incident, now=NOW, **ACCOUNT)
            outcomes = at_once(partial(change, incident, RESOLVED, Verdict.FALSE_POSITIVE), *undo, grow)
            assert [each for each in outcomes if isinstance(each, type)] == []
            undone = SecurityEvent.objects.filter(type="incident.response_undone", data__incident=str(incident.pk))
            assert undone.count() == 2
            Incident.objects.exclude(pk=incident.pk).delete()
