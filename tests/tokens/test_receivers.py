"""Responses that end sessions, and those about nobody."""

from datetime import timedelta

import pytest
from django.utils import timezone

from cedrina_base.uuids import uuid7
from security_events.models import SecurityEvent
from security_events.signals import response_started, response_undone
from security_events.types import ResponseKind, ResponseOrder
from tests.factories.accounts import UserFactory
from tests.factories.tokens import open_session
from tokens.models import Session, StepUpOrder

NOW = timezone.now()
HOUR = timedelta(hours=1)
pytestmark = pytest.mark.django_db


def respond(kind, subject, *, signal=response_started, **members):
    order = ResponseOrder(uuid7(), uuid7(), "a_rule", kind, subject=subject, since=NOW, ends_at=NOW + HOUR, **members)
    signal.send(sender=None, response=order, now=NOW)


def test_sessions_since_the_attack_end_and_others_go_on():
    user = UserFactory()
    before = open_session(user=user, now=NOW - HOUR).session_id
    during = {open_session(user=user, now=NOW + after).session_id for after in (timedelta(0), HOUR)}
    foreign = open_session(now=NOW).session_id
    respond(ResponseKind.END_SESSIONS, str(user.pk))
    ended = dict(Session.objects.filter(ended_at=NOW).values_list("pk", "end_reason"))
    assert ended == dict.fromkeys(during, "attack_detected")
    assert Session.objects.filter(pk__in=[before, foreign], ended_at=None).count() == 2
    revoked = SecurityEvent.objects.filter(type="session.revoked")
    assert {event.session_id for event in revoked} == during
    assert {(event.actor_id, event.target_id) for event in revoked} == {("", str(user.pk))}


@pytest.mark.parametrize("subject", ["", "no uuid", "x" * 64, "00000000-0000-0000-0000-000000000000"])
@pytest.mark.parametrize("kind", ResponseKind)
@pytest.mark.parametrize("signal", [response_started, response_undone])
def test_nothing_happens_to_nobody(subject, kind, signal):
    session_id = open_session(now=NOW).session_id
    respond(kind, subject, signal=signal)
    session = Session.objects.get(pk=session_id)
    assert (session.ended_at, session.step_up_until) == (None, None)
    assert not StepUpOrder.objects.exists()
