"""Accounts registered with the victim's address beforehand: the first proof of the address removes all else from them.

Over HTTP, by each way of proving an address that takes no provider; those are in ``test_pre_hijacking``.
"""

import pytest
from django.core import mail as outbox
from rest_framework.test import APIClient

from accounts.models import PendingRegistration, User
from tests import mailbox
from tests.clients.authenticator import SoftwareKey
from tests.factories.accounts import UserFactory
from tests.problem_shape import assert_problem

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queue")]
BASE = "/api/v1/auth"
VICTIM, ATTACKER = "victim@example.com", "attacker@example.net"
PASSWORD, VICTIMS = "violet harbour drum kite", "copper lantern seven owls"


class Party:
    """One of the two, with a browser of their own."""

    def __init__(self, name="squatter"):
        self.client, self.name, self.tokens = APIClient(), name, None

    def send(self, path, body=None, *, method="post"):
        headers = {"Authorization": f"Bearer {self.tokens['access_token']}"} if self.tokens else {}
        return getattr(self.client, method)(f"{BASE}{path}", body or {}, format="json", headers=headers)

    def register(self, email=VICTIM, password=PASSWORD):
        answer = self.send("/register", {"username": self.name, "email": email, "password": password})
        self.tokens = answer.json().get("tokens")
        return answer

    def sign_in(self, name=None, password=PASSWORD):
        answer = APIClient().post(f"{BASE}/login", {"username": name or self.name, "password": password}, format="json")
        if answer.status_code == 200:
            self.tokens = answer.json()["tokens"]
        return answer

    def add_passkey(self):
        key = SoftwareKey()
        options = self.send("/mfa/webauthn/options", {"passkey": True}).json()
        added = self.send("/mfa/webauthn", {"name": "mine", "credential": key.create(options)})
        assert added.status_code == 201, added.json()
        return key

    def sign_in_by(self, key):
        options = self.client.post(f"{BASE}/passkey/options", {}, format="json").json()
        body = {"credential": key.get(options)}
        return self.client.post(f"{BASE}/passkey/login", body, format="json")


def mailed(subject, *, to=VICTIM):
    mailbox.work()
    found = [message for message in outbox.outbox if message.to == [to] and message.subject == subject]
    return mailbox.token_in(found[-1])


@pytest.fixture
def attacker():
    return Party()


@pytest.fixture
def victim():
    return Party("victim")


@pytest.fixture
def _optional(settings):
    settings.ACCOUNTS = {**settings.ACCOUNTS, "EMAIL_CONFIRMATION": "optional"}


@pytest.fixture
def _required(settings):
    settings.ACCOUNTS = {**settings.ACCOUNTS, "EMAIL_CONFIRMATION": "required"}


@pytest.fixture
def key(attacker, _optional):
    """Let the attacker have an account with the victim's address, a session and a passkey in it."""
    assert attacker.register().status_code == 201
    return attacker.add_passkey()


def assert_is_locked_out(attacker, key):
    for name in ("squatter", VICTIM):
        assert_problem(attacker.sign_in(name), status=401, code="invalid_credentials")
    assert_problem(attacker.sign_in_by(key), status=401, code="invalid_credentials")
    refreshed = attacker.client.post(
        f"{BASE}/refresh", {"refresh_token": attacker.tokens["refresh_token"]}, format="json"
    )
    assert_problem(refreshed, status=401, code="session_revoked")
    assert attacker.send("/me", method="get").status_code == 401


@pytest.mark.attack("Pre-hijacked accounts, 4.3; CWE-287")
class TestASquattedAccount:
    def test_opens_to_the_attackers_passkey_before(self, attacker, key):
        assert attacker.sign_in_by(key).status_code == 200

    def test_is_clean_after_the_owner_set_a_new_password(self, attacker, victim, key):
        victim.send("/forgot-password", {"email": VICTIM})
        body = {"token": mailed("Choose a new password"), "new_password": VICTIMS}
        assert victim.send("/reset-password", body).status_code == 200

        assert_is_locked_out(attacker, key)
        answer = victim.sign_in(VICTIM, VICTIMS)
        assert answer.json()["mfa"] is None
        assert answer.json()["user"]["mfa_enabled"] is False

    def test_can_be_given_the_password_that_the_attacker_chose(self, victim, key):
        victim.send("/forgot-password", {"email": VICTIM})
        body = {"token": mailed("Choose a new password"), "new_password": PASSWORD}
        assert victim.send("/reset-password", body).status_code == 200

    @pytest.mark.parametrize("chosen", [{}, {"password": VICTIMS}])
    def test_is_clean_after_the_owner_followed_the_link_that_confirms(self, attacker, victim, key, chosen):
        token = mailed("Confirm your e-mail address")

        answer = victim.send("/confirm-email", {"token": token, **chosen})

        assert answer.status_code == 200
        assert_is_locked_out(attacker, key)
        if not chosen:
            assert answer.json()["message"].endswith("so that you can choose a password.")
            body = {"token": mailed("Choose a password for your account"), "new_password": VICTIMS}
            assert victim.send("/reset-password", body).status_code == 200
        assert victim.sign_in(VICTIM, VICTIMS).status_code == 200

    def test_is_clean_after_the_owner_reported_it(self, attacker, victim, key):
        victim.client.post(f"/account/not-me/{mailed('A second factor was added')}")

        assert_is_locked_out(attacker, key)
        assert not User.objects.get().is_mfa_enabled

    def test_is_unchanged_for_the_browser_that_registered_it(self, attacker, key):
        # Here it was no attacker: the browser that registered follows the link.
        assert attacker.send("/confirm-email", {"token": mailed("Confirm your e-mail address")}).status_code == 200

        assert User.objects.get().is_email_confirmed
        assert attacker.send("/me", method="get").status_code == 200
        assert attacker.sign_in_by(key).status_code == 200

    def test_is_unchanged_with_its_password(self, attacker, victim, key):
        body = {"token": mailed("Confirm your e-mail address"), "password": PASSWORD}

        assert victim.send("/confirm-email", body).status_code == 200
        assert attacker.send("/me", method="get").status_code == 200


@pytest.mark.attack("Pre-hijacked accounts, 4.4; CWE-287")
@pytest.mark.usefixtures("_optional")
class TestAnAddressThatAnAttackerChangesTo:
    def test_is_not_given_to_the_attacker_by_its_owners_click(self, attacker, victim):
        attacker.register(ATTACKER)
        asked = attacker.send("/me/email", {"email": VICTIM, "password": PASSWORD})
        assert asked.status_code == 202
        token = mailed("Confirm your new e-mail address")

        problem = assert_problem(victim.send("/confirm-email", {"token": token}), status=422, code="validation_error")
        assert [(error["field"], error["code"]) for error in problem["errors"]] == [("password", "required")]
        guess = victim.send("/confirm-email", {"token": token, "password": VICTIMS})
        assert_problem(guess, status=401, code="invalid_credentials")

        assert User.objects.get().email == ATTACKER
        assert attacker.send("/confirm-email", {"token": token}).status_code == 200

    def test_leaves_the_owner_of_a_former_address_no_claim_that_was_never_proved(self, attacker, victim):
        attacker.register(VICTIM)
        attacker.add_passkey()
        notice = mailed("A second factor was added")
        attacker.send("/me/email", {"email": ATTACKER, "password": PASSWORD})
        token = mailed("Confirm your new e-mail address", to=ATTACKER)
        assert attacker.send("/confirm-email", {"token": token}).status_code == 200

        assert victim.client.post(f"/account/not-me/{notice}").status_code == 400
        assert User.objects.get().email == ATTACKER
        assert victim.register(VICTIM, VICTIMS).status_code == 201


@pytest.mark.attack("Pre-hijacked accounts, 4.1; CWE-287")
@pytest.mark.usefixtures("_required")
class TestARegistrationThatWaits:
    def test_gives_the_attacker_nothing_when_the_victim_follows_its_link(self, attacker, victim):
        assert attacker.register().status_code == 202
        answer = victim.send("/confirm-email", {"token": mailed("Confirm your e-mail address")})
        assert answer.status_code == 200

        for name in ("squatter", VICTIM):
            assert_problem(attacker.sign_in(name), status=401, code="invalid_credentials")
        body = {"token": mailed("Choose a password for your account"), "new_password": VICTIMS}
        assert victim.send("/reset-password", body).status_code == 200
        assert victim.sign_in(VICTIM, VICTIMS).status_code == 200

    def test_keeps_the_password_in_the_browser_that_registered(self, victim):
        victim.register(password=VICTIMS)
        assert victim.send("/confirm-email", {"token": mailed("Confirm your e-mail address")}).status_code == 200

        assert victim.sign_in(password=VICTIMS).status_code == 200

    def test_does_not_keep_the_victim_from_registering(self, attacker, victim):
        attacker.register()
        victim.register(password=VICTIMS)
        token = mailed("Confirm your e-mail address")
        assert victim.send("/confirm-email", {"token": token}).status_code == 200

        assert victim.sign_in(password=VICTIMS).status_code == 200
        assert victim.sign_in(VICTIM, VICTIMS).status_code == 200
        assert_problem(attacker.sign_in(), status=403, code="email_not_confirmed")
        assert PendingRegistration.objects.get().username == "squatter"
        first = next(message for message in outbox.outbox if message.to == [VICTIM])
        refused = attacker.send("/confirm-email", {"token": mailbox.token_in(first)})
        assert_problem(refused, status=400, code="invalid_or_expired_token")


@pytest.mark.usefixtures("_required")
class TestAnUnconfirmedAccountOfBefore:
    """One that was opened while addresses needed no confirmation."""

    def test_waits_for_its_confirmation_and_goes_on_with_its_password(self, victim, settings):
        user = UserFactory(username="victim", email=VICTIM, raw_password=VICTIMS, email_confirmed_at=None)
        assert_problem(victim.sign_in(VICTIM, VICTIMS), status=403, code="email_not_confirmed")

        victim.send("/resend-confirmation", {"email": VICTIM})
        body = {"token": mailed("Confirm your e-mail address"), "password": VICTIMS}
        assert victim.send("/confirm-email", body).status_code == 200

        assert victim.sign_in(VICTIM, VICTIMS).json()["user"]["id"] == str(user.pk)

    def test_keeps_its_address_from_later_registrations(self, attacker, victim):
        UserFactory(username="victim", email=VICTIM, raw_password=VICTIMS, email_confirmed_at=None)
        assert attacker.register().status_code == 202

        assert mailed_subjects() == ["You already have an account"]


def mailed_subjects():
    return [message.subject for message in mailbox.work()]
