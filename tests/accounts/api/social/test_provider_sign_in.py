"""Social sign-in as clients call it: whatever they send, with a provider that is there."""

import pytest

from accounts.models import SocialAuthorization
from tests.bad_input.naughty import STRINGS
from tests.factories import social
from tests.factories.accounts import UserFactory
from tests.factories.tokens import open_session
from tests.peers.openid_provider.fake_issuer import REDIRECT_URI
from tests.problem_shape import assert_acceptable, assert_problem

pytestmark = pytest.mark.django_db
BASE = "/api/v1/auth/social"
BODIES = {
    "authorize": {"redirect_uri": REDIRECT_URI, "purpose": "sign_in", "code_challenge": "E" * 43},
    "callback": {"code": "a-code", "state": "cds_x", "code_verifier": "v" * 43, "iss": "https://id.example.com"},
    "token": {"id_token": "a.b.c", "access_token": "a", "nonce": "n"},
    "link": {"code": "a-code", "state": "cds_x", "code_verifier": "v" * 43, "iss": "https://id.example.com"},
    "reauthenticate": {"code": "a-code", "state": "cds_x"},
}
MEMBERS = [(call, name) for call, body in BODIES.items() for name in body]
# Those come to the views only past a parser that refuses them.
TEXTS = [text for text in STRINGS.values() if "\0" not in text]


@pytest.fixture
def post(api, issuer):
    def send(call, body, *, pair=None):
        headers = {"Authorization": f"Bearer {pair.access_token}"} if pair else {}
        return api.post(f"{BASE}/fake/{call}", body, format="json", headers=headers)

    return send


class TestAMember:
    @pytest.mark.parametrize(("call", "name"), MEMBERS)
    def test_may_be_any_text(self, post, call, name):
        pair = open_session()
        for text in TEXTS:
            assert_acceptable(post(call, {**BODIES[call], name: text}, pair=pair))


class TestAuthorize:
    def test_answers_with_the_state_that_stands_in_the_address(self, post):
        answer = post("authorize", {"redirect_uri": REDIRECT_URI}).json()
        assert set(answer) == {"authorization_url", "state"}
        assert f"state={answer['state']}" in answer["authorization_url"]

    @pytest.mark.parametrize("purpose", ["link", "reauthenticate"])
    def test_binds_linking_and_reauthentication_to_the_session(self, post, purpose):
        body = {"redirect_uri": REDIRECT_URI, "purpose": purpose}
        assert_problem(post("authorize", body), status=401, code="authentication_required")
        pair = open_session()
        assert post("authorize", body, pair=pair).status_code == 200
        assert SocialAuthorization.objects.get().session_id == pair.session_id

    @pytest.mark.parametrize(
        ("member", "value"), [("purpose", "admin"), ("code_challenge", "plain"), ("code_challenge", "=" * 43)]
    )
    def test_refuses_what_means_nothing(self, post, member, value):
        problem = assert_problem(post("authorize", {"redirect_uri": REDIRECT_URI, member: value}), status=422)
        assert [(each["field"], each["code"]) for each in problem["errors"]] == [(member, "invalid")]


class TestAccounts:
    def test_lists_the_own_connections_only(self, api, now):
        user = UserFactory()
        mine = social.link(user, now=now)
        social.link(UserFactory(), now=now, uid="2")
        headers = {"Authorization": f"Bearer {open_session(user=user).access_token}"}

        answer = api.get(f"{BASE}/accounts", headers=headers)

        assert answer.json() == {
            "results": [
                {
                    "id": str(mine.id),
                    "provider": "fake",
                    "name": "Mina Karimi",
                    "email": "mina@example.com",
                    "created_at": "2026-03-01T12:00:00Z",
                    "last_login_at": "2026-03-01T12:00:00Z",
                }
            ]
        }

    def test_require_a_recent_second_factor_of_users_who_have_one(self, api, now, settings):
        user = UserFactory(is_mfa_enabled=True)
        link = social.link(user, now=now)
        headers = {"Authorization": f"Bearer {open_session(user=user).access_token}"}
        assert_problem(api.delete(f"{BASE}/accounts/{link.id}", headers=headers), status=403, code="step_up_required")
        headers = {"Authorization": f"Bearer {open_session(user=user, amr=['fed', 'mfa']).access_token}"}
        refusal = api.delete(f"{BASE}/accounts/{link.id}", headers=headers)
        assert "only way to sign in" in assert_problem(refusal, status=403, code="permission_denied")["detail"]


class TestAnIdToken:
    def test_signs_in_over_the_api(self, post, issuer):
        answer = post("token", {"id_token": issuer.id_token(nonce="n1"), "nonce": "n1"})
        assert answer.status_code == 200
        assert answer.cookies["cedrina_device"]["httponly"]
        assert answer.json()["user"]["email_confirmed"] is True

    def test_is_what_is_missing_where_there_is_none(self, post):
        problem = assert_problem(post("token", {}), status=422, code="validation_error")
        assert [(each["field"], each["code"]) for each in problem["errors"]] == [("id_token", "required")]
