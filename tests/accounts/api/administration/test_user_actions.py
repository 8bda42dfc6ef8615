"""What operators do at the API, as the person sees it: by mail, at the sign-in and in open sessions."""

import uuid

import pytest
from django.test import Client

from accounts.api.views.administration.user_actions import ACTION_VIEWS
from tests.accounts.api.administration.conftest import client_of
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.factors import add_totp, code_of, secret_of
from tests.factories.tokens import open_session, sign_in_at_admin
from tests.mailbox import link_in, queued, work
from tokens.models import Session

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queue", "required_confirmation")]
URL = "/api/v1/admin/users"
NEW_PASSWORD = "seven brass kettles sing"
REASON = {"reason": "asked for by telephone"}


def do(api, name, user, **values):
    return api.post(f"{URL}/{user.pk}/{name}", {**REASON, **values}, format="json")


def code(answer):
    return answer.status_code, answer.json()["code"]


def sign_in(api, name, password=PASSWORD):
    return api.post("/api/v1/auth/login", {"username": name, "password": password}, format="json")


def choose_password(link, password=NEW_PASSWORD):
    _base, page, token, language = link
    path, browser = f"/account/{page}/{token}?lang={language}", Client()
    assert browser.get(path).status_code == 200
    return browser.post(path, {"new_password": password, "new_password_again": password})


@pytest.fixture
def mina(db):
    return UserFactory(username="mina", raw_password=PASSWORD)


class TestInvitation:
    BODY = {"username": "nora", "email": "nora@example.com", "locale": "en", **REASON}

    def test_leads_to_a_password_and_a_sign_in(self, operator, api):
        created = operator.post(URL, self.BODY, format="json").json()
        (mail,) = work()

        assert mail.to == ["nora@example.com"]
        assert REASON["reason"] not in mail.body
        assert code(sign_in(api, "nora", "!")) == (401, "invalid_credentials")
        assert choose_password(link_in(mail)).status_code == 303
        assert sign_in(api, "nora", NEW_PASSWORD).json()["user"]["email_confirmed"] is True
        assert choose_link_is_dead(link_in(mail))
        assert operator.get(f"{URL}/{created['id']}").json()["last_login_at"] is not None

    def test_is_replaced_by_the_next_one(self, operator, api):
        created = operator.post(URL, self.BODY, format="json").json()
        (first,) = work()
        assert operator.post(f"{URL}/{created['id']}/invite", REASON, format="json").status_code == 200
        (second,) = work()

        assert choose_link_is_dead(link_in(first))
        assert choose_password(link_in(second)).status_code == 303

    def test_is_not_sent_without_bound(self, operator):
        created = operator.post(URL, self.BODY, format="json").json()
        for _ in range(6):
            assert operator.post(f"{URL}/{created['id']}/invite", REASON, format="json").status_code == 200
        assert len(work()) == 3

    def test_of_a_locked_account_opens_nothing(self, operator):
        created = operator.post(URL, self.BODY, format="json").json()
        (mail,) = work()
        operator.post(f"{URL}/{created['id']}/lock", REASON, format="json")
        assert choose_link_is_dead(link_in(mail))


def choose_link_is_dead(link):
    _base, page, token, language = link
    return Client().get(f"/account/{page}/{token}?lang={language}").status_code == 400


class TestConfirmation:
    def test_by_an_operator_opens_the_sign_in(self, operator, api):
        user = UserFactory(raw_password=PASSWORD, email_confirmed_at=None)
        assert code(sign_in(api, user.username)) == (403, "email_not_confirmed")

        answer = do(operator, "confirm-email", user)

        assert answer.json()["email_confirmed"] is True
        assert sign_in(api, user.username).status_code == 200

    def test_of_a_strangers_address_is_undone_by_the_stranger(self, operator, api):
        intruder = UserFactory(raw_password=PASSWORD, email="victim@example.com", email_confirmed_at=None)
        do(operator, "confirm-email", intruder)
        (mail,) = work()
        _base, page, token, _language = link_in(mail)

        assert (mail.to, page) == (["victim@example.com"], "not-me")
        assert Client().post(f"/account/{page}/{token}").status_code == 303
        assert code(sign_in(api, intruder.username)) == (401, "invalid_credentials")


class TestLock:
    def test_closes_the_account_until_it_is_unlocked(self, operator, api, mina):
        phone = client_of(mina)

        assert do(operator, "lock", mina).json()["is_active"] is False
        assert code(phone.get("/api/v1/auth/me")) == (401, "session_revoked")
        assert code(sign_in(api, "mina")) == (403, "account_disabled")
        assert do(operator, "unlock", mina).json()["is_active"] is True
        assert sign_in(api, "mina").status_code == 200
        assert queued()[:2] == ["account_locked", "account_unlocked"]

    def test_is_not_done_to_the_last_administrator(self, operator, boss):
        powerless = client_of(UserFactory(admin=True))
        assert code(do(powerless, "lock", boss)) == (403, "permission_denied")


class TestLogout:
    def test_ends_every_session(self, operator, mina):
        phone = client_of(mina)
        assert do(operator, "logout", mina).status_code == 200
        assert code(phone.get("/api/v1/auth/me")) == (401, "session_revoked")


class TestRequirePasswordReset:
    def test_refuses_the_password_until_there_is_a_new_one(self, operator, api, mina, events):
        phone = client_of(mina)

        assert do(operator, "require-password-reset", mina).status_code == 200
        assert code(phone.get("/api/v1/auth/me")) == (401, "session_revoked")
        assert code(sign_in(api, "mina")) == (403, "password_reset_required")
        assert events("authentication.login_failed").get().risk_reasons == ["password_reset_required"]
        # Who doesn't know the password learns nothing.
        assert code(sign_in(api, "mina", "wrong password here")) == (401, "invalid_credentials")

        (mail,) = work()
        assert choose_password(link_in(mail)).status_code == 303
        assert sign_in(api, "mina", NEW_PASSWORD).status_code == 200

    def test_lets_nobody_in_who_had_shown_the_password_only(self, operator, api, mina):
        add_totp(mina)
        challenge = sign_in(api, "mina").json()["mfa"]["token"]
        do(operator, "require-password-reset", mina)

        body = {"mfa_token": challenge, "code": code_of(secret_of(mina))}
        answer = api.post("/api/v1/auth/mfa/verify", body, format="json")

        assert code(answer) == (400, "invalid_or_expired_token")
        assert not Session.objects.filter(user=mina, ended_at=None).exists()

    def test_is_about_passwords_alone(self, operator, mina, phone, now):
        from accounts.services.sign_in import password_sign_in

        do(operator, "require-password-reset", mina)
        mina.refresh_from_db()

        assert password_sign_in.complete_sign_in(user=mina, amr=["fed"], client=phone, now=now).tokens


class TestStaffRights:
    def test_open_the_list_of_users_and_are_withdrawn_at_once(self, operator, mina):
        assert code(client_of(mina).get(URL)) == (403, "permission_denied")

        assert do(operator, "grant-staff-rights", mina, rights=["users:read", "sessions:read"]).status_code == 200
        api, browser = client_of(mina), Client()
        sign_in_at_admin(browser, mina)
        assert api.get(URL).status_code == 200
        assert browser.get("/admin/accounts/user/").status_code == 200

        assert do(operator, "withdraw-staff-rights", mina).status_code == 200
        assert code(api.get(URL)) == (401, "session_revoked")
        assert browser.get("/admin/accounts/user/").status_code == 302
        assert code(client_of(mina).get(URL)) == (403, "permission_denied")


class TestErasure:
    def test_leaves_nobody(self, operator, mina):
        open_session(user=mina)
        assert do(operator, "anonymise", mina).status_code == 204
        (mail,) = work()
        assert (mail.to, mail.subject) == ([mina.email], "Your account was erased")
        assert "mina" in mail.body
        assert code(operator.get(f"{URL}/{mina.pk}")) == (404, "not_found")


class TestEveryAction:
    @pytest.mark.parametrize("name", ACTION_VIEWS)
    def test_demands_a_reason_and_a_right(self, operator, api, mina, name):
        assert code(operator.post(f"{URL}/{mina.pk}/{name}", {}, format="json")) == (422, "validation_error")
        assert code(operator.post(f"{URL}/{mina.pk}/{name}", {**REASON, "x": 1}, format="json"))[0] == 422
        assert code(do(client_of(UserFactory()), name, mina)) == (403, "permission_denied")
        assert code(do(api, name, mina)) == (401, "authentication_required")
        values = {"tier": "pro"} if name == "set-tier" else {"rights": ["users:read"]} if "grant" in name else {}
        nobody = UserFactory.build(pk=uuid.uuid4())
        assert code(do(operator, name, nobody, **values)) == (404, "not_found")

    def test_is_told_in_the_persons_language(self, operator):
        user = UserFactory(locale="es")
        do(operator, "lock", user)
        (mail,) = work()
        assert mail.subject == "Se bloqueó su cuenta"
