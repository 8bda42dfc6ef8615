"""Operators are told of new incidents once, at once, and seldom enough that nobody floods their mailbox."""

from datetime import timedelta

import pytest
from django.utils import timezone

from security_events.models import Incident
from security_events.services.detection import incident_notices
from tests.factories.incidents import open_incident

pytestmark = pytest.mark.django_db

NOW = timezone.now()
MINUTE = timedelta(minutes=1)
NOTICES = []


def receive(notice):
    NOTICES.append(notice)


@pytest.fixture(autouse=True)
def notices(settings):
    settings.SECURITY_EVENTS = {**settings.SECURITY_EVENTS, "INCIDENT_NOTICE": f"{__name__}.receive"}
    NOTICES.clear()
    return NOTICES


def test_tells_of_high_severity_once(notices):
    high = open_incident(now=NOW)
    open_incident(now=NOW, rule="brute_force", key="ada")  # medium
    for later in (0, 1, 2, 60):
        incident_notices.tell(now=NOW + later * MINUTE)
    assert [(list(notice.incident_ids), notice.others) for notice in notices] == [([high.pk], 0)]


def test_sums_up_what_comes_meanwhile(notices):
    open_incident(now=NOW, key="first")
    incident_notices.tell(now=NOW)
    for number in range(13):
        open_incident(now=NOW, key=str(number))
    assert incident_notices.tell(now=NOW + MINUTE / 2) == 0
    assert incident_notices.tell(now=NOW + MINUTE) == 13
    newest = list(Incident.objects.order_by("-pk").values_list("pk", flat=True)[:10])
    assert (list(notices[-1].incident_ids), notices[-1].others) == (newest, 3)


def test_lets_nobody_flood_the_mailbox(notices):
    for minute in range(180):
        open_incident(now=NOW + minute * MINUTE, key=str(minute), kinds=())
        incident_notices.tell(now=NOW + minute * MINUTE)
    assert len(notices) <= 20
    told = sum(len(notice.incident_ids) + notice.others for notice in notices)
    assert told >= 180 - 15  # the last ones wait for the next


def test_tells_of_none_from_before_it_was_set_up(notices):
    open_incident(now=NOW - timedelta(days=2))
    assert incident_notices.tell(now=NOW) == 0


def test_says_nothing_when_the_notice_fails(settings):
    settings.SECURITY_EVENTS = {**settings.SECURITY_EVENTS, "INCIDENT_NOTICE": f"{__name__}.fail"}
    open_incident(now=NOW)
    with pytest.raises(RuntimeError):
        incident_notices.tell(now=NOW)
    assert Incident.objects.get().notified_at is None


def fail(_notice):
    raise RuntimeError
