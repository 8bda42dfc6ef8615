"""A person signs in by a real OpenID provider, over HTTP from end to end."""

import json
from base64 import b32encode
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from accounts.providers.authorization import s256_challenge as challenge
from tests.journeys.person import Person
from tests.peers.openid_provider.running import CLIENT_SECRET, REDIRECT_URI, openid_provider, setting, walk
from tests.problem_shape import assert_problem
from tests.programs import served

VERIFIER = "a-verifier-that-only-this-client-knows-0123456789"


@pytest.fixture(scope="module")
def issuer():
    with openid_provider() as address:
        yield address


@pytest.fixture(scope="module")
def social_server(issuer, database_url):
    with served.serving(database_url=database_url, SOCIAL_PROVIDERS=setting(issuer)) as running:
        yield running


class Traveller(Person):
    """A user with an account at the provider."""

    def begin(self, **members):
        answer = self.send("POST", "/auth/social/staff/authorize", {"redirect_uri": REDIRECT_URI, **members})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def come_back(self, departure, *, login=None, to="callback", **members):
        returned = walk(departure["authorization_url"], login=login or self.name)
        assert returned["state"] == departure["state"]
        body = {"code": returned["code"], "state": returned["state"], "iss": returned["iss"], **members}
        return self.send("POST", f"/auth/social/staff/{to}", body)

    def sign_in_at_provider(self, *, login=None):
        answer = self.come_back(self.begin(), login=login)
        if answer.status_code == 200 and answer.json()["tokens"]:
            self.tokens = answer.json()["tokens"]
        return answer


@pytest.fixture
def traveller(social_server):
    made = []

    def make(**options):
        person = Traveller(social_server, number=len(made), **options)
        made.append(person)
        return person

    yield make
    for person in made:
        person.close()


class TestSomebodyNew:
    def test_is_signed_in_with_an_account_whose_address_is_confirmed(self, traveller):
        person = traveller()

        answer = person.sign_in_at_provider()

        assert answer.status_code == 200, answer.text
        user = answer.json()["user"]
        assert user["email"] == person.address
        assert user["email_confirmed"] is True
        assert user["full_name"] == f"{person.name.capitalize()} Example"
        assert user["username"] == person.name
        assert person.is_signed_in
        assert person.refresh().status_code == 200

    def test_gets_the_same_account_the_next_time(self, traveller):
        person = traveller()
        first = person.sign_in_at_provider().json()["user"]["id"]

        assert person.sign_in_at_provider().json()["user"]["id"] == first
        listed = person.send("GET", "/auth/social/accounts").json()["results"]
        assert [(each["provider"], each["email"]) for each in listed] == [("staff", person.address)]

    def test_is_turned_away_with_an_address_that_the_provider_does_not_vouch_for(self, traveller):
        person = traveller()

        answer = person.sign_in_at_provider(login=f"{person.name}+unverified")

        assert_problem(answer, status=403, code="email_not_confirmed")

    def test_is_sent_off_with_pkce_and_a_nonce(self, traveller):
        departure = traveller().begin()

        asked = parse_qs(urlsplit(departure["authorization_url"]).query)
        assert asked["code_challenge_method"] == ["S256"]
        assert len(asked["code_challenge"][0]) == 43
        assert len(asked["nonce"][0]) >= 43
        assert asked["state"] == [departure["state"]]
        assert asked["response_type"] == ["code"]


class TestSomebodyKnown:
    def test_by_password_and_confirmed_is_joined(self, traveller, database_url):
        person = traveller()
        person.register()
        served.execute(
            database_url, f"UPDATE accounts_user SET email_confirmed_at = now() WHERE username = '{person.name}'"
        )
        known = person.me().json()["id"]

        assert person.sign_in_at_provider().json()["user"]["id"] == known
        assert person.sign_in().status_code == 200

    def test_has_to_show_the_second_factor_all_the_same(self, traveller, database_url):
        person = traveller()
        user_id = person.sign_in_at_provider().json()["user"]["id"]
        data = json.dumps({"secret": b32encode(b"only in tests 20 byt").decode()})
        served.execute(
            database_url,
            f"UPDATE accounts_user SET is_mfa_enabled = TRUE WHERE id = '{user_id}'",
            "INSERT INTO mfa_authenticator (type, data, user_id, created_at) "
            f"VALUES ('totp', '{data}', '{user_id}', now())",
        )

        answer = person.sign_in_at_provider()

        assert answer.status_code == 200
        assert answer.json()["user"] is None
        assert answer.json()["tokens"] is None
        assert answer.json()["mfa"]["methods"] == ["totp"]


class TestWhatIsGoodOnce:
    def test_is_the_state(self, traveller):
        person = traveller()
        departure = person.begin()
        returned = walk(departure["authorization_url"], login=person.name)
        body = {"code": returned["code"], "state": returned["state"]}

        assert person.send("POST", "/auth/social/staff/callback", body).status_code == 200
        again = person.send("POST", "/auth/social/staff/callback", body)

        assert_problem(again, status=401, code="invalid_social_token", secrets=[body["code"], body["state"]])

    def test_is_the_code_by_the_providers_own_rule(self, traveller):
        person = traveller()
        returned = walk(person.begin()["authorization_url"], login=person.name)
        assert (
            person.send(
                "POST", "/auth/social/staff/callback", {"code": returned["code"], "state": returned["state"]}
            ).status_code
            == 200
        )
        other = person.begin()

        answer = person.send("POST", "/auth/social/staff/callback", {"code": returned["code"], "state": other["state"]})

        assert_problem(answer, status=401, code="invalid_social_token")


class TestACode:
    def test_of_another_sign_in_fails_at_the_verifier(self, traveller):
        victim, attacker = traveller(), traveller()
        stolen = walk(victim.begin()["authorization_url"], login=victim.name)["code"]
        own = attacker.begin()

        answer = attacker.send("POST", "/auth/social/staff/callback", {"code": stolen, "state": own["state"]})

        assert_problem(answer, status=401, code="invalid_social_token")

    def test_is_refused_by_the_provider_itself_with_a_wrong_verifier(self, traveller, issuer):
        person = traveller()
        code = walk(person.begin()["authorization_url"], login=person.name)["code"]
        answer = httpx.post(
            f"{issuer}/token",
            data={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": REDIRECT_URI,
                "code_verifier": VERIFIER,
            },
            auth=("cedrina", CLIENT_SECRET.replace(" ", "+")),
        )
        assert answer.status_code == 400
        assert answer.json()["error"] == "invalid_grant"

    def test_of_a_client_with_a_verifier_of_its_own_is_of_no_use_in_another_browser(self, traveller):
        person = traveller()
        departure = person.begin(code_challenge=challenge(VERIFIER))
        returned = walk(departure["authorization_url"], login=person.name)
        body = {"code": returned["code"], "state": returned["state"]}

        other_browser = person.send("POST", "/auth/social/staff/callback", body)
        assert_problem(other_browser, status=401, code="invalid_social_token")

        departure = person.begin(code_challenge=challenge(VERIFIER))
        assert person.come_back(departure, code_verifier=VERIFIER).status_code == 200

    def test_from_an_issuer_that_is_not_the_providers_is_refused(self, traveller):
        person = traveller()
        answer = person.come_back(person.begin(), iss="https://elsewhere.example.com")
        assert_problem(answer, status=401, code="invalid_social_token")


class TestConnecting:
    def test_adds_a_sign_in_method_and_disconnecting_removes_it(self, traveller):
        person = traveller()
        person.register()

        linked = person.come_back(person.begin(purpose="link"), login=f"other-{person.name}", to="link")

        assert linked.status_code == 201, linked.text
        assert linked.json()["email"] == f"other-{person.name}@example.com"
        again = traveller()
        assert again.sign_in_at_provider(login=f"other-{person.name}").json()["user"]["username"] == person.name
        path = f"/auth/social/accounts/{linked.json()['id']}"
        assert person.send("DELETE", path).status_code == 204
        assert person.send("GET", "/auth/social/accounts").json()["results"] == []
        assert_problem(person.send("DELETE", path), status=404)

    def test_is_bound_to_the_session_that_began_it(self, traveller):
        attacker, victim = traveller(), traveller()
        attacker.register()
        victim.register()
        returned = walk(attacker.begin(purpose="link")["authorization_url"], login=attacker.name)
        body = {"code": returned["code"], "state": returned["state"]}

        for to in ("link", "callback", "reauthenticate"):
            answer = victim.send("POST", f"/auth/social/staff/{to}", body)
            assert_problem(answer, status=401, code="invalid_social_token")
        assert victim.send("GET", "/auth/social/accounts").json()["results"] == []

    def test_of_an_account_of_another_user_is_refused(self, traveller):
        owner, other = traveller(), traveller()
        owner.sign_in_at_provider()
        other.register()
        answer = other.come_back(other.begin(purpose="link"), login=owner.name, to="link")
        assert_problem(answer, status=409, code="social_account_in_use")

    def test_what_is_connected_already_changes_nothing(self, traveller):
        person = traveller()
        person.sign_in_at_provider()
        answer = person.come_back(person.begin(purpose="link"), to="link")
        assert_problem(answer, status=409, code="already_exists")

    def test_requires_an_access_token(self, traveller):
        person = traveller()
        answer = person.send("POST", "/auth/social/staff/authorize", {"redirect_uri": REDIRECT_URI, "purpose": "link"})
        assert_problem(answer, status=401, code="authentication_required")


class TestTheLastSignInMethod:
    def test_can_not_be_removed_until_there_is_another(self, traveller):
        person = traveller()
        person.sign_in_at_provider()
        (only,) = person.send("GET", "/auth/social/accounts").json()["results"]

        refusal = person.send("DELETE", f"/auth/social/accounts/{only['id']}")

        assert_problem(refusal, status=403, code="permission_denied")
        second = person.come_back(person.begin(purpose="link"), login=f"second-{person.name}", to="link")
        assert second.status_code == 201
        assert person.send("DELETE", f"/auth/social/accounts/{only['id']}").status_code == 204


class TestAUserWithoutAPassword:
    def test_proves_anew_who_they_are_at_the_provider(self, traveller, database_url):
        person = traveller()
        session_id = person.sign_in_at_provider().json()["tokens"]["session_id"]
        served.execute(
            database_url,
            f"UPDATE tokens_session SET authenticated_at = now() - interval '1 hour' WHERE id = '{session_id}'",
        )
        (only,) = person.send("GET", "/auth/social/accounts").json()["results"]
        path = f"/auth/social/accounts/{only['id']}"
        assert_problem(person.send("DELETE", path), status=403, code="reauthentication_required")

        proved = person.come_back(person.begin(purpose="reauthenticate"), to="reauthenticate")

        assert proved.status_code == 200, proved.text
        assert_problem(person.send("DELETE", path), status=403, code="permission_denied")

    def test_does_not_by_the_account_of_another_user(self, traveller):
        person = traveller()
        person.sign_in_at_provider()
        answer = person.come_back(
            person.begin(purpose="reauthenticate"), login=f"else-{person.name}", to="reauthenticate"
        )
        assert_problem(answer, status=401, code="invalid_social_token")


class TestAProvider:
    def test_is_shown_to_anybody_without_its_secrets(self, traveller):
        answer = traveller().send("GET", "/auth/social/providers")
        assert answer.json() == {"results": [{"id": "staff", "kind": "openid_connect", "name": "Staff"}]}

    def test_that_is_not_configured_is_not_found(self, traveller):
        body = {"redirect_uri": REDIRECT_URI}
        assert_problem(traveller().send("POST", "/auth/social/google/authorize", body), status=404)

    @pytest.mark.parametrize(
        "address", [REDIRECT_URI + "/", REDIRECT_URI + "?a=b", REDIRECT_URI.upper(), "https://evil.example.com"]
    )
    def test_redirects_to_no_address_that_is_only_similar_to_an_allowed_one(self, traveller, address):
        answer = traveller().send("POST", "/auth/social/staff/authorize", {"redirect_uri": address})
        assert [e["field"] for e in assert_problem(answer, status=422)["errors"]] == ["redirect_uri"]
