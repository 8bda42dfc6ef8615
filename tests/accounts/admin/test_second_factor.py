"""The admin's sign-in of staff with a second factor."""

import re
from datetime import UTC, datetime, timedelta
from http import cookies

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.models import Session as BrowserSession
from django.core.cache import cache
from django.test import Client

from accounts.administration import admin_second_factor
from accounts.factors import recovery_codes
from accounts.models import SignInFailures, User
from accounts.models.passwords import FACTOR_POOLS, AttemptPool
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.factors import add_key, add_totp, code_of

pytestmark = pytest.mark.django_db
LOGIN, STEP = "/admin/login/", "/admin/login/second-factor/"


@pytest.fixture
def logins():
    """Collect the users of Django's signal ``user_logged_in``."""
    seen = []

    def note(sender, user, **_more):
        seen.append(user)

    user_logged_in.connect(note)
    yield seen
    user_logged_in.disconnect(note)


@pytest.fixture
def browser():
    return Client()


def give_password(browser, to="/admin/"):
    answer = browser.post(LOGIN, {"username": "boss", "password": PASSWORD, "next": to})
    assert (answer.status_code, answer["Location"]) == (302, STEP)


def show(browser, code):
    return browser.post(STEP, {"code": code})


def is_in(browser):
    return browser.get("/admin/").status_code == 200


class TestThePassword:
    def test_alone_opens_no_session(self, boss, browser, logins, events):
        add_totp(boss)

        give_password(browser)

        assert not is_in(browser)
        assert logins == []
        assert events("admin.login_succeeded").count() == 0
        assert events("mfa.challenged").get().actor_id == str(boss.pk)

    def test_when_wrong_is_refused(self, boss, browser, events):
        add_totp(boss)

        assert browser.post(LOGIN, {"username": "boss", "password": "wrong"}).status_code == 200

        assert browser.get(STEP)["Location"] == LOGIN
        assert events("admin.login_failed").count() == 1

    def test_is_enough_for_users_without_a_second_factor(self, boss, browser, logins):
        browser.post(LOGIN, {"username": "boss", "password": PASSWORD, "next": "/admin/"})

        assert is_in(browser)
        assert logins == [boss]


class TestTheCode:
    def test_signs_in_and_redirects_to_the_requested_page(self, boss, browser, logins, events):
        secret, _codes = add_totp(boss)
        give_password(browser, to="/admin/accounts/user/")
        page = browser.get(STEP)
        assert 'autocomplete="one-time-code"' in page.content.decode()
        assert "no-store" in page["Cache-Control"]

        answer = show(browser, code_of(secret))

        assert (answer.status_code, answer["Location"]) == (302, "/admin/accounts/user/")
        assert is_in(browser)
        assert logins == [boss]
        data = events("admin.login_succeeded").get().data
        assert (data["amr"], data["risk"]["choice"]) == (["pwd", "otp", "mfa"], "allow")

    def test_for_recovery_does_too(self, boss, browser, events):
        _secret, codes = add_totp(boss)
        give_password(browser)

        assert show(browser, codes[0]).status_code == 302

        assert is_in(browser)
        assert events("mfa.recovery_code_used").count() == 1

    def test_changes_the_key_of_the_browsers_session_at_each_step(self, boss, browser):
        secret, _codes = add_totp(boss)
        browser.get(LOGIN)
        give_password(browser)
        between = browser.cookies["cedrina_admin"].value

        show(browser, code_of(secret))

        assert browser.cookies["cedrina_admin"].value != between
        thief = Client()
        thief.cookies = cookies.SimpleCookie({"cedrina_admin": between})
        assert not is_in(thief)
        assert not BrowserSession.objects.filter(pk=between).exists()

    def test_is_accepted_once(self, boss, browser):
        secret, codes = add_totp(boss)
        for code in (code_of(secret), codes[0]):
            give_password(browser)
            assert show(browser, code).status_code == 302
            again = Client()
            give_password(again)
            assert show(again, code).status_code == 200
            assert not is_in(again)
            browser = Client()

    def test_when_wrong_is_refused_and_counted_with_the_api(self, boss, browser, logins, events):
        secret, codes = add_totp(boss)
        give_password(browser)

        pages = [show(browser, "000000").content.decode() for _ in range(5)]
        locked = show(browser, code_of(secret)).content.decode()

        assert all("The code is wrong or was used before." in page for page in pages)
        assert "Too many wrong tries." in locked
        assert SignInFailures.objects.get(pool=AttemptPool.FACTOR_NETWORK).blocked_until > datetime.now(UTC)
        assert (events("mfa.failed").count(), events("mfa.locked").count()) == (5, 1)
        assert events("admin.login_failed").count() == 0
        assert logins == []
        # The other pool is untouched.
        assert show(browser, codes[0]).status_code == 302

    def test_is_limited_for_each_address(self, boss, browser, settings):
        settings.ACCOUNTS = {**settings.ACCOUNTS, "ADMIN_LOGIN_RATE": "3/h"}
        secret, _codes = add_totp(boss)
        give_password(browser)

        assert [show(browser, "").status_code for _ in range(3)] == [200, 200, 429]
        assert show(browser, code_of(secret))["Retry-After"] == "60"

    @pytest.mark.parametrize("code", ["", " ", "\x00", "x" * 65, "\u202e", "1" * 64, "<script>alert(1)</script>"])
    def test_of_junk_is_refused(self, boss, browser, code):
        add_totp(boss)
        give_password(browser)

        page = show(browser, code)

        assert page.status_code == 200
        assert "errornote" in page.content.decode()
        assert "<script>alert" not in page.content.decode()
        assert not is_in(browser)


class TestPendingSignIn:
    def test_is_good_for_five_minutes(self, boss, browser, monkeypatch):
        secret, _codes = add_totp(boss)
        monkeypatch.setattr(admin_second_factor, "CODE_TTL", timedelta(0))
        give_password(browser)

        assert show(browser, code_of(secret))["Location"] == LOGIN
        assert not is_in(browser)

    @pytest.mark.parametrize(
        "changes",
        [
            {"password": make_password("copper lantern seven owls")},
            {"is_active": False},
            {"role_grants": ""},  # the column is_staff only follows from these
            {"deleted_at": datetime(2026, 3, 1, tzinfo=UTC)},
        ],
        ids=["password", "closed", "no staff any more", "deleted"],
    )
    def test_ends_when_the_account_changes(self, boss, browser, logins, changes):
        secret, _codes = add_totp(boss)
        give_password(browser)
        shown = Client()
        give_password(shown)
        User.objects.filter(pk=boss.pk).update(**changes)

        assert shown.get(STEP)["Location"] == LOGIN
        assert show(browser, code_of(secret))["Location"] == LOGIN
        assert browser.get(STEP)["Location"] == LOGIN
        assert logins == []
        assert not SignInFailures.objects.filter(pool__in=FACTOR_POOLS).exists()

    def test_never_redirects_to_another_site(self, boss):
        _secret, codes = add_totp(boss)
        targets = ("//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)")
        for target, code in zip(targets, codes, strict=False):
            browser = Client()
            give_password(browser, to=target)
            assert show(browser, code)["Location"] == "/admin/"

    def test_stays_with_the_server(self, boss, browser):
        add_totp(boss)
        give_password(browser)

        assert str(boss.pk) not in str(browser.cookies)
        assert len(browser.cookies["cedrina_admin"].value) == 32


class TestThePage:
    def help(self, browser):
        give_password(browser)
        return re.search(r'class="help">(.*?)</p>', browser.get(STEP).content.decode(), re.DOTALL).group(1)

    def test_asks_users_with_only_keys_for_one_or_for_a_recovery_code(self, boss, browser):
        _key, added = add_key(boss)

        assert self.help(browser).strip() == "One of your recovery codes."
        assert 'id="security-key"' in browser.get(STEP).content.decode()
        assert show(browser, added.recovery_codes[0]).status_code == 302

    def test_asks_for_no_code_if_there_are_none(self, boss, browser):
        add_key(boss)
        recovery_codes.remove(user_id=boss.pk)
        give_password(browser)

        page = browser.get(STEP).content.decode()
        assert 'name="code"' not in page
        assert "data-first" in page

    def test_goes_from_right_to_left_where_the_language_does(self, boss):
        add_totp(boss)
        browser = Client(headers={"Accept-Language": "fa"})
        give_password(browser)

        page = browser.get(STEP).content.decode()

        assert 'dir="rtl"' in page
        assert 'dir="ltr"' in re.search(r'<input[^>]*name="code"[^>]*>', page).group()
