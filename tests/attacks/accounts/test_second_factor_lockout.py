"""An attacker knows a user's password and fails at the second factor again and again (OWASP ASVS 5.0, 6.3.1)."""

import pytest
from django.test import Client
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.client_tokens import known_devices
from accounts.models import MailedTokenPurpose, SignInFailures
from accounts.services.mailing import mail_queue, mailed_tokens
from cedrina_base.uuids import uuid7
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.factors import add_key, add_totp, code_of
from tests.factories.tokens import open_session

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("empty_queue"),
    pytest.mark.attack("OWASP ASVS 5.0, 6.3.1", "CWE-645"),
]
HOME = "203.0.113.7"
COOKIE = "cedrina_device"


@pytest.fixture(autouse=True)
def no_policies(settings):
    """What the product does without its limits per address, which a botnet gets around."""
    settings.RATELIMITING = {**settings.RATELIMITING, "ENABLED": False}


@pytest.fixture
def mina():
    return UserFactory(username="mina", raw_password=PASSWORD)


def post(client, path, body, address=HOME, **headers):
    return client.post(
        f"/api/v1/auth/{path}", body, content_type="application/json", REMOTE_ADDR=address, headers=headers
    )


def second_step(client, address=HOME, password=PASSWORD, **proof):
    answer = post(client, "login", {"username": "mina", "password": password}, address)
    assert answer.status_code == 200
    return post(client, "mfa/verify", {"mfa_token": answer.json()["mfa"]["token"], **proof}, address)


def exhaust(networks, proof):
    """Fail from each network until it is refused; return how many tries were looked at."""
    looked_at = 0
    for number in range(networks):
        for _ in range(30):
            answer = second_step(Client(), f"198.51.{number}.7", **proof)
            assert answer.status_code in (401, 429)
            if answer.status_code == 429:
                break
            looked_at += 1
        else:
            raise AssertionError("the network was never refused")
    return looked_at


def known_browser(user):
    browser = Client()
    browser.cookies[COOKIE] = known_devices.mint(user=user, device=None, now=user.created_at)
    return browser


@pytest.mark.slow
class TestAnAttackerWithThePassword:
    def test_is_stopped_and_does_not_stop_the_owner(self, mina):
        secret, codes = add_totp(mina)
        key, _added = add_key(mina, is_passkey=True)
        browser, session = known_browser(mina), open_session(user=mina).access_token

        assert exhaust(12, {"code": "000000"}) == 20  # all networks together
        assert exhaust(12, {"recovery_code": "0000-0000-0000"}) == 12 * 5  # of 10^12, each network by itself

        # A device that is known, and a session.
        assert second_step(browser, code=code_of(secret)).status_code == 200
        again = post(Client(), "reauthenticate", {"code": code_of(secret, steps=1)}, Authorization=f"Bearer {session}")
        assert again.status_code == 200
        # A new device, by a recovery code or a passkey; not by the application's code while strangers guess it.
        assert second_step(Client(), code="123456").status_code == 429
        assert second_step(Client(), recovery_code=codes[0]).status_code == 200
        options = post(Client(), "passkey/options", {}).json()
        passkey = post(Client(), "passkey/login", {"credential": key.get(options)})
        assert passkey.status_code == 200

    def test_in_one_network_does_not_stop_the_others(self, mina):
        secret, _codes = add_totp(mina)

        assert exhaust(1, {"code": "000000"}) == 5
        assert second_step(Client(), code=code_of(secret)).status_code == 200

    def test_is_reported_to_the_owner_once_a_day(self, mina):
        add_totp(mina)
        for _ in range(2):
            second_step(Client(), code="000000")
        assert not ProcrastinateJob.objects.filter(args__kind=mail_queue.MailKind.FACTOR_LOCKED).exists()

        exhaust(4, {"code": "000000"})
        exhaust(4, {"recovery_code": "0000-0000-0000"})

        assert ProcrastinateJob.objects.filter(args__kind=mail_queue.MailKind.FACTOR_LOCKED).count() == 1


class TestWhoReadsTheMail:
    def test_gets_no_more_guesses_by_setting_new_passwords(self, mina):
        add_totp(mina)
        looked_at = 0
        for number in range(6):
            mina.refresh_from_db()
            thief, password = Client(), f"copper lantern {number} owls"
            token = mailed_tokens.issue(
                mail_id=uuid7(),
                user=mina,
                purpose=MailedTokenPurpose.RESET_PASSWORD,
                address=mina.email,
                now=timezone.now(),
            )
            assert post(thief, "reset-password", {"token": token, "new_password": password}).status_code == 200
            for _ in range(6):
                answer = second_step(thief, "198.51.100.7", password=password, code="000000")
                looked_at += answer.status_code == 401
        # The pool of all devices that a reset has made known; their network's, with another cookie, is one more.
        assert looked_at == 5
        assert SignInFailures.objects.filter(pool="factor_device").count() == 1
