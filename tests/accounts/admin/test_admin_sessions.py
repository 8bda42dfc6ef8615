"""Who is signed in at the admin is so by a session like every other: listed, limited and ended with them."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.models import Session as BrowserSession
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from accounts.services.administration import account_status
from accounts.services.mailing import mail_queue
from accounts.services.passwords import operator_passwords, password_changes, password_reset
from accounts.services.profile import deletion, takeover
from accounts.services.sign_in import password_sign_in
from accounts.services.social import joining
from tests import mailbox
from tests.accounts.services.interference import Interference
from tests.factories import social
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.tokens import PHONE, claims_of, open_admin_session, open_session, sign_in_at_admin
from tokens import end_reasons
from tokens.end_reasons import ADMINISTRATOR, ENDED_BY_OWNER, SESSION_LIMIT
from tokens.models import Session, SessionKind, TokenFamily
from tokens.services import revocation
from tokens.types import TokenPair

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queue")]
LOGIN, LOGOUT, INDEX = "/admin/login/", "/admin/logout/", "/admin/"
OTHER = "copper lantern seven owls"
FIREFOX = "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def colleague():
    return UserFactory(username="colleague", raw_password=PASSWORD, admin=True)


@pytest.fixture
def browser(boss):
    return sign_in(Client(headers={"User-Agent": FIREFOX}))


@pytest.fixture
def pair(boss):
    return password_sign_in.sign_in(name="boss", password=PASSWORD, client=PHONE, now=timezone.now()).tokens


@pytest.fixture
def api(pair):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {pair.access_token}")
    return client


@dataclass
class Parties:
    """A user with tokens, and another administrator."""

    boss: User
    pair: TokenPair
    colleague: User


@pytest.fixture
def parties(boss, pair, colleague):
    return Parties(boss, pair, colleague)


def sign_in(client, name="boss"):
    client.post(LOGIN, {"username": name, "password": PASSWORD, "next": INDEX})
    return client


def is_in(client):
    return client.get(INDEX).status_code == 200


def admin_session(**filters):
    return Session.objects.get(kind=SessionKind.ADMIN, **filters)


def mailed_token(user, kind):
    mailbox.work()
    mail_queue.enqueue(user_id=user.pk, kind=kind)
    return mailbox.token_in(mailbox.work()[-1])


def end_one(to):
    revocation.end_session(session_id=admin_session().pk, user_id=to.boss.pk, reason=ENDED_BY_OWNER, now=timezone.now())


def end_others(to):
    revocation.end_sessions(
        user_id=to.boss.pk, reason=ENDED_BY_OWNER, keep_session_id=to.pair.session_id, now=timezone.now()
    )


def change_password(to):
    password_changes.change(
        user=to.boss, session_id=to.pair.session_id, old_password=PASSWORD, new_password=OTHER, now=timezone.now()
    )


def reset_password(to):
    password_reset.reset(
        token=mailed_token(to.boss, mail_queue.MailKind.RESET_PASSWORD),
        new_password=OTHER,
        client=PHONE,
        now=timezone.now(),
    )


def reclaim(to):
    User.objects.filter(pk=to.boss.pk).update(email_confirmed_at=None)
    joining.resolve_user(provider=social.provider(), identity=social.identity(email=to.boss.email), now=timezone.now())


def delete(to):
    deletion.request(user=to.boss, session_id=to.pair.session_id, password=PASSWORD, now=timezone.now())


# Every way in which sessions end; each ends those of the admin too.
ENDINGS = {
    "sign-out everywhere": lambda to: revocation.log_out(
        claims=claims_of(to.pair), everywhere=True, now=timezone.now()
    ),
    "one of the list": end_one,
    "all others of the list": end_others,
    "password change": change_password,
    "password set by the operator": lambda to: operator_passwords.change(
        user=to.boss, password=OTHER, now=timezone.now()
    ),
    "password reset": reset_password,
    "takeover report": lambda to: takeover.report(
        token=mailed_token(to.boss, mail_queue.MailKind.PASSWORD_CHANGED), now=timezone.now()
    ),
    "reclaiming by the owner of the address": reclaim,
    "deactivation": lambda to: account_status.deactivate(
        user=to.boss, by=to.colleague, reason="left", now=timezone.now()
    ),
    "the admin's action": lambda to: account_status.end_sessions(
        user=to.boss, by=to.colleague, reason="stolen", now=timezone.now()
    ),
    "deletion": delete,
    "deletion by the operator": lambda to: deletion.close(user=to.boss, reason="gone", now=timezone.now()),
    "revoke_sessions": lambda _to: call_command("revoke_sessions", "--user", "boss", "--yes"),
    "revoke_sessions for all": lambda _to: call_command("revoke_sessions", "--all", "--yes"),
}


class TestEnding:
    @pytest.mark.attack("OWASP ASVS 5.0, 7.4.1")
    @pytest.mark.parametrize("way", ENDINGS)
    def test_ends_the_admins_session_by(self, parties, browser, events, way):
        session = admin_session()
        assert is_in(browser)

        ENDINGS[way](parties)

        assert not is_in(browser)
        assert events("session.revoked").filter(session_id=session.pk).count() == 1
        session.refresh_from_db()
        assert session.ended_at is not None
        # Not by the cookie alone: a copy of it and the row behind it open nothing either.
        assert not is_in(browser)

    @pytest.mark.attack("OWASP ASVS 5.0, 7.4.1")
    def test_happens_with_the_account(self, boss, browser):
        User.objects.filter(pk=boss.pk).delete()

        assert not is_in(browser)

    @pytest.mark.attack("OWASP ASVS 5.0, 7.3.1, 7.3.2")
    def test_happens_after_idleness_and_at_the_maximum_age(self, boss, browser):
        family = TokenFamily.objects.get(session=admin_session())
        assert family.session.expires_at - family.session.created_at == timedelta(hours=12)

        TokenFamily.objects.update(expires_at=timezone.now())

        assert not is_in(browser)

    def test_happens_at_sign_out(self, boss, browser, pair, events):
        copy = Client()
        copy.cookies = browser.cookies.copy()
        browser.post(LOGOUT)

        assert admin_session().end_reason == end_reasons.LOGOUT.code
        assert not is_in(browser)
        assert not is_in(copy)
        assert Session.objects.get(pk=pair.session_id).ended_at is None
        event = events("session.revoked").get()
        assert (event.actor_id, event.data) == (str(boss.pk), {"reason": "logout"})

    def test_does_not_happen_by_a_foreign_link(self, browser):
        assert browser.get(LOGOUT).status_code == 405
        assert is_in(browser)

    def test_without_a_session_is_no_error(self, db):
        assert Client().post(LOGOUT).status_code in (200, 302)

    @pytest.mark.attack("CWE-384")
    def test_happens_at_a_new_sign_in_in_the_same_browser(self, boss, browser):
        first, before = admin_session(), browser.cookies["cedrina_admin"].value
        thief = Client()
        thief.cookies = browser.cookies.copy()

        sign_in(browser)

        first.refresh_from_db()
        assert first.end_reason == end_reasons.LOGOUT.code
        assert browser.cookies["cedrina_admin"].value != before
        assert not is_in(thief)
        assert is_in(browser)

    @pytest.mark.attack("CWE-613")
    def test_is_not_undone_by_djangos_own_session(self, boss, browser):
        kept = browser.session
        revocation.end_sessions(user_id=boss.pk, reason=ADMINISTRATOR, now=timezone.now())

        assert not is_in(browser)
        assert not BrowserSession.objects.filter(pk=kept.session_key).exists()


class TestAuthentication:
    @pytest.mark.attack("CWE-613")
    def test_refuses_a_browser_with_only_djangos_session(self, boss):
        client = Client()
        client.force_login(boss)

        assert not is_in(client)

    @pytest.mark.attack("CWE-367")
    def test_refuses_a_password_that_is_changed_meanwhile(self, boss, settings, events):
        Interference.change = lambda: User.objects.filter(pk=boss.pk).update(password=make_password(OTHER))
        settings.ACCOUNTS = {**settings.ACCOUNTS, "WHILE_HASHING": "tests.accounts.services.interference.Interference"}

        answer = Client().post(LOGIN, {"username": "boss", "password": PASSWORD, "next": INDEX})

        assert (answer.status_code, answer["Location"]) == (302, LOGIN)
        assert not Session.objects.exists()
        assert events("admin.login_failed").get().risk_reasons == ["changed_meanwhile"]

    @pytest.mark.attack("CWE-639")
    def test_refuses_sessions_of_other_users_and_of_the_api(self, boss, colleague):
        client = Client()
        for session_id in (open_admin_session(user=colleague), open_session(user=boss).session_id):
            sign_in_at_admin(client, boss)
            kept = client.session
            kept["accounts.session_id"] = str(session_id)
            kept.save()

            assert not is_in(client)

    def test_takes_one_query(self, boss, browser, django_assert_num_queries):
        is_in(browser)
        with django_assert_num_queries(4) as context:  # the last one is the page's: resets of second factors that wait
            assert is_in(browser)
        assert sum("tokens_session" in query["sql"] for query in context.captured_queries) == 1


class TestTheList:
    def test_shows_it_like_every_other(self, boss, browser, api, pair):
        shown = api.get("/api/v1/auth/sessions").json()["results"]

        session = admin_session()
        assert {row["id"] for row in shown} == {str(session.pk), str(pair.session_id)}
        (row,) = (row for row in shown if row["id"] == str(session.pk))
        assert row["device"] == "Firefox on Ubuntu (admin)"
        assert (row["ip_address"], row["user_agent"], row["amr"]) == ("127.0.0.1", FIREFOX, ["pwd"])
        assert not row["current"]
        assert set(row) == set(shown[0]) == set(shown[1])

    def test_ends_it_by_its_id(self, browser, api):
        assert api.delete(f"/api/v1/auth/sessions/{admin_session().pk}").status_code == 204
        assert not is_in(browser)

    def test_ends_it_with_all_others(self, browser, api):
        assert api.delete("/api/v1/auth/sessions").json() == {"revoked": 1}
        assert not is_in(browser)

    def test_shows_when_it_was_last_used(self, browser):
        earlier = timezone.now() - timedelta(minutes=5)
        Session.objects.update(last_activity_at=earlier)

        is_in(browser)

        assert admin_session().last_activity_at > earlier + timedelta(minutes=4)

    def test_of_the_admin_names_the_kind(self, browser):
        page = browser.get("/admin/tokens/session/").content.decode()

        assert "admin pages" in page
        assert "Firefox on Ubuntu" in page


class TestTheLimit:
    def test_counts_the_admins_sessions_by_themselves(self, boss, settings):
        settings.TOKENS = {**settings.TOKENS, "MAX_SESSIONS_PER_USER": 2, "SESSION_OVERFLOW": "reject"}
        others = [open_session(user=boss) for _ in range(2)]
        browsers = [sign_in(Client()) for _ in range(3)]

        assert [is_in(browser) for browser in browsers] == [False, True, True]
        assert Session.objects.filter(pk__in=[pair.session_id for pair in others], ended_at=None).count() == 2
        assert admin_session(ended_at__isnull=False).end_reason == SESSION_LIMIT.code
