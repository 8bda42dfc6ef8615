"""People confirm who they are in the admin with a security key."""

import json
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.access.models import Role
from security_events.models import SecurityEvent
from tests.factories.accounts import UserFactory
from tests.factories.factors import add_key, add_totp, code_of
from tests.factories.tokens import sign_in_at_admin
from tokens.models import Session

ADD, NEW_ROLE = "/admin/access/role/add/", {"name": "reader", "description": "", "reason": "they asked"}
FIELD = "reauthentication-credential"
OPTIONS = re.compile(r'<script id="security-key-options" type="application/json">(.*?)</script>')


def options_of(page):
    return json.loads(OPTIONS.search(page.content.decode())[1])


def is_made():
    return Role.objects.filter(name="reader").exists()


def grow_old():
    Session.objects.update(authenticated_at=timezone.now() - timedelta(minutes=6), second_factor_at=None)


@pytest.mark.django_db
@pytest.mark.attack("RFC 9470; WebAuthn Level 2, 7.2")
class TestASecurityKey:
    @pytest.fixture
    def key(self, boss):
        return add_key(boss)[0]

    @pytest.fixture
    def browser(self, boss, key):
        client = Client()
        sign_in_at_admin(client, boss)
        grow_old()
        return client

    def test_confirms_a_change_that_keeps_what_was_typed(self, browser, key):
        page = browser.post(ADD, NEW_ROLE)
        assert page.status_code == 403
        assert 'name="name" value="reader"' in page.content.decode()
        done = browser.post(ADD, {**NEW_ROLE, FIELD: json.dumps(key.get(options_of(page)))})
        assert done.status_code == 302
        assert is_made()
        assert browser.post(ADD, {**NEW_ROLE, "name": "writer"}).status_code == 302  # the proof is recent now
        event = SecurityEvent.objects.get(type="authentication.reauthenticated")
        assert "hwk" in event.data["amr"]

    def test_confirms_once_by_an_answer(self, browser, key):
        answer = json.dumps(key.get(options_of(browser.post(ADD, NEW_ROLE))))
        browser.post(ADD, {**NEW_ROLE, FIELD: answer})
        grow_old()
        again = browser.post(ADD, {**NEW_ROLE, "name": "writer", FIELD: answer})
        assert again.status_code == 403
        assert "The security key was not accepted." in again.content.decode()

    def test_answers_the_challenge_of_its_own_session_only(self, boss, browser, key):
        other = Client()
        sign_in_at_admin(other, boss)
        grow_old()
        answer = json.dumps(key.get(options_of(other.post(ADD, NEW_ROLE))))
        assert browser.post(ADD, {**NEW_ROLE, FIELD: answer}).status_code == 403
        assert not is_made()

    def test_of_somebody_else_confirms_nothing(self, browser):
        others, _added = add_key(UserFactory())
        answer = json.dumps(others.get(options_of(browser.post(ADD, NEW_ROLE))))
        refused = browser.post(ADD, {**NEW_ROLE, FIELD: answer}).content.decode()
        assert "The security key was not accepted." in refused
        assert 'name="name" value="reader"' in refused
        assert answer not in refused
        assert not is_made()

    @pytest.mark.parametrize(
        "answer", ["{", "[]", "1", '"x"', "{}", '{"response": 1}', "[" * 16_000, '{"a":' * 3_000, "x" * 20_000]
    )
    def test_that_answers_nonsense_confirms_nothing(self, browser, answer):
        refused = browser.post(ADD, {**NEW_ROLE, FIELD: answer})
        assert refused.status_code == 403
        assert "The security key was not accepted." in refused.content.decode()
        assert not is_made()

    def test_is_asked_for_beside_a_code(self, boss, browser):
        secret, _codes = add_totp(boss)
        grow_old()
        page = browser.post(ADD, NEW_ROLE)
        assert options_of(page)["allowCredentials"]
        done = browser.post(ADD, {**NEW_ROLE, "reauthentication-code": code_of(secret)})
        assert done.status_code == 302

    def test_is_not_asked_of_people_who_have_none(self):
        somebody = UserFactory(username="nokey", admin=True)
        add_totp(somebody)
        client = Client()
        sign_in_at_admin(client, somebody)
        grow_old()
        page = client.post(ADD, NEW_ROLE).content.decode()
        assert 'name="reauthentication-code"' in page
        assert "security-key" not in page
