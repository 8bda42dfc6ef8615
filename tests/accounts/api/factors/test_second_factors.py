"""The calls by which a second factor is shown."""

import pytest

from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.factors import add_key, add_totp, code_of
from tokens.models import Session

pytestmark = pytest.mark.django_db
LOGIN, VERIFY = "/api/v1/auth/login", "/api/v1/auth/mfa/verify"
AGAIN, WAYS = "/api/v1/auth/reauthenticate", "/api/v1/auth/reauthenticate/options"


@pytest.fixture
def mina():
    return UserFactory(username="mina", raw_password=PASSWORD)


@pytest.fixture
def log_in(api):
    return lambda: api.post(LOGIN, {"username": "mina", "password": PASSWORD}, format="json").json()


@pytest.fixture
def verify(api):
    return lambda mfa, **proof: api.post(VERIFY, {"mfa_token": mfa["token"], **proof}, format="json")


def refusal(answer):
    return answer.status_code, answer.json()["code"]


class TestLogin:
    def test_asks_for_an_authenticator_application(self, mina, log_in):
        add_totp(mina)

        answer = log_in()

        assert (answer["user"], answer["tokens"]) == (None, None)
        assert set(answer["mfa"]) == {"token", "methods", "expires_in", "webauthn"}
        assert (answer["mfa"]["methods"], answer["mfa"]["webauthn"]) == (["totp", "recovery_code"], None)
        assert answer["mfa"]["expires_in"] == 300

    def test_asks_a_browser_for_a_security_key(self, mina, log_in):
        add_key(mina)

        options = log_in()["mfa"]["webauthn"]

        assert set(options) >= {"challenge", "rpId", "allowCredentials", "userVerification", "timeout"}
        assert len(options["allowCredentials"]) == 1


class TestVerify:
    def test_answers_200_as_a_login_does(self, mina, log_in, verify):
        secret, _codes = add_totp(mina)

        answer = verify(log_in()["mfa"], code=code_of(secret))

        assert answer.status_code == 200
        document = answer.json()
        assert (document["user"]["mfa_enabled"], document["mfa"]) == (True, None)
        assert document["tokens"]["access_token"]
        assert Session.objects.get(pk=document["tokens"]["session_id"]).amr == ["pwd", "otp", "mfa"]

    def test_takes_a_recovery_code_and_a_key(self, mina, log_in, verify):
        key, added = add_key(mina)

        assert verify(log_in()["mfa"], recovery_code=added.recovery_codes[0]).status_code == 200
        mfa = log_in()["mfa"]
        assert verify(mfa, webauthn=key.get(mfa["webauthn"])).status_code == 200

    def test_answers_401_for_a_wrong_code_and_400_when_the_sign_in_is_over(self, mina, log_in, verify):
        secret, _codes = add_totp(mina)
        mfa = log_in()["mfa"]

        wrong = verify(mfa, code="000000")
        assert refusal(wrong) == (401, "invalid_mfa_code")
        assert wrong["WWW-Authenticate"].startswith("Bearer")
        assert verify(mfa, code=code_of(secret)).status_code == 200
        assert refusal(verify(mfa, code=code_of(secret))) == (400, "invalid_or_expired_token")

    def test_answers_429_with_retry_after_when_the_factor_is_locked(self, mina, log_in, verify):
        secret, _codes = add_totp(mina)
        for _ in range(5):
            verify(log_in()["mfa"], code="000000")

        answer = verify(log_in()["mfa"], code=code_of(secret))

        assert refusal(answer) == (429, "too_many_attempts")
        assert 890 <= int(answer["Retry-After"]) <= 900

    @pytest.mark.parametrize(
        ("proof", "errors"),
        [
            ({}, [("code", "required")]),
            ({"code": "1", "recovery_code": "2"}, [("code", "invalid"), ("recovery_code", "invalid")]),
            ({"code": "1", "webauthn": {}}, [("code", "invalid"), ("webauthn", "invalid")]),
            ({"code": 123456}, [("code", "invalid")]),
            ({"webauthn": "x"}, [("webauthn", "invalid")]),
            ({"code": "1" * 65}, [("code", "max_length")]),
            ({"password": PASSWORD}, [("password", "unknown_field")]),
        ],
    )
    def test_answers_422_unless_there_is_exactly_one_proof(self, mina, log_in, verify, proof, errors):
        add_totp(mina)

        answer = verify(log_in()["mfa"], **proof)

        assert refusal(answer) == (422, "validation_error")
        assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == errors


class TestReauthenticate:
    @pytest.fixture
    def signed_in(self, api, mina, log_in):
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {log_in()['tokens']['access_token']}")

    @pytest.mark.usefixtures("signed_in")
    def test_answers_200_for_a_code_and_opens_what_needs_it(self, api, mina):
        secret, _codes = add_totp(mina)
        refused = api.post("/api/v1/auth/mfa/recovery-codes")
        assert refusal(refused) == (403, "step_up_required")
        assert 'acr_values="mfa"' in refused["WWW-Authenticate"]
        # The password is no second factor.
        assert api.post(AGAIN, {"password": PASSWORD}, format="json").status_code == 200
        assert refusal(api.post("/api/v1/auth/mfa/recovery-codes")) == (403, "step_up_required")

        answer = api.post(AGAIN, {"code": code_of(secret)}, format="json")

        assert (answer.status_code, set(answer.json())) == (200, {"authenticated_at", "expires_in"})
        assert api.post("/api/v1/auth/mfa/recovery-codes").status_code == 200

    @pytest.mark.usefixtures("signed_in")
    def test_answers_200_for_a_key_and_a_recovery_code(self, api, mina):
        key, added = add_key(mina)
        ways = api.post(WAYS).json()
        assert ways["methods"] == ["webauthn", "recovery_code"]

        assert api.post(AGAIN, {"webauthn": key.get(ways["webauthn"])}, format="json").status_code == 200
        body = {"recovery_code": added.recovery_codes[0]}
        assert api.post(AGAIN, body, format="json").status_code == 200

    @pytest.mark.usefixtures("signed_in")
    def test_answers_401_for_a_wrong_code_and_422_for_none_or_two(self, api, mina):
        add_totp(mina)

        assert refusal(api.post(AGAIN, {"code": "000000"}, format="json")) == (401, "invalid_mfa_code")
        for body, fields in (({}, ["password"]), ({"password": PASSWORD, "code": "1"}, ["password", "code"])):
            answer = api.post(AGAIN, body, format="json")
            assert [error["field"] for error in answer.json()["errors"]] == fields

    @pytest.mark.usefixtures("signed_in")
    def test_is_required_for_a_password_change_of_users_with_a_second_factor(self, api, mina):
        body = {"old_password": PASSWORD, "new_password": "copper lantern seven owls"}
        secret, _codes = add_totp(mina)
        assert refusal(api.put("/api/v1/auth/change-password", body, format="json")) == (403, "step_up_required")

        api.post(AGAIN, {"code": code_of(secret)}, format="json")

        assert api.put("/api/v1/auth/change-password", body, format="json").status_code == 200

    def test_answers_401_without_an_access_token(self, api):
        assert api.post(WAYS).status_code == 401
