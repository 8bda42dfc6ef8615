"""Requests for mail to another user's address neither flood that user nor use up their own mails."""

from datetime import timedelta

import pytest
from django.test import Client, override_settings
from django.utils import timezone

from accounts.models import OutgoingMail
from cedrina.settings.rate_limits import profile
from tests import mailbox
from tests.factories.accounts import PASSWORD, UserFactory
from tests.problem_shape import assert_problem

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("empty_queue", "shipped_limits"),
    pytest.mark.attack("CWE-799"),
]
OWNER = "203.0.113.7"


@pytest.fixture
def shipped_limits(settings):
    with override_settings(RATELIMITING={**settings.RATELIMITING, "POLICIES": profile("production")}):
        yield


@pytest.fixture
def mina():
    return UserFactory(username="mina", email="mina@example.com", raw_password=PASSWORD)


def ask(client, *, address=OWNER, call="forgot-password", email="mina@example.com"):
    path = f"/api/v1/auth/{call}"
    return client.post(path, {"email": email}, content_type="application/json", REMOTE_ADDR=address)


def ask_by_page(client, *, address=OWNER):
    return client.post("/account/forgot-password", {"email": "mina@example.com"}, REMOTE_ADDR=address)


def signed_in_before(name="mina"):
    browser = Client()
    body = {"username": name, "password": PASSWORD}
    answer = browser.post("/api/v1/auth/login", body, content_type="application/json", REMOTE_ADDR=OWNER)
    assert answer.status_code == 200
    mailbox.work()
    return browser


class TestAnAttackerWhoRequestsResets:
    def use_up(self):
        for number in range(3):
            assert ask(Client(), address=f"45.0.{number}.7").status_code == 202
        assert_problem(ask(Client(), address="45.0.9.7"), status=429, code="rate_limited")

    def test_leaves_the_owner_a_link_that_works(self, mina):
        browser = signed_in_before()
        self.use_up()
        mailbox.work()
        OutgoingMail.objects.update(started_at=timezone.now() - timedelta(minutes=10))

        for _ in range(3):
            assert ask(browser).status_code == 202

        assert [message.to for message in mailbox.work()] == [["mina@example.com"]]
        assert OutgoingMail.objects.filter(budget="known_device", sent_at__isnull=False).count() == 1

    @pytest.mark.parametrize("asking", [ask, ask_by_page])
    def test_does_not_keep_the_owners_browser_from_asking(self, mina, asking):
        browser = signed_in_before()
        self.use_up()

        assert asking(browser).status_code in (202, 303)

    def test_gains_nothing_by_a_cookie_of_their_own_making(self, mina):
        self.use_up()
        for forged in ("cdd_" + "A" * 60, "cdd_", "junk"):
            stranger = Client()
            stranger.cookies["cedrina_device"] = forged
            assert_problem(ask(stranger), status=429, code="rate_limited")

    def test_gains_no_mail_by_a_cookie_of_their_own_account(self, mina):
        UserFactory(username="stranger", raw_password=PASSWORD)
        stranger = signed_in_before("stranger")

        for _ in range(3):
            assert ask(stranger).status_code == 202
        mailbox.work()

        assert set(OutgoingMail.objects.filter(user=mina).values_list("budget", flat=True)) == {"anybody"}

    def test_sends_one_mail_a_minute_at_most(self, mina):
        for number in range(3):
            ask(Client(), address=f"45.0.{number}.7")

        (message,) = mailbox.work()

        token = mailbox.token_in(message)
        answer = Client().post(
            "/api/v1/auth/reset-password",
            {"token": token, "new_password": "copper lantern seven owls"},
            content_type="application/json",
        )
        assert answer.status_code == 200


class TestAnAttackerWhoRegistersTheAddressOfAUser:
    @pytest.fixture(autouse=True)
    def _strict(self, settings):
        settings.ACCOUNTS = {**settings.ACCOUNTS, "EMAIL_CONFIRMATION": "required"}

    def register(self, *, address, username, password=PASSWORD):
        body = {"username": username, "email": "mina@example.com", "password": password}
        return Client().post("/api/v1/auth/register", body, content_type="application/json", REMOTE_ADDR=address)

    @pytest.mark.parametrize("password", [PASSWORD, "short"])
    def test_does_not_keep_the_owner_from_registering(self, password):
        for number in range(5):
            self.register(address="45.0.0.7", username=f"stranger-{number}", password=password)

        assert self.register(address=OWNER, username="mina").status_code == 202
