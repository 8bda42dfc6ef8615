from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.client_tokens import known_devices
from accounts.models import KnownClient, MailedToken, SignInFailures
from accounts.services.administration import person_overview
from cedrina_base.uuids import uuid7
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.registrations import PendingRegistrationFactory
from tests.factories.tokens import open_session
from tokens.types import ClientContext

pytestmark = pytest.mark.django_db
LAPTOP = ClientContext(
    ip_address="203.0.113.7", user_agent="Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:140.0) Gecko Firefox/140.0"
)
PHONE = ClientContext(ip_address="2001:db8:1:2:3::4", user_agent="Example/2.1")


class TestKnownClients:
    def test_lists_each_network_and_kind_of_client_once_and_says_which_is_known(self):
        user = UserFactory(raw_password=PASSWORD)
        open_session(user=user, client=LAPTOP)
        open_session(user=user, client=PHONE)
        newest = open_session(user=user, client=LAPTOP)
        open_session(client=LAPTOP)
        key = known_devices.client_key(user=user, password_digest=user.password, client=PHONE)
        KnownClient.objects.create(key=key, seen_at=timezone.now())

        found = person_overview.known_clients(user=user)

        assert [(each.network, each.sessions, each.is_known) for each in found] == [
            ("203.0.113.0/24", 2, False),
            ("2001:db8:1:2::/64", 1, True),
        ]
        assert found[0].name == "Firefox on Ubuntu"
        assert newest.session_id


class TestFailureCounters:
    def test_lists_the_counters_of_the_person_and_waits_that_last(self, now):
        user = UserFactory()
        for number, subject in enumerate((str(user.pk), str(user.pk), "other")):
            SignInFailures.objects.create(
                key=bytes([number]) * 16,
                pool="account",
                subject=subject,
                free=1,
                first_wait=1,
                longest_wait=1,
                forgiven_after=1,
                most=9,
                count=number + 1,
                counted_at=now - timedelta(minutes=number),
                blocked_until=now + timedelta(minutes=5) * (1 if number else -1),
            )

        found = person_overview.failure_counters(user=user, now=now)

        assert [(each.count, each.blocked_until is None) for each in found] == [(1, True), (2, False)]


class TestWaitingRequests:
    def test_lists_links_that_work_and_registrations_of_the_address(self, now):
        user = UserFactory()
        PendingRegistrationFactory(email=user.email, created_at=now - timedelta(hours=1))
        PendingRegistrationFactory(email=user.email, created_at=now - timedelta(days=9))
        PendingRegistrationFactory(created_at=now)
        for number, (expires, used) in enumerate([(1, None), (-1, None), (1, now)]):
            MailedToken.objects.create(
                id=uuid7(),
                user=user,
                purpose="change_email",
                digest=bytes([number]) * 32,
                bound_to=b"b" * 32,
                address=f"new{number}@example.com",
                created_at=now,
                expires_at=now + timedelta(hours=expires),
                used_at=used,
            )

        found = person_overview.waiting_requests(user=user, now=now)

        assert [(each.address, each.is_registration) for each in found] == [
            ("new0@example.com", False),
            (user.email, True),
        ]
