"""Accounts hijacked before their owners come: the five attacks of Sudhodanan and Paverd (USENIX Security 2022).

The attacker knows the victim's address and comes first. Then the victim signs in by a provider that knows them.
"""

import time
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.mfa.models import Authenticator
from rest_framework.test import APIClient

from accounts.models import Ceremony, RecoverySecret, SecurityKey, SignInChallenge, TotpSecret, User, WebAuthnHandle
from accounts.providers import links
from accounts.providers.discovery import document_cache
from cedrina_base.signed_tokens import token_digest
from tests import mailbox
from tests.factories.factors import add_key, add_totp
from tests.peers.openid_provider.fake_issuer import REDIRECT_URI, fake_issuer
from tests.problem_shape import assert_problem

pytestmark = pytest.mark.django_db
VICTIM, ATTACKER = "victim@example.com", "attacker@example.net"
PASSWORD = "violet harbour drum kite"
BASE = "/api/v1/auth"


@pytest.fixture
def issuer(settings):
    """One provider that verifies addresses and one, `careless`, whose word is worth nothing."""
    document_cache.forget()
    with fake_issuer() as running:
        providers = [running.provider(), running.provider(id="careless", trusted_for_email=False)]
        settings.ACCOUNTS = {**settings.ACCOUNTS, "EMAIL_CONFIRMATION": "optional", "SOCIAL_PROVIDERS": providers}
        yield running
    document_cache.forget()


class Party:
    """One of the two, with a client and an account at the provider."""

    def __init__(self, issuer, *, uid, email):
        self.issuer, self.claims = issuer, {"sub": uid, "email": email}
        self.client = APIClient()
        self.tokens = None

    def post(self, path, body=None, *, token=None):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.client.post(f"{BASE}{path}", body or {}, format="json", headers=headers)

    def register(self, email):
        answer = self.post("/register", {"username": "squatter", "email": email, "password": PASSWORD})
        assert answer.status_code == 201
        self.tokens = answer.json()["tokens"]

    def begin(self, provider="fake", **members):
        token = self.tokens["access_token"] if self.tokens else None
        body = {"redirect_uri": REDIRECT_URI, **members}
        departure = self.post(f"/social/{provider}/authorize", body, token=token).json()
        self.nonce = parse_qs(urlsplit(departure["authorization_url"]).query)["nonce"][0]
        return {"code": "a-code", "state": departure["state"]}

    def finish(self, returned, *, to="callback", provider="fake", **claims):
        self.issuer.nonce, self.issuer.claims = self.nonce, {**self.claims, **claims}
        token = self.tokens["access_token"] if to != "callback" else None
        return self.post(f"/social/{provider}/{to}", returned, token=token)

    def sign_in(self, provider="fake", **claims):
        self.tokens = None
        answer = self.finish(self.begin(provider), provider=provider, **claims)
        if answer.status_code == 200:
            self.tokens = answer.json()["tokens"]
        return answer

    def is_let_in(self):
        headers = {"Authorization": f"Bearer {self.tokens['access_token']}"}
        return self.client.get(f"{BASE}/me", headers=headers).status_code == 200


@pytest.fixture
def victim(issuer):
    return Party(issuer, uid="the-victim", email=VICTIM)


@pytest.fixture
def attacker(issuer):
    return Party(issuer, uid="the-attacker", email=ATTACKER)


def attack(number):
    return pytest.mark.attack(f"Pre-hijacked accounts, 4.{number}")


@attack(1)
class TestClassicFederatedMerge:
    def test_leaves_the_attackers_password_without_effect(self, attacker, victim, events):
        attacker.register(VICTIM)

        assert victim.sign_in().status_code == 200

        for name in ("squatter", VICTIM):
            answer = attacker.post("/login", {"username": name, "password": PASSWORD})
            assert_problem(answer, status=401, code="invalid_credentials")
        assert events("social.account_preempted").count() == 1
        assert victim.is_let_in()


@attack(2)
class TestUnexpiredSession:
    def test_ends_with_the_victims_first_sign_in(self, attacker, victim):
        attacker.register(VICTIM)
        assert attacker.is_let_in()

        victim.sign_in()

        assert not attacker.is_let_in()
        answer = attacker.post("/refresh", {"refresh_token": attacker.tokens["refresh_token"]})
        assert_problem(answer, status=401, code="session_revoked")
        assert victim.is_let_in()


@attack(3)
class TestTrojanIdentifier:
    def test_that_the_attacker_connected_signs_nobody_in(self, attacker, victim):
        attacker.register(VICTIM)
        assert attacker.finish(attacker.begin(purpose="link"), to="link").status_code == 201

        victims_id = victim.sign_in().json()["user"]["id"]

        answer = attacker.sign_in()
        assert answer.json()["user"]["id"] != victims_id
        assert [link.email for link in links.list_links(User.objects.get(email=VICTIM).pk)] == [VICTIM]

    def test_that_is_a_second_factor_is_removed(self, attacker, victim, events):
        attacker.register(VICTIM)
        squatter = User.objects.get(email=VICTIM)
        add_totp(squatter)
        add_key(squatter, is_passkey=True)

        answer = victim.sign_in()

        assert answer.json()["mfa"] is None
        assert answer.json()["user"]["mfa_enabled"] is False
        for model in (Authenticator, TotpSecret, RecoverySecret, SecurityKey, WebAuthnHandle, Ceremony):
            assert not model.objects.exists(), model
        assert events("mfa.factor_removed").count() == 3


@attack(4)
class TestUnexpiredChange:
    def test_of_what_is_connected_that_was_begun_before_can_not_be_finished(self, attacker, victim):
        attacker.register(VICTIM)
        pending = attacker.begin(purpose="link")

        victim.sign_in()

        assert attacker.finish(pending, to="link").status_code == 401
        assert [link.email for link in links.list_links(User.objects.get(email=VICTIM).pk)] == [VICTIM]

    def test_by_a_challenge_that_waits_for_a_second_factor_is_revoked(self, attacker, victim):
        attacker.register(VICTIM)
        User.objects.update(is_mfa_enabled=True)
        waiting = attacker.post("/login", {"username": "squatter", "password": PASSWORD}).json()["mfa"]["token"]

        victim.sign_in()

        assert not SignInChallenge.objects.filter(digest=token_digest(waiting)).exists()

    @pytest.mark.usefixtures("empty_queue")
    def test_of_the_address_that_was_requested_before_is_revoked(self, attacker, victim):
        attacker.register(VICTIM)
        body = {"email": ATTACKER, "password": PASSWORD}
        asked = attacker.post("/me/email", body, token=attacker.tokens["access_token"])
        assert asked.status_code == 202, asked.json()
        (mailed,) = [message for message in mailbox.work() if message.to == [ATTACKER]]
        trojan = mailbox.token_in(mailed)

        victims_id = victim.sign_in().json()["user"]["id"]

        answer = attacker.post("/confirm-email", {"token": trojan})
        assert_problem(answer, status=400, code="invalid_or_expired_token")
        assert User.objects.get(pk=victims_id).email == VICTIM
        assert victim.is_let_in()

    @pytest.mark.usefixtures("empty_queue")
    def test_of_the_address_whose_mail_is_queued_is_revoked(self, attacker, victim):
        attacker.register(VICTIM)
        body = {"email": ATTACKER, "password": PASSWORD}
        attacker.post("/me/email", body, token=attacker.tokens["access_token"])

        victims_id = victim.sign_in().json()["user"]["id"]

        for message in mailbox.work():
            if message.to == [ATTACKER]:
                attacker.post("/confirm-email", {"token": mailbox.token_in(message)})
        assert User.objects.get(pk=victims_id).email == VICTIM


@attack(5)
class TestNonVerifyingProvider:
    def test_opens_no_account_with_an_address_that_it_did_not_verify(self, attacker, victim):
        answer = attacker.sign_in(email=VICTIM, email_verified=False)
        assert_problem(answer, status=403, code="email_not_confirmed")
        assert not User.objects.exists()

        assert victim.sign_in().status_code == 200
        assert attacker.sign_in(email=VICTIM, email_verified=False).status_code == 403

    def test_takes_no_account_over(self, attacker, victim):
        victims_id = victim.sign_in().json()["user"]["id"]
        assert attacker.sign_in("careless", email=VICTIM, email_verified=True).status_code == 403
        assert [str(user.pk) for user in User.objects.all()] == [victims_id]

    def test_answers_alike_whether_or_not_there_is_an_account(self, attacker, victim):
        unknown = attacker.sign_in(email=VICTIM, email_verified=False)
        victim.sign_in()
        known = attacker.sign_in(email=VICTIM, email_verified=False)
        answers = [answer.json() for answer in (unknown, known)]
        for answer in answers:
            del answer["correlation_id"], answer["timestamp"]
        assert answers[0] == answers[1]


@pytest.mark.attack("OpenID Connect Core, 5.7")
class TestAnAddressThatHasANewOwner:
    def test_at_the_provider_does_not_bring_the_old_account(self, victim, issuer):
        # The provider gave the address to somebody else; `sub` is who one is. What decides is the confirmed address.
        first = victim.sign_in().json()["user"]["id"]
        renamed = Party(issuer, uid="the-victim", email="renamed@example.com")
        assert renamed.sign_in().json()["user"]["id"] == first


@pytest.mark.attack("RFC 9700, 4.7")
class TestLoginCrossSiteRequestForgery:
    VERIFIER = "only-the-victims-application-knows-this-one-0123"

    def test_fails_where_the_application_began_with_a_challenge_of_its_own(self, attacker, victim):
        # The attacker has the victim's browser open the attacker's own redirect; the victim's application answers for
        # it as it does for every one: with the verifier that it keeps.
        returned = attacker.begin()
        answer = attacker.finish({**returned, "code_verifier": self.VERIFIER})
        assert_problem(answer, status=401, code="invalid_social_token")


@pytest.mark.attack("OpenID Connect Core, 3.1.3.7 (11)")
class TestAnInjectedCode:
    def test_of_another_sign_in_has_the_wrong_nonce(self, attacker, victim):
        returned = attacker.begin()
        victim.begin()
        attacker.nonce = victim.nonce  # the issuer puts into the token what the victim's request had
        answer = attacker.finish(returned, sub="the-victim", email=VICTIM, iat=int(time.time()))
        assert_problem(answer, status=401, code="invalid_social_token")
        assert not User.objects.exists()
