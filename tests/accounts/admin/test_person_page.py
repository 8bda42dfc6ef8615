"""The page of a person: what each operator sees, the actions, and what it costs."""

import uuid

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import event_types
from accounts.models import User
from accounts.services.administration.operator_action import ActionValue, OperatorAction, ValueKind
from accounts.services.administration.operator_actions import OPERATOR_ACTIONS
from security_events.context import RequestContext, bind
from security_events.services import recording
from security_events.types import Subject
from tests.factories import service_clients
from tests.factories.accounts import PASSWORD, UserFactory, give
from tests.factories.factors import add_totp
from tests.factories.tokens import open_session, sign_in_at_admin
from tokens.models import Session
from tokens.types import ClientContext
from tokens.users import subject_of

pytestmark = pytest.mark.django_db
SCRIPT = "<script>alert(1)</script>"


def page_of(user):
    return f"/admin/accounts/user/{user.pk}/change/"


def action_of(user, name):
    return f"/admin/accounts/user/{user.pk}/actions/{name}/"


@pytest.fixture
def browser(boss):
    client = Client()
    sign_in_at_admin(client, boss)
    return client


@pytest.fixture
def staff():
    """Return a function that signs a member of staff with some permissions in."""

    def sign_in(*permissions):
        user = UserFactory()
        for permission in permissions:
            give(user, permission)
        client = Client()
        sign_in_at_admin(client, user)
        return client

    return sign_in


class TestSections:
    def test_show_a_reset_of_the_second_factors_that_waits(self, browser, now):
        person = UserFactory(raw_password=PASSWORD)
        add_totp(person)
        assert "A reset was requested" not in browser.get(page_of(person)).content.decode()

        OPERATOR_ACTIONS["reset-second-factor"].run(user=person, by=None, reason="lost telephone", now=now)

        assert "A reset was requested" in browser.get(page_of(person)).content.decode()

    def test_name_the_service_clients_of_events(self, browser, now):
        person, (client, _secret) = UserFactory(), service_clients.register(name="orders")
        recording.record(
            event_types.PERMISSION_DENIED, actor=Subject(id=str(client.pk)), target=subject_of(person), now=now
        )

        text = browser.get(page_of(person)).content.decode()

        assert f'href="/admin/tokens/serviceclient/{client.pk}/change/"><bdi>orders</bdi></a>' in text

    @pytest.mark.parametrize(
        ("permissions", "sees_sessions", "sees_events"),
        [
            (["users:read"], False, False),
            (["users:read", "sessions:read"], True, False),
            (["users:read", "events:read"], False, True),
        ],
    )
    def test_require_a_permission_each(self, staff, permissions, sees_sessions, sees_events):
        person = UserFactory(username="mina")
        pair = open_session(user=person)

        text = staff(*permissions).get(page_of(person)).content.decode()

        assert "mina@example.com" in text
        assert ("Open sessions" in text) is sees_sessions
        assert (str(pair.session_id) in text) is sees_sessions
        assert ("203.0.113.7" in text) is sees_sessions
        assert ("session.created" in text) is sees_events
        assert "Lock the account" not in text
        assert "There is nothing that you may do to this account." in text

    def test_are_closed_to_staff_who_may_not_see_people(self, staff):
        person = UserFactory()
        client = staff("sessions:read", "events:read")
        for url in (page_of(person), action_of(person, "lock")):
            assert client.get(url).status_code == 403

    def test_show_no_secret(self, browser):
        person = UserFactory(username="mina", raw_password=PASSWORD)
        pair = open_session(user=person)
        text = browser.get(page_of(person)).content.decode()
        for secret in ("bcrypt", person.password, pair.refresh_token, pair.access_token):
            assert secret not in text

    def test_escape_what_people_and_clients_say(self, browser, boss):
        person = UserFactory(full_name=SCRIPT, department=SCRIPT, location=SCRIPT)
        client = ClientContext(ip_address="203.0.113.7", user_agent=SCRIPT)
        with bind(RequestContext(ip_address="203.0.113.7", user_agent=SCRIPT)):
            open_session(user=person, client=client)
            recording.record(
                event_types.ACCOUNT_ACTIVATED,
                actor=subject_of(boss),
                target=subject_of(person),
                reasons=[SCRIPT],
                data={"note": SCRIPT},
            )

        for url in (page_of(person), action_of(person, "lock"), "/admin/security_events/securityevent/"):
            text = browser.get(url).content.decode()
            assert "<script>alert" not in text, url
        assert "&lt;script&gt;alert" in browser.get(page_of(person)).content.decode()

    def test_cost_as_many_statements_with_a_long_history(self, browser, boss):
        person, busy = UserFactory(), UserFactory()
        for user, number in ((person, 2), (busy, 40)):
            for _ in range(number):
                open_session(user=user)
                recording.record(event_types.ACCOUNT_ACTIVATED, actor=subject_of(boss), target=subject_of(user))
        counts = []
        for user in (person, busy):
            with CaptureQueriesContext(connection) as captured:
                assert browser.get(page_of(user)).status_code == 200
            counts.append(len(captured))
        assert counts[0] == counts[1]
        assert counts[0] < 40

    def test_name_and_link_who_acted(self, browser, boss):
        person = UserFactory()
        recording.record(event_types.ACCOUNT_ACTIVATED, actor=subject_of(boss), target=subject_of(person))
        assert f'<a href="{page_of(boss)}"><bdi>boss</bdi></a>' in browser.get(page_of(person)).content.decode()


class TestTimeline:
    def test_is_read_on_by_its_cursor(self, browser):
        person = UserFactory()
        for _ in range(30):
            open_session(user=person)
        first = browser.get(page_of(person))
        second = browser.get(page_of(person), {"before": str(first.context["next_cursor"])})
        positions = [{shown.entry.position for shown in page.context["timeline"]} for page in (first, second)]
        assert len(positions[0]) == 25
        assert positions[1]
        assert not positions[0] & positions[1]

    @pytest.mark.parametrize("cursor", ["x", "", "0" * 40, "' OR 1=1"])
    def test_begins_anew_at_a_place_that_does_not_exist(self, browser, cursor):
        person = UserFactory()
        answer = browser.get(page_of(person), {"before": cursor}, follow=True)
        assert answer.redirect_chain == [(page_of(person), 302)]
        assert "does not exist" in answer.content.decode()


class TestActions:
    def test_say_what_will_happen_take_a_reason_and_say_what_was_done(self, browser, boss, events):
        person = UserFactory(username="mina")

        form = browser.get(action_of(person, "lock")).content.decode()
        unexplained = browser.post(action_of(person, "lock"), {"reason": ""})
        answer = browser.post(action_of(person, "lock"), {"reason": "stolen <laptop>"}, follow=True)

        assert "Closes the account to sign-ins" in form
        assert unexplained.status_code == 200
        assert answer.redirect_chain == [(page_of(person), 302)]
        assert "Lock the account: done for mina." in answer.content.decode()
        assert not User.objects.get(pk=person.pk).is_active
        assert events("account.deactivated").get().data["note"] == "stolen <laptop>"
        assert not LogEntry.objects.exists()

    def test_say_when_nothing_changed(self, browser):
        person = UserFactory(username="mina", is_active=False)
        answer = browser.post(action_of(person, "lock"), {"reason": "r"}, follow=True)
        assert "nothing changed, mina was so already" in answer.content.decode()

    def test_show_refusals(self, browser, boss):
        answer = browser.post(action_of(boss, "lock"), {"reason": "r"}, follow=True)
        assert "this was refused" in answer.content.decode()
        assert User.objects.get(pk=boss.pk).is_active

    def test_are_refused_to_staff_without_the_permission_and_on_higher_privileges(self, staff, boss):
        person = UserFactory()
        reader = staff("users:read")
        clerk = staff("users:read", "users:change")

        assert reader.post(action_of(person, "lock"), {"reason": "r"}).status_code == 403
        refused = clerk.post(action_of(boss, "lock"), {"reason": "r"}, follow=True)
        assert "this was refused" in refused.content.decode()
        assert "Lock the account" not in clerk.get(page_of(boss)).content.decode()
        assert "Lock the account" in clerk.get(page_of(person)).content.decode()
        assert User.objects.filter(is_active=False).count() == 0

    def test_end_one_session_of_this_person_only(self, browser, boss):
        person, other = UserFactory(), UserFactory()
        ended, kept = open_session(user=person).session_id, open_session(user=person).session_id
        foreign = open_session(user=other).session_id

        browser.post(f"/admin/accounts/user/{person.pk}/sessions/{ended}/end/", {"reason": "lost"})
        answer = browser.post(f"/admin/accounts/user/{person.pk}/sessions/{foreign}/end/", {"reason": "r"}, follow=True)

        open_ones = Session.objects.filter(ended_at=None).exclude(user=boss)
        assert set(open_ones.values_list("pk", flat=True)) == {kept, foreign}
        assert "nothing changed" in answer.content.decode()

    def test_ask_for_their_values_and_refuse_others(self, browser, monkeypatch):
        seen = []

        def service(*, user, by, reason, now, **values):
            seen.append(values)
            return True

        action = OperatorAction(
            name="test-values",
            title="Test",
            description="Test",
            permission="users:change",
            service=service,
            values=(
                ActionValue("tier", "Tier", ValueKind.CHOICE, choices=(("free", "Free"), ("pro", "Pro"))),
                ActionValue("department", "Department", is_required=False, max_length=10),
                ActionValue("groups", "Groups", ValueKind.CHOICES, choices=(("a", "A"), ("b", "B"))),
                ActionValue("is_staff", "Staff", ValueKind.BOOLEAN),
            ),
        )
        # The registry is read-only for its readers, so the page is given the mapping with the action in it.
        monkeypatch.setattr("accounts.admin.OPERATOR_ACTIONS", {**OPERATOR_ACTIONS, action.name: action})
        person = UserFactory(department="Sales")
        url = action_of(person, action.name)

        form = browser.get(url).content.decode()
        for wrong in ({"value-tier": "gold"}, {"value-department": "x" * 11}, {}):
            assert browser.post(url, {"reason": "r", **wrong}).status_code == 200
        done = browser.post(
            url, {"reason": "r", "value-tier": "pro", "value-department": "", "value-groups": ["a", "b"]}
        )

        assert 'value="Sales"' in form
        assert done.status_code == 302
        assert seen == [{"tier": "pro", "department": "", "groups": ("a", "b"), "is_staff": False}]

    @pytest.mark.parametrize("path", ["actions/nothing/", "actions/UPPER/"])
    def test_that_do_not_exist_are_no_error(self, browser, path):
        person = UserFactory()
        answer = browser.get(f"/admin/accounts/user/{person.pk}/{path}", follow=True)
        assert "does not exist" in answer.content.decode()

    def test_on_nobody_say_so(self, browser):
        for url in (page_of(User(pk=uuid.uuid4())), action_of(User(pk=uuid.uuid4()), "lock"), page_of(User(pk="x"))):
            answer = browser.get(url, follow=True)
            assert answer.status_code == 200
            assert "does not exist" in answer.content.decode() or "doesn’t exist" in answer.content.decode()


class TestCreation:
    URL = "/admin/accounts/user/add/"
    FORM = {
        "username": "nadia",
        "email": "nadia@example.com",
        "locale": "es",
        "tier": "free",
        "reason": "new colleague",
    }

    def test_creates_and_invites_a_person_with_a_reason(self, browser, events):
        answer = browser.post(self.URL, {**self.FORM, "is_invited": "on"}, follow=True)

        person = User.objects.get(username="nadia")
        assert answer.redirect_chain == [(page_of(person), 302)]
        assert "The account nadia was created." in answer.content.decode()
        assert (person.locale, person.email_confirmed_at) == ("es", None)
        assert events("account.created_by_operator").get().data["note"] == "new colleague"
        assert events("account.invited").get().target_id == str(person.pk)

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"reason": ""}, "This field is required"),
            ({"username": "a b"}, "errorlist"),
            ({"email": "no address"}, "This is not an e-mail address."),
            ({"username": "TAKEN"}, "This username is taken."),
            ({"email": "taken@example.com"}, "already registered"),
            ({"department": "x" * 101}, "at most 100 characters"),
        ],
    )
    def test_says_what_is_wrong_beside_the_field(self, browser, change, sentence):
        UserFactory(username="taken")
        answer = browser.post(self.URL, {**self.FORM, **change})
        assert answer.status_code == 200
        assert sentence in answer.content.decode()
        assert not User.objects.filter(username="nadia").exists()

    def test_is_closed_to_staff_without_the_permission(self, staff):
        client = staff("users:read", "users:change")
        assert client.get(self.URL).status_code == 403
        assert client.post(self.URL, self.FORM).status_code == 403
        assert self.URL not in client.get("/admin/accounts/user/").content.decode()


class TestBulkActions:
    URL = "/admin/accounts/user/"

    def chosen(self, browser, action, users, **more):
        body = {"action": action, "_selected_action": [str(user.pk) for user in users], **more}
        return browser.post(self.URL, body, follow=True).content.decode()

    def test_say_that_nothing_was_chosen(self, browser, boss):
        assert "nothing was chosen, nothing changed" in self.chosen(browser, "deactivate", [User(pk=uuid.uuid4())])
        text = self.chosen(browser, "deactivate", [boss])
        assert "Your own account is left out." in text
        assert "nothing was chosen, nothing changed" in text

    @pytest.mark.parametrize("chosen", ["x", "", "a\0b", "0" * 40])
    def test_refuse_ids_that_are_none(self, browser, chosen):
        answer = browser.post(self.URL, {"action": "deactivate", "_selected_action": chosen})
        assert answer.status_code == 400

    @pytest.mark.parametrize("query", ["locale=x", "locale=%00", "p=99999", "p=x", "o=1", "is_active__exact=maybe"])
    def test_stand_in_a_list_whose_address_may_be_anything(self, browser, query):
        assert browser.get(f"{self.URL}?{query}", follow=True).status_code == 200

    def test_are_refused_for_more_accounts_than_a_page_can_list(self, browser):
        UserFactory.create_batch(201)
        body = {"select_across": "1", "confirmed": "yes", "reason": "r"}
        assert "choose at most 200" in self.chosen(browser, "deactivate", list(User.objects.all()[:1]), **body)
        assert not User.objects.filter(is_active=False).exists()

    def test_say_that_nothing_or_not_everything_changed(self, browser):
        active, locked = UserFactory(), UserFactory(is_active=False)
        confirmed = {"confirmed": "yes", "reason": "r"}
        assert "Deactivate: nothing changed." in self.chosen(browser, "deactivate", [locked], **confirmed)
        assert "Deactivate: done to 1 of 2." in self.chosen(browser, "deactivate", [active, locked], **confirmed)


@pytest.mark.django_db(transaction=True)
def test_a_search_that_the_database_cuts_leads_back_to_the_list(browser):
    def cut(execute, sql, params, many, context):
        if "UPPER" not in sql:  # of a search for a part of a name
            return execute(sql, params, many, context)
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 20")
            try:
                cursor.execute("SELECT pg_sleep(5)")
            finally:
                cursor.execute("RESET statement_timeout")

    with connection.execute_wrapper(cut):
        answer = browser.get("/admin/accounts/user/?q=somebody", follow=True)

    assert answer.redirect_chain == [("/admin/accounts/user/", 302)]
    assert "The search took too long." in answer.content.decode()
