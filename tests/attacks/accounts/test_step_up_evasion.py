"""Whoever has the password alone gets past no proof that a finding asks for (RFC 9470; OWASP ASVS 5.0, 7.5.1)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from cedrina_base.uuids import uuid7
from security_events.signals import response_started
from security_events.types import ResponseKind, ResponseOrder
from tests import mailbox
from tests.attacks.limits.test_responses_against_innocents import ELSEWHERE, Device
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.factors import add_totp, code_of
from tests.problem_shape import assert_problem
from tokens.models import Session

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queue"), pytest.mark.attack("RFC 9470")]
NEW = "copper lantern seven owls"
# What gives somebody lasting access, or takes the account from its owner.
SENSITIVE = [
    ("get", "me/export", None),
    ("put", "change-password", {"old_password": PASSWORD, "new_password": NEW}),
    ("post", "me/email", {"email": "mallory@example.com", "password": PASSWORD}),
    ("delete", "me", {"password": PASSWORD}),
    ("post", "mfa/totp", {}),
    ("post", "mfa/totp/activate", {"code": "000000"}),
    ("post", "mfa/recovery-codes", {}),
    ("post", "mfa/webauthn/options", {}),
    ("post", "social/google/link", {"code": "x", "state": "x"}),
]


def find(victim, *, since):
    """Let a finding ask for proofs, as the worker does some time after the sign-in that it is about."""
    now = timezone.now()
    order = ResponseOrder(
        uuid7(),
        uuid7(),
        "a_rule",
        ResponseKind.STEP_UP,
        subject=str(victim.pk),
        since=since,
        ends_at=now + timedelta(days=1),
    )
    response_started.send(sender=None, response=order, now=now)


@pytest.fixture
def victim():
    return UserFactory(username="ada", raw_password=PASSWORD)


@pytest.fixture
def mallory(victim):
    """A device of somebody who has guessed the password, after the finding about that."""
    since, device = timezone.now(), Device(ELSEWHERE)
    assert device.sign_in("ada").status_code == 200
    find(victim, since=since)
    return device


def assert_held_off(device):
    for method, path, body in SENSITIVE:
        assert_problem(device.send(method, path, body), status=403, code="step_up_required")


class TestAnAttackerWithThePassword:
    def test_does_nothing_that_lasts(self, mallory):
        assert_held_off(mallory)
        assert mallory.send("post", "reauthenticate", {"password": PASSWORD}).status_code == 200
        assert_held_off(mallory)
        assert mallory.refresh().status_code == 200
        assert_held_off(mallory)

    def test_gets_no_further_by_signing_in_again_in_the_same_browser_or_another(self, mallory):
        assert mallory.sign_in("ada").status_code == 200  # it has the cookie of a known device by now
        assert_held_off(mallory)
        other = Device(ELSEWHERE)
        assert other.sign_in("ada").status_code == 200
        assert_held_off(other)

    def test_does_not_guess_the_mailed_code(self, mallory):
        for _ in range(3):
            assert mallory.send("post", "reauthenticate/mailed-code").status_code == 202
        answer = mallory.send("post", "reauthenticate/mailed-code")
        assert_problem(answer, status=429, code="too_many_attempts")
        for number in range(16):
            answer = mallory.send("post", "reauthenticate", {"mailed_code": f"{number:08d}"})
            assert_problem(answer, status=401, code="invalid_mfa_code")
        assert_held_off(mallory)

    def test_does_not_use_a_code_that_the_owner_got_for_another_session(self, mallory):
        owner = Device()
        assert owner.sign_in("ada").status_code == 200
        mailbox.work()
        assert owner.send("post", "reauthenticate/mailed-code").status_code == 202
        code = mailbox.code_in(mailbox.work()[-1])
        assert_problem(
            mallory.send("post", "reauthenticate", {"mailed_code": code}), status=401, code="invalid_mfa_code"
        )
        assert owner.send("post", "reauthenticate", {"mailed_code": code}).status_code == 200
        assert owner.export().status_code == 200
        assert_held_off(mallory)

    def test_does_not_replace_a_second_factor_by_the_mailbox(self, victim):
        secret, _codes = add_totp(victim)
        since, device = timezone.now(), Device(ELSEWHERE)
        token = device.sign_in("ada").json()["mfa"]["token"]
        signed_in = device.send("post", "mfa/verify", {"mfa_token": token, "code": code_of(secret)})
        device.tokens = signed_in.json()["tokens"]
        find(victim, since=since)
        assert_problem(device.send("post", "reauthenticate/mailed-code"), status=403, code="permission_denied")
        assert_problem(device.export(), status=403, code="step_up_required")
        assert device.send("post", "reauthenticate", {"code": code_of(secret, steps=1)}).status_code == 200
        assert device.export().status_code == 200

    def test_asks_for_no_mail_in_a_session_that_needs_none(self, victim):
        device = Device()
        assert device.sign_in("ada").status_code == 200
        assert_problem(device.send("post", "reauthenticate/mailed-code"), status=403, code="permission_denied")
        assert_problem(
            device.send("post", "reauthenticate", {"mailed_code": "12345678"}), status=401, code="invalid_mfa_code"
        )

    def test_is_thrown_out_when_the_owner_reports_the_mail(self, mallory):
        assert mallory.send("post", "reauthenticate/mailed-code").status_code == 202
        (*_, message) = mailbox.work()
        answer = Device().client.post(f"/account/not-me/{mailbox.token_in(message)}")
        assert answer.status_code == 303
        assert not Session.objects.filter(ended_at=None).exists()
        assert not User.objects.get(username="ada").has_usable_password()
