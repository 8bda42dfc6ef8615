"""Staff show a security key as the second factor of their sign-in at the admin."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.hashers import make_password
from django.test import Client

from accounts.factors import webauthn
from accounts.models import Ceremony, SecurityKey, SignInFailures, User
from accounts.models.passwords import FACTOR_POOLS
from tests.clients.authenticator import PRESENT
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.factors import add_key, add_totp, code_of
from tests.factories.tokens import sign_in_at_admin

pytestmark = [pytest.mark.django_db, pytest.mark.attack("WebAuthn Level 2, 7.2; OWASP ASVS 5.0, 6.3.3")]
LOGIN, STEP = "/admin/login/", "/admin/login/second-factor/"
REFUSED = "The security key was not accepted."
OPTIONS = re.compile(r'<script id="security-key-options" type="application/json">(.*?)</script>')


def give_password(name="boss"):
    """Return a browser in which the second factor is due."""
    browser = Client()
    answer = browser.post(LOGIN, {"username": name, "password": PASSWORD, "next": "/admin/tokens/"})
    assert (answer.status_code, answer["Location"]) == (302, STEP)
    return browser


def asked(browser):
    """Return what the page asks a browser's key with."""
    return json.loads(OPTIONS.search(browser.get(STEP).content.decode())[1])


def send(browser, credential):
    return browser.post(STEP, {"code": "", "credential": json.dumps(credential)})


def is_in(browser):
    return browser.get("/admin/").status_code == 200


def assert_refused(browser, answer):
    assert answer.status_code == 200
    assert REFUSED in answer.content.decode()
    assert not is_in(browser)


@pytest.fixture
def key(boss):
    return add_key(boss)[0]


class TestAKey:
    def test_signs_in_and_redirects_to_the_requested_page(self, boss, key, events):
        browser = give_password()
        answer = send(browser, key.get(asked(browser)))
        assert (answer.status_code, answer["Location"]) == (302, "/admin/tokens/")
        assert is_in(browser)
        data = events("admin.login_succeeded").get().data
        assert (data["amr"], data["risk"]["choice"]) == (["pwd", "hwk", "user", "mfa"], "allow")
        assert set(SignInFailures.objects.filter(pool__in=FACTOR_POOLS).values_list("count", flat=True)) == {0}

    def test_is_asked_for_beside_a_code(self, boss, key):
        secret, _codes = add_totp(boss)
        browser = give_password()
        assert asked(browser)["allowCredentials"]
        assert "data-first" not in browser.get(STEP).content.decode()
        assert browser.post(STEP, {"code": code_of(secret)}).status_code == 302
        assert is_in(browser)

    def test_is_not_asked_for_where_there_is_none(self):
        add_totp(UserFactory(username="nokey", raw_password=PASSWORD, admin=True))
        page = give_password("nokey").get(STEP).content.decode()
        assert "security-key" not in page
        assert 'name="code"' in page

    def test_is_told_of_after_the_right_password_only(self, boss, key):
        browser = Client()
        wrong = browser.post(LOGIN, {"username": "boss", "password": "wrong"}).content.decode()
        unknown = Client().post(LOGIN, {"username": "nobody", "password": "wrong"}).content.decode()
        assert "security" not in wrong
        assert len(wrong) - len("boss") == len(unknown) - len("nobody")
        assert browser.get(STEP)["Location"] == LOGIN
        assert send(browser, {"id": "x"})["Location"] == LOGIN

    def test_loads_its_script_from_a_file(self, boss, key):
        page = give_password().get(STEP)
        assert "script-src 'self'" in page["Content-Security-Policy"]
        assert re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", page.content.decode()) == []


class TestAnAnswer:
    def test_is_good_once(self, boss, key):
        browser = give_password()
        credential = key.get(asked(browser))
        assert send(browser, credential).status_code == 302
        again = give_password()
        assert_refused(again, send(again, credential))

    def test_is_good_in_its_own_sign_in_only(self, boss, key):
        other, browser = give_password(), give_password()
        assert_refused(browser, send(browser, key.get(asked(other))))
        begun_again = asked(browser)
        browser.post(LOGIN, {"username": "boss", "password": PASSWORD})
        assert_refused(browser, send(browser, key.get(begun_again)))

    def test_is_not_good_at_the_api_nor_one_of_there_here(self, boss, key, client):
        browser = give_password()
        login = client.post(
            "/api/v1/auth/login", {"username": "boss", "password": PASSWORD}, content_type="application/json"
        )
        assert_refused(browser, send(browser, key.get(login.json()["mfa"]["webauthn"])))
        mine = key.get(asked(browser))
        taken = client.post(
            "/api/v1/auth/mfa/verify",
            {"mfa_token": login.json()["mfa"]["token"], "webauthn": mine},
            content_type="application/json",
        )
        assert (taken.status_code, taken.json()["code"]) == (401, "invalid_mfa_code")

    def test_to_somebody_elses_challenge_is_refused(self, boss, key):
        add_key(UserFactory(username="other", raw_password=PASSWORD, admin=True))
        browser = give_password()
        assert_refused(browser, send(browser, key.get(asked(give_password("other")))))

    def test_by_somebody_elses_key_is_refused(self, boss, key):
        others, _added = add_key(UserFactory(username="other", raw_password=PASSWORD, admin=True))
        browser = give_password()
        assert_refused(browser, send(browser, others.get(asked(browser))))

    @pytest.mark.parametrize(
        "changes",
        [
            {"origin": "https://evil.example"},
            {"origin": "http://localhost:8001"},
            {"rp_id": "evil.example"},
            {"cross_origin": True},
            {"kind": "webauthn.create"},
            {"flags": 0},
            {"challenge": "AAAA"},
            {"counter": 0},
        ],
        ids=lambda changes: next(iter(changes)),
    )
    def test_that_a_key_would_not_give_is_refused(self, boss, key, changes):
        browser = give_password()
        assert_refused(browser, send(browser, key.get(asked(browser), **changes)))

    def test_needs_no_verified_user_after_a_password(self, boss, key):
        browser = give_password()
        options = asked(browser)
        assert options["userVerification"] != "required"  # as at the API: the password is the other factor
        assert send(browser, key.get(options, flags=PRESENT)).status_code == 302

    @pytest.mark.parametrize(
        "text", ["{", "[]", "1", '"x"', "{}", '{"response": 1}', "[" * 16_000, '{"a":' * 3_000, "x" * 20_000]
    )
    def test_of_junk_is_refused(self, boss, key, text):
        browser = give_password()
        answer = browser.post(STEP, {"code": "", "credential": text})
        assert_refused(browser, answer)


class TestWhatChangesMeanwhile:
    def test_a_removed_key_signs_nobody_in(self, boss, key):
        add_totp(boss)
        browser = give_password()
        credential = key.get(asked(browser))
        webauthn.remove(user_id=boss.pk, factor_id=SecurityKey.objects.get(user=boss).pk)
        assert_refused(browser, send(browser, credential))

    @pytest.mark.parametrize(
        "changes",
        [
            {"password": make_password("copper lantern seven owls")},
            {"is_active": False},
            {"role_grants": ""},
            {"deleted_at": datetime(2026, 3, 1, tzinfo=UTC)},
        ],
        ids=["password", "closed", "no staff any more", "deleted"],
    )
    def test_a_changed_account_has_to_begin_again(self, boss, key, changes):
        browser = give_password()
        credential = key.get(asked(browser))
        User.objects.filter(pk=boss.pk).update(**changes)
        assert send(browser, credential)["Location"] == LOGIN
        assert browser.get(STEP)["Location"] == LOGIN
        assert Ceremony.objects.filter(used_at__isnull=False, purpose="sign_in").count() == 0

    def test_a_challenge_ends_after_five_minutes(self, boss, key):
        browser = give_password()
        credential = key.get(asked(browser))
        Ceremony.objects.update(expires_at=datetime.now(UTC) - timedelta(seconds=1))
        assert_refused(browser, send(browser, credential))

    def test_a_sign_in_that_a_version_before_began_begins_again(self, boss, key):
        browser = give_password()
        session = browser.session
        stored = next(name for name, _value in session.items() if name.endswith("admin_second_factor"))
        session[stored] = {name: value for name, value in session[stored].items() if name != "id"}
        session.save()
        assert browser.get(STEP)["Location"] == LOGIN


class TestAttempts:
    def test_are_counted_apart_from_those_of_codes(self, boss, key, events):
        secret, _codes = add_totp(boss)
        browser = give_password()
        others, _added = add_key(UserFactory())
        for _ in range(5):
            assert_refused(browser, send(browser, others.get(asked(browser))))
        locked = send(browser, key.get(asked(browser)))
        assert "Too many wrong tries." in locked.content.decode()
        assert not is_in(browser)
        assert (events("mfa.failed").count(), events("mfa.locked").count()) == (5, 1)
        assert {event.data["factor"] for event in events("mfa.failed")} == {"webauthn"}
        assert browser.post(STEP, {"code": code_of(secret)}).status_code == 302

    def test_are_limited_for_each_address(self, boss, key, settings):
        settings.ACCOUNTS = {**settings.ACCOUNTS, "ADMIN_LOGIN_RATE": "3/h"}
        browser = give_password()
        statuses = [send(browser, {"id": "x"}).status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
        assert send(browser, key.get(asked(browser))).status_code == 429

    def test_of_a_key_that_was_copied_are_recorded(self, boss, key, events):
        browser = give_password()
        assert send(browser, key.get(asked(browser), counter=50)).status_code == 302
        browser = give_password()
        assert_refused(browser, send(browser, key.get(asked(browser), counter=50)))
        assert events("mfa.sign_count_regressed").count() == 1


def test_a_signed_in_browser_is_not_asked_again(boss, key):
    browser = Client()
    sign_in_at_admin(browser, boss)
    assert browser.get(STEP)["Location"] == LOGIN
