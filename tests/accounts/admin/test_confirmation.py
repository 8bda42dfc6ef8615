"""Before an admin page changes anything, people confirm who they are if their last proof is too old."""

import html
import re
from datetime import timedelta

import pytest
from django.contrib import admin
from django.core.cache import cache
from django.test import Client
from django.urls import URLResolver
from django.utils import timezone

from accounts.access.models import PolicyRule, Role
from accounts.models import User
from ratelimiting.models import RateLimitPolicy
from security_events.models import SecurityEvent, Webhook
from tests.accounts.access.test_admin import FORM
from tests.described import SOME_ID
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.factors import add_totp, code_of
from tests.factories.tokens import open_session, sign_in_at_admin
from tests.mailbox import CODE, work
from tests.problem_shape import assert_problem
from tokens.models import ServiceClient, Session

pytestmark = [pytest.mark.django_db, pytest.mark.attack("RFC 9470; OWASP ASVS 5.0, 7.5.3")]
ROLES, USERS = "/admin/access/role/", "/admin/accounts/user/"
NEW_ROLE = {"name": "reader", "description": "Reads <much>.", "reason": "they asked"}
HIDDEN = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')


@pytest.fixture(autouse=True)
def empty_cache():
    cache.clear()


@pytest.fixture
def boss():
    return UserFactory(username="boss", raw_password=PASSWORD, admin=True)


@pytest.fixture
def browser(boss):
    """A browser whose person has signed in longer ago than changes allow."""
    client = Client()
    sign_in_at_admin(client, boss)
    grow_old()
    return client


def grow_old():
    Session.objects.update(authenticated_at=timezone.now() - timedelta(minutes=6), second_factor_at=None)


def kept(page):
    """Return the hidden fields of the page that asks, which say what was sent."""
    fields = {}
    for name, value in HIDDEN.findall(page.content.decode()):
        if name != "csrfmiddlewaretoken":
            fields.setdefault(html.unescape(name), []).append(html.unescape(value))
    return fields


def is_asked(answer):
    return answer.status_code == 403 and 'name="reauthentication-' in answer.content.decode()


def with_password(page, password=PASSWORD):
    return {**kept(page), "reauthentication-password": password}


def a_rule_limit():
    return {
        "name": "of-search",
        "key": "ip",
        "algorithm": "fixed_window",
        "limit": 5,
        "window_seconds": 60,
        "reason": "too many",
    }


CHANGES = {
    "role": (f"{ROLES}add/", NEW_ROLE, lambda: Role.objects.filter(name="reader").exists()),
    "rule": (
        "/admin/access/policyrule/add/",
        {**FORM, "subject": "role:admin"},
        lambda: PolicyRule.objects.filter(object="documents/*").exists(),
    ),
    "service client": (
        "/admin/tokens/serviceclient/add/",
        {
            "name": "orders",
            "scopes": ["events:read", "metrics:read"],
            "authentication_method": "client_secret",
            "reason": "new",
        },
        lambda: ServiceClient.objects.filter(name="orders").exists(),
    ),
    "person": (
        f"{USERS}add/",
        {"username": "mina", "email": "mina@example.com", "locale": "en", "tier": "free", "reason": "new"},
        lambda: User.objects.filter(username="mina").exists(),
    ),
    "webhook": (
        "/admin/security_events/webhook/add/",
        {
            "url": "https://hooks.example.com/in",
            "format": "cedrina",
            "types": ["session.created", "session.revoked"],
            "enabled": "on",
        },
        Webhook.objects.exists,
    ),
}


class TestAChange:
    @pytest.mark.parametrize("name", CHANGES)
    def test_is_made_once_the_password_is_confirmed(self, browser, empty_queue, name):
        path, sent, is_made = CHANGES[name]
        page = browser.post(path, sent)
        assert is_asked(page)
        assert not is_made()
        assert kept(page) == {key: value if isinstance(value, list) else [value] for key, value in sent.items()}

        done = browser.post(path, with_password(page))
        assert done.status_code in (200, 302), done.content.decode()
        assert is_made()

    def test_of_a_page_that_shows_it_was_wrong_has_the_input(self, browser):
        page = browser.post(f"{ROLES}add/", {**NEW_ROLE, "name": "Not A Name"})
        shown = browser.post(f"{ROLES}add/", with_password(page)).content.decode()
        assert 'value="Not A Name"' in shown
        assert "reauthentication-" not in shown
        assert browser.post(f"{ROLES}add/", NEW_ROLE).status_code == 302  # the proof is recent now

    def test_is_not_made_by_a_wrong_password(self, browser):
        page = browser.post(f"{ROLES}add/", NEW_ROLE)
        wrong = browser.post(f"{ROLES}add/", with_password(page, "wrong password"))
        assert is_asked(wrong)
        assert kept(wrong) == kept(page)
        assert "wrong password" not in wrong.content.decode()
        assert not Role.objects.filter(name="reader").exists()
        assert SecurityEvent.objects.filter(type="authentication.reauthentication_failed").exists()

    def test_of_a_thief_who_guesses_is_not_made_by_the_right_guess_either(self, browser):
        page = browser.post(f"{ROLES}add/", NEW_ROLE)
        for number in range(20):
            answer = browser.post(f"{ROLES}add/", with_password(page, f"guess {number}"))
        assert is_asked(answer)
        assert is_asked(browser.post(f"{ROLES}add/", with_password(page)))
        assert not Role.objects.filter(name="reader").exists()

    def test_needs_the_second_factor_of_people_who_have_one(self, boss, browser):
        secret, _codes = add_totp(boss)
        grow_old()
        Session.objects.update(authenticated_at=timezone.now())
        page = browser.post(f"{ROLES}add/", NEW_ROLE)
        assert 'name="reauthentication-code"' in page.content.decode()
        by_password = browser.post(f"{ROLES}add/", with_password(page))
        assert is_asked(by_password)
        assert not Role.objects.filter(name="reader").exists()

        done = browser.post(f"{ROLES}add/", {**kept(page), "reauthentication-code": code_of(secret)})
        assert done.status_code == 302
        assert Role.objects.filter(name="reader").exists()

    def test_that_a_finding_doubts_needs_a_code_from_the_mailbox(self, boss, browser, empty_queue):
        Session.objects.update(authenticated_at=timezone.now(), step_up_until=timezone.now() + timedelta(hours=1))
        page = browser.post(f"{ROLES}add/", NEW_ROLE)
        assert is_asked(page)
        asked = browser.post(f"{ROLES}add/", {**kept(page), "reauthentication-send": "yes"})
        assert kept(asked) == kept(page)
        (code,) = {match[0] for message in work() if (match := CODE.search(message.body))}
        wrong = browser.post(f"{ROLES}add/", {**kept(page), "reauthentication-code": "00000000"})
        assert is_asked(wrong)
        assert not Role.objects.filter(name="reader").exists()
        assert browser.post(f"{ROLES}add/", {**kept(page), "reauthentication-code": code}).status_code == 302
        assert Role.objects.filter(name="reader").exists()

    def test_that_an_action_asks_a_reason_for_keeps_the_chosen_rows(self, browser):
        people = [UserFactory(), UserFactory()]
        chosen = {"action": "end_sessions", "_selected_action": [str(user.pk) for user in people]}
        for user in people:
            open_session(user=user)
        page = browser.post(USERS, chosen)
        assert kept(page) == {"action": ["end_sessions"], "_selected_action": chosen["_selected_action"]}
        reasons = browser.post(USERS, with_password(page)).content.decode()
        assert 'name="reason"' in reasons
        browser.post(USERS, {**chosen, "confirmed": "yes", "reason": "because"})
        assert not Session.objects.filter(user__in=people, ended_at=None).exists()


class TestEveryPage:
    def paths(self, patterns=None, before="/admin/"):
        for pattern in patterns if patterns is not None else admin.site.get_urls():
            path = before + re.sub(r"<[^>]*>", SOME_ID, str(pattern.pattern).strip("^$"))
            if isinstance(pattern, URLResolver):
                yield from self.paths(pattern.url_patterns, path)
            elif pattern.name not in ("login", "logout", "second_factor"):
                yield path

    def test_asks_before_it_changes_anything(self, browser):
        paths = [path for path in self.paths() if "(?P" not in path]
        assert len(paths) > 60
        assert [path for path in paths if not is_asked(browser.post(path, {"reason": "x"}))] == []

    def test_asks_only_people_who_may_use_the_admin(self):
        client = Client()
        sign_in_at_admin(client, UserFactory(raw_password=PASSWORD))
        grow_old()
        answer = client.post(f"{ROLES}add/", NEW_ROLE)
        assert (answer.status_code, "/admin/login/" in answer["Location"]) == (302, True)

    def test_takes_no_confirmation_that_another_site_sends(self, boss):
        client = Client(enforce_csrf_checks=True)
        sign_in_at_admin(client, boss)
        grow_old()
        answer = client.post(f"{ROLES}add/", {**NEW_ROLE, "reauthentication-password": PASSWORD})
        assert answer.status_code == 403
        assert not is_asked(answer)
        assert not Role.objects.filter(name="reader").exists()

    def test_lets_people_sign_out(self, browser):
        assert not is_asked(browser.post("/admin/logout/"))


class TestTheConsole:
    def test_is_refused_until_its_person_has_confirmed(self, browser):
        person = UserFactory()
        open_session(user=person)
        call = f"/admin/console/people/{person.pk}/end-sessions"
        refused = browser.post(call, {"reason": "because"}, headers={"Accept": "application/json"})
        assert_problem(refused, status=403, code="reauthentication_required")
        assert browser.post("/admin/console/ticket").status_code == 200

        page = browser.get("/admin/confirm/")
        assert (page.status_code, 'name="reauthentication-password"' in page.content.decode()) == (200, True)
        done = browser.post("/admin/confirm/", with_password(page), follow=True).content.decode()
        assert "You have confirmed that it is you." in done
        assert browser.post(call, {"reason": "because"}).json() == {"changed": True}


def test_the_limit_of_requests_is_asked_for_like_all_others(browser):
    assert is_asked(browser.post("/admin/ratelimiting/ratelimitpolicy/add/", a_rule_limit()))
    assert not RateLimitPolicy.objects.filter(name="of-search").exists()
