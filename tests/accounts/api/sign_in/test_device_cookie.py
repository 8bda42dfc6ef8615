"""The cookie of a known device, over HTTP."""

import pytest
from django.test import Client
from django.utils import timezone

from accounts.client_tokens import known_devices
from accounts.services.mailing import mail_queue
from tests import mailbox
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.factors import add_totp, code_of
from tests.problem_shape import assert_problem

pytestmark = pytest.mark.django_db
URL = "/api/v1/auth/login"
NAME = "cedrina_device"


def log_in(client, password=PASSWORD, name="mina", address="203.0.113.7", agent="Browser/1.0"):
    return client.post(
        URL,
        {"username": name, "password": password},
        content_type="application/json",
        REMOTE_ADDR=address,
        headers={"User-Agent": agent},
    )


def lock(name="mina"):
    for number in range(6):
        answer = log_in(Client(), password="wrong", name=name, address=f"45.0.{number}.7", agent="Bot/1.0")
    return answer


@pytest.fixture
def mina():
    return UserFactory(username="mina", raw_password=PASSWORD)


class TestTheCookie:
    def test_comes_with_a_session_and_is_for_the_server_alone(self, mina):
        answer = log_in(Client())

        cookie = answer.cookies[NAME]
        assert cookie.value.startswith("cdd_")
        assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["domain"]) == (True, "Strict", "/", "")
        assert cookie["secure"] == ""
        assert cookie["max-age"] == 180 * 86_400

    @pytest.mark.usefixtures("optional_confirmation")
    def test_comes_with_a_new_account(self):
        body = {"username": "mina", "email": "mina@example.com", "password": PASSWORD}
        browser = Client()
        answer = browser.post("/api/v1/auth/register", body, content_type="application/json")
        assert answer.status_code == 201
        lock()
        assert log_in(browser, address="198.51.100.80").status_code == 200

    def test_comes_with_a_new_password(self, mina):
        browser = Client()
        token = log_in(browser).json()["tokens"]["access_token"]
        body = {"old_password": PASSWORD, "new_password": "copper lantern seven owls"}
        answer = browser.put(
            "/api/v1/auth/change-password",
            body,
            content_type="application/json",
            headers={"Authorization": f"Bearer {token}"},
        )
        assert answer.status_code == 200
        lock()
        assert log_in(browser, password=body["new_password"], address="198.51.100.80").status_code == 200

    @pytest.mark.usefixtures("empty_queue")
    @pytest.mark.parametrize("is_page", [False, True])
    def test_comes_with_a_password_that_is_set_by_mail(self, mina, is_page):
        mail_queue.enqueue(user_id=mina.pk, kind=mail_queue.MailKind.RESET_PASSWORD)
        token, new = mailbox.token_in(mailbox.work()[-1]), "copper lantern seven owls"
        browser = Client()
        if is_page:
            form = {"new_password": new, "new_password_again": new}
            assert browser.post(f"/account/reset-password/{token}", form).status_code == 303
        else:
            body = {"token": token, "new_password": new}
            assert browser.post("/api/v1/auth/reset-password", body, content_type="application/json").status_code == 200
        lock()
        after_reset = browser.cookies[NAME].value
        assert log_in(browser, password=new, address="198.51.100.80").status_code == 200
        # From then on it is a device of its own.
        mina.refresh_from_db()
        both, now = (after_reset, browser.cookies[NAME].value), timezone.now()
        devices = {known_devices.recognise(each, user=mina, now=now) for each in both}
        assert len(devices) == 2
        assert None not in devices

    def test_belongs_to_this_host_alone_over_tls(self, mina, settings):
        settings.ACCOUNTS = {**settings.ACCOUNTS, "PUBLIC_URL": "https://id.example.org"}
        cookie = log_in(Client()).cookies["__Host-cedrina_device"]
        assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", "")

    def test_does_not_come_without_a_session(self, mina):
        assert not log_in(Client(), password="wrong").cookies
        mina.is_mfa_enabled = True
        mina.save()
        answer = log_in(Client())
        assert answer.json()["mfa"]
        assert not answer.cookies

    def test_comes_with_the_second_factor_where_one_is_due(self, mina):
        secret, _codes = add_totp(mina)
        browser = Client()
        challenge = log_in(browser).json()["mfa"]
        answer = browser.post(
            "/api/v1/auth/mfa/verify",
            {"mfa_token": challenge["token"], "code": code_of(secret)},
            content_type="application/json",
        )
        assert answer.cookies[NAME]["httponly"]
        lock()

        assert log_in(browser, address="192.0.2.200", agent="Browser/2.0").json()["mfa"]
        assert log_in(Client(), address="192.0.2.200", agent="Other/2.0").status_code == 429

    def test_signs_its_owner_in_from_anywhere_while_unknown_devices_wait(self, mina):
        browser = Client()
        log_in(browser)
        lock()

        assert log_in(browser, address="192.0.2.200", agent="Browser/2.0").status_code == 200
        assert log_in(Client(), address="192.0.2.200", agent="Other/2.0").status_code == 429

    def test_of_one_person_does_not_help_with_another(self, mina):
        UserFactory(username="omid", raw_password=PASSWORD)
        browser = Client()
        log_in(browser, name="omid")
        lock()

        assert log_in(browser, address="192.0.2.200", agent="Other/1.0").status_code == 429

    @pytest.mark.parametrize(
        "value", ["", "x", "cdd_", "cdd_" + "A" * 48, "cdd_" + "\u00fc" * 48, "a" * 8000, '"; DROP TABLE', "cdd_%00"]
    )
    def test_that_is_junk_is_as_good_as_none(self, mina, value):
        browser = Client(raise_request_exception=False)
        browser.cookies[NAME] = value
        assert log_in(browser).status_code == 200
        lock()
        browser = Client(raise_request_exception=False, headers={"Cookie": f"{NAME}={value}"})
        assert log_in(browser, address="192.0.2.200", agent="Other/1.0").status_code == 429


class TestTooManyAttempts:
    @pytest.mark.parametrize("name", ["mina", "nobody"])
    def test_are_told_how_long_to_wait_whether_there_is_such_a_name_or_not(self, mina, name):
        answer = lock(name)

        assert answer.status_code == 429
        assert answer.json()["code"] == "too_many_attempts"
        assert_problem(answer)
        assert 290 <= int(answer["Retry-After"]) <= 301


class TestTheAdmin:
    def test_is_defended_alike_and_says_so(self, client):
        UserFactory(username="boss", raw_password=PASSWORD, admin=True)
        form = {"username": "boss", "password": PASSWORD, "next": "/admin/"}
        own = client.post("/admin/login/", form, REMOTE_ADDR="203.0.113.7")
        assert own.status_code == 302
        assert own.cookies[NAME]["httponly"]
        lock("boss")

        stranger = Client().post("/admin/login/", form, REMOTE_ADDR="192.0.2.1", headers={"User-Agent": "Other/1"})
        assert stranger.status_code == 429
        assert 0 < int(stranger["Retry-After"]) <= 301
        again = Client()
        again.cookies[NAME] = own.cookies[NAME].value
        assert again.post("/admin/login/", form, REMOTE_ADDR="192.0.2.1").status_code == 302

    def test_can_unlock_a_user(self, client, mina, events):
        UserFactory(username="boss", raw_password=PASSWORD, admin=True)
        client.post("/admin/login/", {"username": "boss", "password": PASSWORD, "next": "/admin/"})
        lock()

        answer = client.post(
            "/admin/accounts/user/",
            {"action": "unlock", "_selected_action": [str(mina.pk)], "confirmed": "1", "reason": "she called"},
        )

        assert answer.status_code == 302
        assert events("authentication.unlocked").get().data["note"] == "she called"
        assert log_in(Client(), address="192.0.2.77", agent="Other/1.0").status_code == 200
