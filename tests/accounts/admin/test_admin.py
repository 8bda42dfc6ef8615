import re

import pytest
from django.contrib.admin.utils import quote
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from security_events.models import SecurityEvent
from tests.factories.accounts import PASSWORD, UserFactory, give
from tests.factories.registrations import PendingRegistrationFactory
from tests.factories.tokens import open_session
from tokens.models import Session, SigningKey, TokenFamily

pytestmark = pytest.mark.django_db
LOGIN = "/admin/login/"
USERS = "/admin/accounts/user/"
SESSIONS = "/admin/tokens/session/"
REGISTRATIONS = "/admin/accounts/pendingregistration/"
LISTS = [
    USERS,
    SESSIONS,
    "/admin/tokens/tokenfamily/",
    "/admin/tokens/signingkey/",
    "/admin/security_events/securityevent/",
    "/admin/security_events/sink/",
    "/admin/tokens/refreshkeyepoch/",
    REGISTRATIONS,
]


@pytest.fixture
def browser(boss):
    client = Client()
    client.post(LOGIN, {"username": "boss", "password": PASSWORD, "next": "/admin/"})
    return client


def act(browser, url, action, rows, **more):
    return browser.post(url, {"action": action, "_selected_action": [str(row.pk) for row in rows], **more})


class TestSignIn:
    def test_accepts_staff_by_name_or_address(self, boss, events):
        for name in ("boss", "BOSS@example.com"):
            answer = Client().post(LOGIN, {"username": name, "password": PASSWORD, "next": "/admin/"})
            assert (answer.status_code, answer["Location"]) == (302, "/admin/")
        assert events("admin.login_succeeded").count() == 2

    def test_upgrades_the_hash_without_losing_the_session(self, boss, settings):
        settings.ACCOUNTS = {**settings.ACCOUNTS, "BCRYPT_ROUNDS": 5}
        client = Client()
        client.post(LOGIN, {"username": "boss", "password": PASSWORD, "next": "/admin/"})

        assert client.get("/admin/").status_code == 200
        assert User.objects.get().password.startswith("bcrypt_sha256$$2b$05$")

    @pytest.mark.parametrize("details", [{}, {"is_staff": True, "is_active": False}])
    def test_refuses_all_others_with_the_same_message(self, events, details):
        UserFactory(username="mina", raw_password=PASSWORD, **details)
        pages = [
            Client().post(LOGIN, {"username": name, "password": password})
            for name, password in (("mina", PASSWORD), ("mina", "wrong"), ("nobody", "wrong"))
        ]

        notes = [re.search(r'class="errornote">(.*?)</p>', page.content.decode(), re.DOTALL).group(1) for page in pages]
        assert notes == [notes[0]] * 3
        assert events("admin.login_failed").count() == 3

    def test_limits_attempts_for_each_address(self, settings):
        settings.ACCOUNTS = {**settings.ACCOUNTS, "ADMIN_LOGIN_RATE": "3/h"}
        body = {"username": "boss", "password": "wrong"}

        statuses = [Client().post(LOGIN, body).status_code for _ in range(4)]
        limited = Client().post(LOGIN, body)
        elsewhere = Client(REMOTE_ADDR="198.51.100.9").post(LOGIN, body)

        assert statuses == [200, 200, 200, 429]
        assert limited["Retry-After"] == "60"
        assert "Too many attempts" in limited.content.decode()
        assert elsewhere.status_code == 200
        assert Client().get(LOGIN).status_code == 200

    def test_answers_503_when_too_many_requests_wait_for_a_hash(self, settings):
        UserFactory(username="clerk", raw_password=PASSWORD)
        settings.ACCOUNTS = {**settings.ACCOUNTS, "WHILE_HASHING": "tests.accounts.pages.full.Full"}

        answer = Client().post(LOGIN, {"username": "clerk", "password": PASSWORD})

        assert (answer.status_code, answer["Retry-After"]) == (503, "2")

    def test_counts_in_the_process_when_the_cache_is_unavailable(self, settings):
        settings.CACHES = {
            "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
        }
        body = {"username": "boss", "password": "wrong"}

        statuses = [Client(REMOTE_ADDR="2001:db8::1").post(LOGIN, body).status_code for _ in range(7)]

        assert statuses == [200] * 5 + [429] * 2

    def test_offers_no_form_that_would_change_a_password_past_the_services(self, browser):
        assert browser.get("/admin/password_change/").status_code == 404

    def test_ends_with_the_account(self, boss, browser):
        User.objects.filter(pk=boss.pk).update(is_active=False)

        assert browser.get("/admin/").status_code == 302


class TestPages:
    @pytest.mark.parametrize("url", LISTS)
    def test_list_and_search(self, browser, url):
        open_session(user=UserFactory(username="mina"))

        for query in ("", "?q=mina", "?q=203.0.113.7", "?q=019b8d5a-4c1e-7a30-9f52-0d6f6b0f8a11", "?q=%27%22<>%25"):
            assert browser.get(url + query).status_code == 200, query

    def test_show_rows_without_any_secret(self, boss, browser, events):
        person = UserFactory(username="mina", raw_password=PASSWORD)
        pair = open_session(user=person)
        rows = [
            (USERS, person),
            (SESSIONS, Session.objects.get(pk=pair.session_id)),
            ("/admin/tokens/tokenfamily/", TokenFamily.objects.get(session_id=pair.session_id)),
            ("/admin/tokens/signingkey/", SigningKey.objects.first()),
            ("/admin/security_events/securityevent/", events("session.created").first()),
        ]
        for url, row in rows:
            for page in (browser.get(url), browser.get(f"{url}{quote(row.pk)}/change/")):
                text = page.content.decode()
                assert page.status_code == 200
                for secret in ("bcrypt", "PRIVATE KEY", "token_hash", "private_key", pair.refresh_token):
                    assert secret not in text, (url, secret)

    def test_find_people_by_part_of_the_name(self, browser):
        UserFactory(username="mina")
        UserFactory(username="omar")

        text = browser.get(USERS + "?q=MIN").content.decode()

        assert "mina@example.com" in text
        assert "omar@example.com" not in text

    @pytest.mark.parametrize("query", ["stra\u00df", "ada@STRA\u00dfE.de", "ada@xn--strae-oqa.de", "strae-oqa"])
    def test_find_people_by_every_spelling_of_their_address(self, browser, query):
        UserFactory(username="mina", email="ada@stra\u00dfe.de")
        UserFactory(username="omar", email="ada@strasse.de")

        text = browser.get(USERS, {"q": query}).content.decode()

        assert "ada@stra\u00dfe.de" in text
        assert "omar" not in text

    def test_find_people_by_their_whole_id_and_language(self, browser):
        person = UserFactory(username="mina", locale="es")
        UserFactory(username="omar")

        for query in ({"q": str(person.pk)}, {"locale": "es"}):
            text = browser.get(USERS, query).content.decode()
            assert "mina@example.com" in text
            assert "omar@example.com" not in text

    @pytest.mark.parametrize("name", ["session", "tokenfamily"])
    def test_find_sessions_by_their_user_or_id(self, browser, name):
        pair = open_session(user=UserFactory(username="mina"))
        open_session(user=UserFactory(username="omar"))

        for term in ("MINA", "in", "mina@example.com", str(pair.session_id)):
            text = browser.get(f"/admin/tokens/{name}/", {"q": term}).content.decode()
            assert "mina</" in text, term
            assert "omar</" not in text, term

    @pytest.mark.parametrize("url", [USERS, SESSIONS, LISTS[2], LISTS[4]])
    def test_read_the_whole_table_for_the_number_of_rows_alone(self, browser, url):
        with CaptureQueriesContext(connection) as captured:
            browser.get(url)

        model = {USERS: User, SESSIONS: Session, LISTS[2]: TokenFamily, LISTS[4]: SecurityEvent}[url]
        reads = [query["sql"] for query in captured if f'FROM "{model._meta.db_table}"' in query["sql"]]
        assert reads
        assert not [sql for sql in reads if "DISTINCT" in sql or "MIN(" in sql]

    def test_find_events_by_who_and_what(self, browser, events):
        person = UserFactory(username="mina")
        open_session(user=person)
        event = events("session.created").get()

        for term in (person.pk, event.pk, event.session_id, event.family_id):
            assert "session.created" in browser.get(LISTS[4], {"q": str(term)}).content.decode()

    @pytest.mark.parametrize("url", [url for url in LISTS if url != USERS])
    def test_offer_neither_adding_nor_deleting(self, browser, url):
        assert browser.get(url + "add/").status_code == 403
        assert "delete_selected" not in browser.get(url).content.decode()

    def test_change_nothing(self, browser):
        person = UserFactory(username="mina")

        browser.post(f"{USERS}{person.pk}/change/", {"username": "other", "is_superuser": "on"})

        person.refresh_from_db()
        assert (person.username, person.is_superuser) == ("mina", False)

    @pytest.mark.parametrize("url", LISTS)
    def test_are_closed_to_staff_without_the_permission(self, url):
        UserFactory(username="helper", raw_password=PASSWORD, roles=["jobs:read"])
        client = Client()
        client.post(LOGIN, {"username": "helper", "password": PASSWORD, "next": "/admin/"})

        assert client.get(url).status_code == 403
        assert client.get("/admin/").status_code == 200

    def test_show_staff_what_their_permission_says_but_no_actions(self):
        helper = UserFactory(username="helper", raw_password=PASSWORD)
        give(helper, "users:read")
        client = Client()
        client.post(LOGIN, {"username": "helper", "password": PASSWORD, "next": "/admin/"})

        page = client.get(USERS)
        act(client, USERS, "deactivate", [helper], confirmed="yes", reason="because")

        assert page.status_code == 200
        assert "deactivate" not in page.content.decode()
        helper.refresh_from_db()
        assert helper.is_active

    def test_know_no_groups(self, browser):
        with pytest.raises(Exception, match="auth_group"):
            reverse("admin:auth_group_changelist")


class TestActions:
    def test_ask_for_a_reason_first(self, browser):
        person = UserFactory(username="mina")

        page = act(browser, USERS, "deactivate", [person], index="0")
        without = act(browser, USERS, "deactivate", [person], confirmed="yes", reason="  ")

        assert "mina" in page.content.decode()
        assert 'name="reason"' in page.content.decode()
        assert "errorlist" in without.content.decode()
        person.refresh_from_db()
        assert person.is_active

    def test_deactivate_and_activate_a_user(self, boss, browser, events):
        person = UserFactory(username="mina")
        open_session(user=person)

        answer = act(browser, USERS, "deactivate", [person], confirmed="yes", reason="left the company")

        assert answer.status_code == 302
        person.refresh_from_db()
        assert not person.is_active
        assert not Session.objects.filter(user=person, ended_at=None).exists()
        event = events("account.deactivated").get()
        assert (event.actor_id, event.data["note"]) == (str(boss.pk), "left the company")

        act(browser, USERS, "activate", [person], confirmed="yes", reason="came back")
        person.refresh_from_db()
        assert person.is_active

    def test_restore_a_deleted_user(self, boss, browser, events, now):
        person = UserFactory(username="mina", deleted_at=now)

        act(browser, USERS, "restore", [person], confirmed="yes", reason="asked in time")

        person.refresh_from_db()
        assert person.deleted_at is None
        event = events("account.restored").get()
        assert (event.actor_id, event.data["note"]) == (str(boss.pk), "asked in time")

    def test_do_not_deactivate_the_operators_own_account(self, boss, browser):
        act(browser, USERS, "deactivate", [boss], confirmed="yes", reason="oops")

        boss.refresh_from_db()
        assert boss.is_active

    def test_end_all_sessions_of_a_user(self, browser, events):
        person = UserFactory(username="mina")
        open_session(user=person)
        open_session(user=person)

        act(browser, USERS, "end_sessions", [person], confirmed="yes", reason="stolen laptop")

        assert not Session.objects.filter(user=person, ended_at=None).exists()
        assert events("session.revoked").filter(data__note="stolen laptop").count() == 2

    def test_end_single_sessions(self, boss, browser, events):
        person = UserFactory(username="mina")
        kept, ended = open_session(user=person), open_session(user=person)

        page = act(browser, SESSIONS, "end", [Session.objects.get(pk=ended.session_id)], index="0")
        act(
            browser,
            SESSIONS,
            "end",
            [Session.objects.get(pk=ended.session_id)],
            confirmed="yes",
            reason="stolen laptop",
        )

        assert 'name="reason"' in page.content.decode()
        assert Session.objects.get(user=person, ended_at=None).pk == kept.session_id
        event = events("session.revoked").get()
        assert (event.actor_id, event.session_id, event.data["note"]) == (
            str(boss.pk),
            ended.session_id,
            "stolen laptop",
        )


class TestPendingRegistrations:
    def test_are_shown_without_their_password_and_cannot_be_changed(self, browser):
        waiting = PendingRegistrationFactory(username="waits", raw_password=PASSWORD)

        shown = browser.get(f"{REGISTRATIONS}{waiting.pk}/change/")

        assert shown.status_code == 200
        assert "waits@example.com" in shown.content.decode()
        assert waiting.password not in shown.content.decode()
        assert browser.post(f"{REGISTRATIONS}{waiting.pk}/change/", {"username": "other"}).status_code == 403
        assert browser.get(f"{REGISTRATIONS}add/").status_code == 403
        assert browser.post(f"{REGISTRATIONS}{waiting.pk}/delete/", {"post": "yes"}).status_code == 403
