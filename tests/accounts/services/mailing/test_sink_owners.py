"""Who is told that a webhook stopped: its owner, or the administrators."""

import pytest
from django.utils import timezone

from accounts.models import OutgoingMail
from accounts.services.mailing import sink_owners
from security_events.services import webhooks
from security_events.types import SinkNotice, Subject
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


def notice_of(owner_id, state="parked"):
    made = webhooks.create(
        members={"url": "https://hooks.example.com/"}, actor=Subject(owner_id, "x"), now=timezone.now()
    )
    return SinkNotice(made.webhook.pk, "webhook", "hooks.example.com", state, "timeout")


def told():
    return sorted((mail.user.username, mail.kind) for mail in OutgoingMail.objects.select_related("user"))


class TestTell:
    def test_tells_the_owner_that_it_stopped_and_that_it_goes_on(self):
        UserFactory(username="boss", admin=True)
        owner = UserFactory(username="mina")
        for state in ("parked", "gone", "active"):
            sink_owners.tell(notice_of(str(owner.pk), state))
        assert told() == [("mina", "sink_resumed"), ("mina", "sink_stopped"), ("mina", "sink_stopped")]

    @pytest.mark.parametrize("owner", ["", "not-an-id", "01972b5c-0000-7000-8000-000000000000", "inactive"])
    def test_tells_the_administrators_where_no_owner_is_left(self, owner):
        UserFactory(username="boss", admin=True)
        UserFactory(username="other")
        owner = str(UserFactory(is_active=False).pk) if owner == "inactive" else owner
        sink_owners.tell(notice_of(owner))
        assert told() == [("boss", "sink_stopped")]
