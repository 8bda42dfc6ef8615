"""Claims that are missing, mistyped or of another user, all signed by our own key."""

import uuid

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from tests.attacks.forgery import Mint, compact
from tests.factories.accounts import UserFactory
from tests.factories.tokens import open_session
from tokens.end_reasons import LOGOUT
from tokens.models import Session
from tokens.services import revocation

EXPIRED = ("token_expired",)
ANY = ("invalid_token", "token_expired")
CLAIMS = ["iss", "aud", "sub", "exp", "iat", "auth_time", "jti", "sid", "family_id", "gen", "amr", "roles"]
OF_OURS = [*CLAIMS, "tier"]  # may be left out, by projects whose users have none
WRONG = {
    "text": "x",
    "empty text": "",
    "a digit": "1",
    "a number": 5,
    "nought": 0,
    "negative": -1,
    "fraction": 1.5,
    "true": True,
    "false": False,
    "null": None,
    "list": [],
    "list of a number": [1],
    "nested list": [[]],
    "list of null": [None],
    "object": {},
    "full object": {"sub": 1},
    "huge": 10**400,
    "nul": "\0",
    "path": "../x",
    "surrogate": "\ud800",
    "sql": "' OR 1=1 --",
    "long": "x" * 2000,
}
# What is right for a claim after all, or has no bearing on who is asking.
RIGHT = {
    "jti": {"text", "a digit", "nul", "path", "surrogate", "sql", "long"},
    "amr": {"list"},
    "roles": {"list"},
    "gen": {"a number", "nought", "negative", "huge"},
    "iat": {"a number"},
    "auth_time": {"a number"},
    "tier": {"text", "empty text", "a digit", "nul", "path", "surrogate", "sql", "long"},
}
CASES = [(claim, kind) for claim in OF_OURS for kind in WRONG if kind not in RIGHT.get(claim, ())]


def test_our_tokens_have_these_claims_and_no_other(mint):
    assert sorted(mint.payload) == sorted(OF_OURS)


@pytest.mark.attack("RFC 9068, 4")
class TestClaims:
    @pytest.mark.parametrize("claim", CLAIMS)
    def test_are_all_wanted(self, mint, refused, claim):
        refused(mint.claims(claim))

    @pytest.mark.parametrize(("claim", "kind"), CASES)
    def test_are_wanted_in_their_type(self, mint, refused, claim, kind):
        refused(mint.claims(**{claim: WRONG[kind]}), codes=EXPIRED if (claim, kind) == ("exp", "a number") else ANY[:1])

    @pytest.mark.parametrize(
        ("claim", "kind"), [(claim, kind) for claim, kinds in RIGHT.items() for kind in sorted(kinds)]
    )
    def test_cause_no_error_where_they_are_harmless(self, mint, claim, kind):
        response = APIClient().get(
            "/api/v1/auth/sessions", HTTP_AUTHORIZATION=f"Bearer {mint.claims(**{claim: WRONG[kind]})}"
        )
        assert response.status_code in (200, 401)

    @pytest.mark.parametrize("payload", [b"", b"null", b"[]", b'"x"', b"1", b"{", b"\xff", b"[" * 2000, b"{}"])
    def test_are_wanted_as_one_object(self, mint, refused, payload):
        refused(mint.sign(payload=payload))


@pytest.mark.attack("RFC 8725, 3.8")
class TestIssuer:
    @pytest.mark.parametrize(
        "spell",
        [
            lambda issuer: issuer + "/",
            lambda issuer: issuer[:-1],
            lambda issuer: issuer + ".attacker.example",
            lambda issuer: "https://attacker.example/?" + issuer,
            str.upper,
            lambda issuer: [issuer],
            lambda issuer: {issuer: True},
            lambda issuer: issuer + "\0",
            lambda issuer: " " + issuer,
        ],
    )
    def test_is_compared_whole(self, mint, refused, spell):
        refused(mint.claims(iss=spell(mint.payload["iss"])))


@pytest.mark.attack("RFC 8725, 3.9")
class TestAudience:
    @pytest.mark.parametrize(
        "spell",
        [
            lambda audience: [audience],
            lambda audience: [audience, "other"],
            lambda audience: ["other", audience],
            lambda audience: audience[:-1],
            lambda audience: audience[0],
            lambda audience: audience + "x",
            lambda audience: "x" + audience,
            lambda audience: f"{audience} other",
            str.upper,
            lambda audience: {audience: True},
            lambda _audience: "https://other.example",
        ],
    )
    def test_is_compared_whole(self, mint, refused, spell):
        refused(mint.claims(aud=spell(mint.payload["aud"])))


@pytest.mark.attack("RFC 7519, 4.1")
class TestTimes:
    def test_refuse_an_expired_token(self, mint, refused):
        for seconds in (0, 1, 10**6):
            refused(mint.claims(exp=mint.payload["iat"] - seconds), codes=EXPIRED)

    @pytest.mark.parametrize(
        "absurd", [253_402_300_800, 2**63, 2**64, 10**30, 10**400, 1e300, float("inf"), float("nan")]
    )
    @pytest.mark.parametrize("claim", ["exp", "iat", "auth_time"])
    def test_refuse_what_no_calendar_has(self, mint, refused, absurd, claim):
        refused(mint.claims(**{claim: absurd}))

    @pytest.mark.parametrize("nbf", [0, 1, 2**40, "x", None, []])
    def test_refuse_a_claim_that_nobody_here_would_judge(self, mint, refused, nbf):
        refused(mint.claims(nbf=nbf))

    @pytest.mark.parametrize("claim", ["exp", "iat", "auth_time"])
    def test_refuse_fractions(self, mint, refused, claim):
        refused(mint.claims(**{claim: mint.payload[claim] + 0.5}))


@pytest.mark.attack("RFC 8725, 3.12")
class TestTokensForTokens:
    def test_take_no_refresh_token_for_an_access_token(self, victim, refused):
        refused(victim.refresh_token)

    def test_take_no_access_token_for_a_refresh_token(self, victim):
        response = APIClient().post("/api/v1/auth/refresh", {"refresh_token": victim.access_token}, format="json")

        assert (response.status_code, response.json()["code"]) == (401, "invalid_token")
        assert Session.objects.get(pk=victim.session_id).ended_at is None

    def test_take_no_refresh_token_in_the_clothes_of_an_access_token(self, mint, victim, refused):
        refused(mint.sign(payload=victim.refresh_token.encode()))
        refused(mint.claims("gen", token_type="refresh"))


@pytest.mark.attack("OWASP ASVS 5.0, 9.2")
class TestSomebodyElses:
    """A user, a session and a family that don't belong together."""

    @pytest.mark.parametrize("claim", ["sub", "sid", "family_id"])
    def test_session_is_refused(self, mint, refused, claim):
        other = Mint(open_session().access_token)
        refused(mint.claims(**{claim: other.payload[claim]}))
        refused(mint.claims(**{claim: str(uuid.uuid4())}))

    def test_session_is_refused_of_the_same_person(self, mint, refused, victim):
        user = Session.objects.get(pk=victim.session_id).user
        other = Mint(open_session(user=user).access_token)
        refused(mint.claims(sid=other.payload["sid"]))
        refused(mint.claims(family_id=other.payload["family_id"]))

    def test_session_is_refused_once_it_ended(self, mint, victim):
        revocation.end_sessions(
            user_id=Session.objects.get(pk=victim.session_id).user_id, reason=LOGOUT, now=timezone.now()
        )
        response = APIClient().get("/api/v1/auth/sessions", HTTP_AUTHORIZATION=f"Bearer {mint.sign()}")

        assert (response.status_code, response.json()["code"]) == (401, "session_revoked")

    def test_roles_are_not_believed(self, mint):
        """A role in a token is for services that verify offline; here the database is asked."""
        foreign = open_session(user=UserFactory())
        response = APIClient().post(
            "/api/v1/auth/introspect",
            {"token": foreign.access_token},
            format="json",
            HTTP_AUTHORIZATION=f"Bearer {mint.claims(roles=['admin'])}",
        )
        assert response.json() == {"active": False}


@pytest.mark.attack("RFC 8725, 2.6")
class TestMembersTwice:
    """Which of two members counts differs between parsers; nothing but our own key could have signed them."""

    @pytest.mark.parametrize("claim", CLAIMS)
    def test_can_not_smuggle_a_wrong_one_in(self, mint, refused, claim):
        doubled = compact(mint.payload)[:-1] + b"," + compact({claim: None})[1:]
        refused(mint.sign(payload=doubled))
