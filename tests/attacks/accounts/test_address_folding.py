"""Two addresses that counted as one: the owner of the one takes over the account of the other (CWE-178).

Until then `casefold()` compared addresses, and Django sent mail by IDNA2003, so that what was mailed to one of
stra\u00dfe.de and strasse.de arrived at the other.
"""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.mail.message import sanitize_address
from rest_framework.test import APIClient

from accounts.models import OutgoingMail, SignInFailures, User
from accounts.providers.discovery import document_cache
from cedrina.settings.rate_limits import profile
from tests import mailbox
from tests.factories.accounts import PASSWORD, UserFactory
from tests.peers.openid_provider.fake_issuer import REDIRECT_URI, fake_issuer
from tests.problem_shape import assert_problem

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("empty_queue"),
    pytest.mark.attack("CWE-178; RFC 5891, 5.4"),
]
BASE = "/api/v1/auth"
# The victim's address, and one of somebody else that was taken for it.
PAIRS = [
    ("ada@strasse.de", "ada@stra\u00dfe.de"),
    ("ada@stra\u00dfe.de", "ada@strasse.de"),
    ("ada@\u03bb\u03cc\u03b3\u03bf\u03c3.gr", "ada@\u03bb\u03cc\u03b3\u03bf\u03c2.gr"),
]
LOCAL = "\u017fam@example.com"  # was taken for sam@example.com


@pytest.fixture
def issuer(settings):
    document_cache.forget()
    with fake_issuer() as running:
        settings.ACCOUNTS = {
            **settings.ACCOUNTS,
            "EMAIL_CONFIRMATION": "optional",
            "SOCIAL_PROVIDERS": [running.provider()],
        }
        yield running
    document_cache.forget()


def post(path, body, **headers):
    return APIClient().post(f"{BASE}{path}", body, format="json", **headers)


def social_sign_in(issuer, email):
    departure = post("/social/fake/authorize", {"redirect_uri": REDIRECT_URI}).json()
    issuer.nonce = parse_qs(urlsplit(departure["authorization_url"]).query)["nonce"][0]
    issuer.claims = {"sub": "the-attacker", "email": email, "email_verified": True}
    return post("/social/fake/callback", {"code": "a-code", "state": departure["state"]})


def as_sent(message):
    """Return to whom Django's mail code hands a message over."""
    return [sanitize_address(address, "utf-8") for address in message.recipients()]


class TestAProvidersAccount:
    @pytest.mark.parametrize(("victims", "attackers"), PAIRS)
    def test_of_another_address_opens_another_account(self, issuer, victims, attackers):
        victim = UserFactory(email=victims, raw_password=PASSWORD)

        answer = social_sign_in(issuer, attackers)

        assert answer.status_code == 200
        assert answer.json()["user"]["id"] != str(victim.pk)
        assert User.objects.count() == 2

    def test_of_a_local_part_outside_of_ascii_opens_none(self, issuer):
        UserFactory(email="sam@example.com")
        assert_problem(social_sign_in(issuer, LOCAL), status=403, code="email_not_confirmed")
        assert User.objects.count() == 1

    @pytest.mark.parametrize("spelling", ["ada@xn--strae-oqa.de", "ADA@STRA\u00dfE.DE", "ada@\uff53tra\u00dfe\u3002de"])
    def test_of_the_same_address_is_joined_in_every_spelling(self, issuer, spelling):
        owner = UserFactory(email="ada@stra\u00dfe.de", raw_password=PASSWORD)
        assert social_sign_in(issuer, spelling).json()["user"]["id"] == str(owner.pk)


class TestALink:
    @pytest.mark.parametrize(("victims", "attackers"), PAIRS)
    def test_goes_to_the_victim_whatever_the_attacker_asks_for(self, victims, attackers):
        UserFactory(email=victims)

        assert post("/forgot-password", {"email": attackers}).status_code == 202
        assert mailbox.work() == []

        assert post("/forgot-password", {"email": victims}).status_code == 202
        (message,) = mailbox.work()
        local, _, domain = victims.partition("@")
        expected = {
            "strasse.de": "strasse.de",
            "stra\u00dfe.de": "xn--strae-oqa.de",
            "\u03bb\u03cc\u03b3\u03bf\u03c3.gr": "xn--oxapnq6b.gr",
        }[domain]
        assert as_sent(message) == [f"{local}@{expected}"]


class TestAnAddress:
    @pytest.mark.parametrize(("victims", "attackers"), PAIRS)
    def test_may_be_registered_though_another_looks_like_it(self, settings, victims, attackers):
        settings.ACCOUNTS = {**settings.ACCOUNTS, "EMAIL_CONFIRMATION": "optional"}
        UserFactory(email=victims)
        body = {"username": "other", "email": attackers, "password": PASSWORD}
        assert post("/register", body).status_code == 201

    @pytest.mark.parametrize("path", ["/register", "/forgot-password", "/resend-confirmation"])
    def test_has_no_other_letters_than_ascii_before_the_at_sign(self, path):
        body = {"email": LOCAL} if path != "/register" else {"username": "sam", "email": LOCAL, "password": PASSWORD}
        answer = post(path, body)
        assert_problem(answer, status=422, code="validation_error")
        assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [("email", "email_invalid")]

    def test_is_not_changed_to_one_with_such_letters(self):
        UserFactory(username="sam", raw_password=PASSWORD)
        tokens = post("/login", {"username": "sam", "password": PASSWORD}).json()["tokens"]
        answer = post(
            "/me/email",
            {"email": LOCAL, "password": PASSWORD},
            HTTP_AUTHORIZATION=f"Bearer {tokens['access_token']}",
        )
        assert_problem(answer, status=422, code="validation_error")


@pytest.mark.attack("OWASP API4:2023")
class TestALimit:
    SPELLINGS = (
        "Ada@example.com",
        "ada@\uff45xample.com",
        "ada@example\u3002com",
        "ADA@EXAMPLE\uff0eCOM",
        "ada@example\uff61com",
        "ada@\u24d4xample.com",
    )

    @pytest.fixture(autouse=True)
    def _production(self, settings):
        settings.RATELIMITING = {**settings.RATELIMITING, "POLICIES": profile("production")}

    def test_of_mail_to_one_address_counts_all_its_spellings(self):
        answers = [post("/forgot-password", {"email": email}).status_code for email in self.SPELLINGS]
        assert answers == [202] * 3 + [429] * 3

    def test_of_mail_asked_for_on_a_page_counts_them_too(self, client):
        pages = [
            client.post("/account/forgot-password", {"email": f" {email}\u3000"}).status_code
            for email in self.SPELLINGS
        ]
        assert pages == [303] * 3 + [429] * 3

    def test_of_the_mail_that_registrations_cause_counts_them_too(self, client):
        for number, email in enumerate(self.SPELLINGS):
            answer = APIClient(REMOTE_ADDR=f"203.0.{number}.7").post(
                f"{BASE}/register",
                {"username": f"ada{number}", "email": email, "password": PASSWORD},
                format="json",
            )
            assert answer.status_code == 202

        assert len(mailbox.work()) == 3
        assert OutgoingMail.objects.filter(drop_reason="too_many").count() == 3

    def test_of_guesses_counts_them_together(self):
        UserFactory(email="ada@example.com", raw_password=PASSWORD)
        answers = [
            APIClient(REMOTE_ADDR=f"203.0.{number}.1")
            .post(f"{BASE}/login", {"username": email, "password": "wrong"}, format="json")
            .status_code
            for number, email in enumerate(self.SPELLINGS)
        ]
        assert set(answers) <= {401, 429}
        counted = SignInFailures.objects.filter(pool="account")
        assert counted.count() == 1
        assert counted.get().count == answers.count(401)
