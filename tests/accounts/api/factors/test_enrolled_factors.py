"""The calls by which people see, add and remove their second factors."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.api.response_bodies import format_timestamp
from accounts.services.factors import factor_reset
from tests.clients.authenticator import SoftwareKey
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.factors import add_key, add_totp, code_of
from tests.factories.tokens import open_session
from tokens.models import Session

pytestmark = pytest.mark.django_db
MFA = "/api/v1/auth/mfa"
PASSKEY = "/api/v1/auth/passkey"


@pytest.fixture
def mina():
    return UserFactory(username="mina", raw_password=PASSWORD)


@pytest.fixture
def signed_in(api, mina):
    tokens = open_session(user=mina)
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.access_token}")
    return tokens


@pytest.fixture
def call(api, signed_in):
    """Send a call and return its status and body."""

    def send(method, path, body=None):
        answer = getattr(api, method)(f"{MFA}{path}", body, format="json")
        return answer.status_code, answer.json() if answer.content else None

    return send


def grow_old():
    Session.objects.update(
        authenticated_at=timezone.now() - timedelta(minutes=6), second_factor_at=timezone.now() - timedelta(minutes=6)
    )


class TestOverview:
    def test_is_empty_for_people_without(self, call):
        assert call("get", "") == (200, {"enabled": False, "methods": [], "recovery_codes_left": 0, "reset": None})

    def test_lists_what_there_is_and_when_it_was_used(self, call, api, mina):
        secret, codes = add_totp(mina)
        add_key(mina, name="Blue key")
        api.post("/api/v1/auth/reauthenticate", {"recovery_code": codes[0]}, format="json")
        api.post("/api/v1/auth/reauthenticate", {"code": code_of(secret)}, format="json")

        _status, found = call("get", "")

        assert (found["enabled"], found["recovery_codes_left"]) == (True, 9)
        assert [(one["type"], one["name"], one["last_used_at"] is None) for one in found["methods"]] == [
            ("totp", "", False),
            ("recovery_code", "", False),
            ("webauthn", "Blue key", True),
        ]
        assert found["reset"] is None
        assert len({one["id"] for one in found["methods"]}) == 3
        assert all(one["created_at"].endswith("Z") for one in found["methods"])

    def test_shows_a_reset_that_waits(self, call, mina, now):
        add_totp(mina)
        factor_reset.request(user=mina, by=None, reason="lost", now=now)

        assert call("get", "")[1]["reset"] == {
            "requested_at": format_timestamp(now),
            "due_at": format_timestamp(now + timedelta(hours=72)),
        }

    def test_requires_an_access_token(self, api):
        assert api.get(MFA).status_code == 401


class TestTotp:
    def test_is_set_up_by_a_key_and_a_code(self, call, api):
        status, shown = call("post", "/totp")
        assert (status, set(shown)) == (200, {"secret", "otpauth_url", "qr_svg"})
        assert shown["otpauth_url"] == f"otpauth://totp/Cedrina%3Amina?secret={shown['secret']}&issuer=Cedrina"

        status, answer = call("post", "/totp/activate", {"code": code_of(shown["secret"])})

        assert (status, len(answer["recovery_codes"])) == (200, 10)
        assert api.get("/api/v1/auth/me").json()["mfa_enabled"] is True
        assert call("post", "/totp")[1]["code"] == "already_exists"

    def test_shows_an_image_that_is_safe_inside_a_page(self, call, mina):
        mina.username = "mina"
        svg = call("post", "/totp")[1]["qr_svg"]

        assert svg.startswith("<svg ")
        assert svg.endswith("</svg>")
        for forbidden in ("<script", "<style", "<?xml", "<!", "href", "javascript", " on", "<text", "mina"):
            assert forbidden not in svg

    def test_takes_its_issuer_from_the_settings(self, call, settings):
        settings.ACCOUNTS = {**settings.ACCOUNTS, "TOTP_ISSUER": "Example & Co"}

        assert "issuer=Example%20%26%20Co" in call("post", "/totp")[1]["otpauth_url"]

    def test_refuses_a_wrong_code_and_one_without_a_key(self, call):
        assert call("post", "/totp/activate", {"code": "123456"})[1]["code"] == "not_found"
        call("post", "/totp")
        status, problem = call("post", "/totp/activate", {"code": "nothing"})
        assert (status, problem["code"]) == (401, "invalid_mfa_code")

    def test_is_removed(self, call, mina, signed_in):
        add_totp(mina, session_id=signed_in.session_id)

        assert call("delete", "/totp") == (204, None)
        assert call("get", "")[1]["enabled"] is False
        assert call("delete", "/totp")[0] == 404


class TestRecoveryCodes:
    def test_are_made_anew(self, call, mina, signed_in):
        _secret, old = add_totp(mina, session_id=signed_in.session_id)

        status, answer = call("post", "/recovery-codes")

        assert (status, len(answer["recovery_codes"])) == (200, 10)
        assert not set(answer["recovery_codes"]) & set(old)

    def test_are_not_for_people_without_a_second_factor(self, call):
        assert call("post", "/recovery-codes")[0] == 404


class TestWebAuthn:
    def test_is_registered_listed_and_removed(self, call):
        _status, options = call("post", "/webauthn/options", {})
        credential = SoftwareKey().create(options)

        status, key = call("post", "/webauthn", {"name": "Blue key", "credential": credential})

        assert status == 201
        assert (key["name"], key["type"], len(key["recovery_codes"])) == ("Blue key", "webauthn", 10)
        assert call("get", "")[1]["methods"][0]["id"] == key["id"]
        assert call("delete", f"/webauthn/{key['id']}") == (204, None)
        assert call("get", "")[1] == {"enabled": False, "methods": [], "recovery_codes_left": 0, "reset": None}

    @pytest.mark.parametrize(
        ("changes", "field", "code"),
        [
            ({"name": ""}, "name", "blank"),
            ({"name": "  "}, "name", "blank"),
            ({"name": "a\nb"}, "name", "invalid"),
            ({"name": "x" * 151}, "name", "max_length"),
            ({"credential": {"id": "x"}}, "credential", "invalid"),
            ({"credential": "x"}, "credential", "invalid"),
        ],
    )
    def test_refuses_bad_members(self, call, changes, field, code):
        credential = SoftwareKey().create(call("post", "/webauthn/options", {})[1])

        status, problem = call("post", "/webauthn", {"name": "key", "credential": credential, **changes})

        assert (status, problem["errors"][0]["field"], problem["errors"][0]["code"]) == (422, field, code)

    def test_takes_no_body_for_the_usual_options(self, api, call):
        answer = api.post(f"{MFA}/webauthn/options")

        assert answer.status_code == 200
        assert answer.json()["authenticatorSelection"]["residentKey"] == "preferred"

    def test_has_nothing_of_another_id(self, call):
        assert call("delete", f"/webauthn/{uuid4()}")[0] == 404


class TestEveryChange:
    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("post", "/totp", None),
            ("post", "/totp/activate", {"code": "123456"}),
            ("delete", "/totp", None),
            ("post", "/recovery-codes", None),
            ("post", "/webauthn/options", {}),
            ("post", "/webauthn", {"name": "x", "credential": {}}),
            ("delete", "/webauthn/019b8d5a-7f00-7b11-8c2d-1e2f3a4b5c6d", None),
        ],
    )
    def test_requires_a_recent_authentication_and_the_second_factor_if_there_is_one(
        self, call, mina, method, path, body
    ):
        grow_old()
        status, problem = call(method, path, body)
        assert (status, problem["code"]) == (403, "reauthentication_required")

        add_totp(mina)
        Session.objects.update(authenticated_at=timezone.now())
        status, problem = call(method, path, body)
        assert (status, problem["code"]) == (403, "step_up_required")


class TestPasskey:
    def test_signs_in_alone(self, api, mina):
        key, _added = add_key(mina, is_passkey=True)
        options = api.post(f"{PASSKEY}/options").json()

        answer = api.post(f"{PASSKEY}/login", {"credential": key.get(options)}, format="json")

        assert answer.status_code == 200
        assert (answer.json()["user"]["username"], answer.json()["mfa"]) == ("mina", None)
        assert answer.cookies["cedrina_device"]["httponly"]
        assert Session.objects.get(pk=answer.json()["tokens"]["session_id"]).amr == ["hwk", "user", "mfa"]

    def test_is_refused_alike_whether_it_is_known_or_not(self, api, mina):
        key, _added = add_key(mina, is_passkey=True)
        answers = []
        for credential in (
            key.get(api.post(f"{PASSKEY}/options").json(), private_key=SoftwareKey().private_key),
            SoftwareKey(handle=b"x" * 32).get(api.post(f"{PASSKEY}/options").json()),
            {},
        ):
            answer = api.post(f"{PASSKEY}/login", {"credential": credential}, format="json")
            problem = {k: v for k, v in answer.json().items() if k not in ("correlation_id", "timestamp")}
            answers.append((answer.status_code, problem))

        assert answers[0][0] == 401
        assert answers[0][1]["code"] == "invalid_credentials"
        assert answers[0] == answers[1] == answers[2]
