"""Nothing personal is left of an erased person, whatever they and others did (GDPR, article 17; CWE-359)."""

import json
import logging

import pytest
from django.core.management import call_command
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import ImportedPerson, User
from accounts.providers.discovery import document_cache
from accounts.providers.identity import ProviderTokens
from security_events.models import DetectionFact, SecurityEvent
from tests import mailbox
from tests.factories import detection, social
from tests.factories.accounts import UserFactory
from tests.factories.factors import code_of
from tests.factories.tokens import open_session
from tests.peers.openid_provider.fake_issuer import REDIRECT_URI, fake_issuer
from tests.stored_text import rows_with, tables_with

pytestmark = [
    pytest.mark.django_db(transaction=True),  # events are logged after their commit
    pytest.mark.usefixtures("empty_queue"),
    pytest.mark.attack("GDPR, article 17", "CWE-359"),
]
NAME, LATER_NAME = "zerlina_q", "Zerlina"
MAIL, SECOND_MAIL, SHORT_MAIL = "quetzal.person@example.com", "xochitl@example.org", "q@example.net"
FULL_NAME = "Zerlina Quetzalcoatl"
PHONE, SOCIAL_ID, IMPORT_ID = "+98 21 5550 4711", "provider-subject-98123", "auth0|quetzal-7"
DEPARTMENT, KEY_NAME = "Featherworks", "zerlina's key"
ADDRESS = "203.0.113.77"
# Only events about an account can mask its names in a user agent.
AGENT, NAMING_AGENT = "App/1.0 (quetzal.person@example.com)", "Zerlina's phone/1.0 (zerlina_q; Quetzalcoatl)"
PASSWORD, NEW_PASSWORD = "four quiet green lamps", "seven brass kettles sing"
PERSONAL = (
    *(NAME, LATER_NAME, "quetzal", "xochitl", SHORT_MAIL, "zerlina", PHONE, SOCIAL_ID, IMPORT_ID),
    *(KEY_NAME, PASSWORD, NEW_PASSWORD),
)


@pytest.fixture
def issuer(settings):
    document_cache.forget()
    with fake_issuer() as running:
        settings.ACCOUNTS = {**settings.ACCOUNTS, "SOCIAL_PROVIDERS": [running.provider()]}
        yield running
    document_cache.forget()


class Life:
    """A person at the API, and operators who act on them."""

    def __init__(self, issuer):
        self.issuer, self.api, self.operator = issuer, APIClient(), APIClient()
        self.api.defaults |= {"REMOTE_ADDR": ADDRESS, "HTTP_USER_AGENT": AGENT}
        self.boss = UserFactory(username="boss", admin=True)
        self.operator.credentials(HTTP_AUTHORIZATION=f"Bearer {open_session(user=self.boss).access_token}")
        self.access = ""

    def call(self, method, path, body=None, *, ok=(200, 201, 202, 204), **headers):
        bearer = {"Authorization": f"Bearer {self.access}", "User-Agent": NAMING_AGENT} if self.access else {}
        answer = self.api.generic(
            method,
            f"/api/v1/auth/{path}",
            json.dumps(body or {}),
            content_type="application/json",
            headers={**bearer, **headers},
        )
        assert answer.status_code in ok, (path, answer.content)
        return answer

    def operate(self, name, **values):
        body = {"reason": f"{FULL_NAME} asked for it as {NAME}, from {MAIL}", **values}
        answer = self.operator.post(f"/api/v1/admin/users/{self.user.pk}/{name}", body, format="json")
        assert answer.status_code in (200, 202, 204), (name, answer.content)

    @property
    def user(self):
        return User.objects.get(email_folded=MAIL)

    def is_guessed_at_before_there_is_an_account(self):
        for name in (NAME, MAIL, SHORT_MAIL):
            self.call("POST", "login", {"username": name, "password": "guess"}, ok=(401,))
        for mail in (MAIL, SHORT_MAIL):
            self.call("POST", "forgot-password", {"email": mail})
        mailbox.work()

    def registers(self):
        members = {"username": NAME, "email": MAIL, "password": PASSWORD, "full_name": FULL_NAME}
        self.call("POST", "register", members)
        (mail,) = mailbox.work()
        self.call("POST", "login", {"username": NAME, "password": PASSWORD}, ok=(403,))
        self.call("POST", "confirm-email", {"token": mailbox.token_in(mail), "password": PASSWORD})

    def signs_in(self, name=NAME, password=PASSWORD):
        self.access = ""
        answer = self.call("POST", "login", {"username": name, "password": password}).json()
        if answer["mfa"]:
            code = {"mfa_token": answer["mfa"]["token"], "recovery_code": self.recovery_codes.pop()}
            answer = self.call("POST", "mfa/verify", code).json()
        self.tokens, self.access = answer["tokens"], answer["tokens"]["access_token"]

    def refreshes_and_signs_out(self):
        self.access = ""
        pair = self.call("POST", "refresh", {"refresh_token": self.tokens["refresh_token"]}).json()
        self.api.credentials(HTTP_AUTHORIZATION=f"Bearer {pair['access_token']}")
        self.call("POST", "logout")
        self.api.credentials()

    def is_guessed_at(self):
        for name in (NAME, MAIL, NAME.upper()):
            for _ in range(3):
                self.call("POST", "login", {"username": name, "password": "guess"}, ok=(401, 429))

    def changes_the_account(self):
        etag = self.call("GET", "me").headers["ETag"]
        self.call("PATCH", "me", {"full_name": f"{FULL_NAME} {PHONE}"}, **{"If-Match": etag})
        self.call("PUT", "change-password", {"old_password": PASSWORD, "new_password": NEW_PASSWORD})
        self.signs_in(MAIL, NEW_PASSWORD)
        self.call("POST", "me/email", {"email": SECOND_MAIL, "password": NEW_PASSWORD})
        mailbox.work()
        self.call("GET", "me/export")

    def uses_factors(self):
        secret = self.call("POST", "mfa/totp").json()["secret"]
        self.call("POST", "mfa/totp/activate", {"code": "000000"}, ok=(401, 422))
        self.recovery_codes = self.call("POST", "mfa/totp/activate", {"code": code_of(secret)}).json()["recovery_codes"]
        mailbox.work()
        self.signs_in(NAME, NEW_PASSWORD)

    def uses_a_provider(self):
        identity = {"sub": SOCIAL_ID, "email": SHORT_MAIL, "email_verified": True, "name": FULL_NAME}
        now = timezone.now()
        tokens = ProviderTokens(access_token="zerlina-token", refresh_token="zerlina-refresh", expires_at=None)
        social.link(self.user, now=now, uid=SOCIAL_ID, email=SHORT_MAIL, name=FULL_NAME, tokens=tokens)
        ImportedPerson.objects.create(user=self.user, source="auth0", external_id=IMPORT_ID, imported_at=now)
        token = self.issuer.id_token(nonce="n1", **identity)
        answer = self.call("POST", "social/fake/token", {"id_token": token, "nonce": "n1"}).json()
        assert answer["mfa"], answer
        self.call("POST", "social/fake/authorize", {"redirect_uri": REDIRECT_URI})
        self.call("GET", "social/accounts")

    def is_acted_on(self):
        call_command("revoke_sessions", user=NAME, reason=f"{FULL_NAME}, {NAME}, lost it", yes=True)
        self.signs_in(NAME, NEW_PASSWORD)
        etag = self.operator.get(f"/api/v1/admin/users/{self.user.pk}").headers["ETag"]
        attributes = {"department": DEPARTMENT, "reason": f"{LATER_NAME} moved"}
        changed = self.operator.patch(
            f"/api/v1/admin/users/{self.user.pk}", attributes, format="json", headers={"If-Match": etag}
        )
        assert changed.status_code == 200, changed.content
        for name in ("reset-second-factor", "withdraw-second-factor-reset", "logout", "lock", "unlock"):
            self.operate(name)
        self.operate("require-password-reset")
        mailbox.work()

    def is_erased(self):
        self.operate("anonymise")
        mailbox.work()


def live(life):
    life.is_guessed_at_before_there_is_an_account()
    life.registers()
    life.signs_in()
    life.refreshes_and_signs_out()
    life.is_guessed_at()
    life.signs_in()
    life.changes_the_account()
    life.uses_factors()
    life.uses_a_provider()
    life.is_acted_on()


class TestAnErasedPerson:
    def test_is_nowhere_but_in_masked_forms(self, issuer, caplog):
        caplog.set_level(logging.INFO)
        life = Life(issuer)
        live(life)
        assert tables_with(FULL_NAME)
        user_id = str(life.user.pk)
        detection.start_at()
        detection.detect()
        assert "security_events_detectionfact" in tables_with(ADDRESS)
        life.is_guessed_at()  # detection has not come to these when the account is erased
        assert SecurityEvent.objects.filter(target_id=user_id).count() > 15

        life.is_erased()
        detection.detect()

        rows = [f"{word}: {row}" for word in PERSONAL for row in rows_with(word)]
        assert not rows, "\n".join(map(str, rows))
        logged = [line for line in caplog.text.splitlines() if any(word.lower() in line.lower() for word in PERSONAL)]
        assert not logged, "\n".join(logged)
        assert all(table.startswith("security_events_event") for table in tables_with(user_id))
        # Names that no account had when they were tried stand there by pseudonyms, until detection has no use for them.
        DetectionFact.objects.filter(is_unknown_name=True).delete()
        assert all(table.startswith("security_events_event") for table in tables_with(ADDRESS))
