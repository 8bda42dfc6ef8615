"""Rules, roles, versions and the tester in the admin."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.access.models import PolicyDraft, PolicyRule, PolicyVersion, Role
from accounts.access.services.drafts import editing
from accounts.access.services.policy_changes import policy_change
from accounts.access.types import Author
from tests.factories.accounts import PASSWORD, UserFactory, give
from tests.factories.service_clients import register
from tests.factories.tokens import sign_in_at_admin

pytestmark = pytest.mark.django_db
RULES = "/admin/access/policyrule/"
ROLES = "/admin/access/role/"
GRANTS = "/admin/access/rolegrant/"
VERSIONS = "/admin/access/policyversion/"
TESTER = f"{RULES}tester/"
FORM = {
    "subject": "role:reader",
    "effect": "allow",
    "action": "read",
    "object": "documents/*",
    "department": "",
    "location": "",
    "conditions": "",
    "valid_from_0": "",
    "valid_from_1": "",
    "valid_until_0": "",
    "valid_until_1": "",
    "note": "",
    "reason": "they asked",
}
HOURS = {"weekdays": ["mon", "tue"], "begin": "09:00", "end": "17:00", "time_zone": "Europe/Madrid"}


@pytest.fixture
def boss():
    return UserFactory(username="boss", raw_password=PASSWORD, admin=True)


@pytest.fixture
def browser(boss):
    client = Client()
    sign_in_at_admin(client, boss)
    return client


@pytest.fixture
def reader(now):
    """The role reader, which somebody called ada has."""
    ada = UserFactory(username="ada", department="sales")
    with policy_change(author=Author(), reason="first", now=now) as writer:
        writer.put_role("reader", {"description": "Reads."})
        writer.grant(f"user:{ada.pk}", "reader")
    return ada


class TestRules:
    def test_are_added_changed_and_deleted_with_a_reason(self, browser, reader):
        assert browser.post(f"{RULES}add/", {**FORM, **HOURS}).status_code == 302
        rule = PolicyRule.objects.get(subject="role:reader")
        assert rule.hours == {
            "weekdays": ["mon", "tue"],
            "from": "09:00",
            "until": "17:00",
            "time_zone": "Europe/Madrid",
        }

        address = f"{RULES}{rule.pk}/change/"
        page = browser.get(address).content.decode()
        assert 'value="Europe/Madrid"' in page
        conditions = '[{"name": "same", "arguments": {"left": "subject.id", "right": "resource.owner"}}]'
        seen = {"seen_version": rule.version}
        assert browser.post(address, {**FORM, **seen, "conditions": conditions}).status_code == 302
        rule.refresh_from_db()
        assert (rule.hours, [each["name"] for each in rule.conditions]) == (None, ["same"])

        delete = {"action": "delete_selected", "_selected_action": [str(rule.pk)], "confirmed": "yes"}
        assert browser.post(RULES, {**delete, "reason": "no longer"}).status_code == 302
        assert not PolicyRule.objects.filter(pk=rule.pk).exists()
        versions = PolicyVersion.objects.order_by("-number")[:3]
        assert {(version.author, version.reason) for version in versions} == {
            ("boss", "they asked"),
            ("boss", "no longer"),
        }

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"subject": "reader"}, "A subject is user:&lt;id&gt;"),
            ({"object": "documents/secret*"}, "A pattern is a path"),
            ({"conditions": "[{"}, "This is no JSON"),
            ({"conditions": '[{"name": "eval", "arguments": {}}]'}, "The names are"),
            ({"begin": "09:00"}, "Weekdays are a list"),
            ({"subject": "role:nobody"}, "There is no role of this name"),
            ({"reason": ""}, "This field is required"),
        ],
    )
    def test_say_what_is_wrong_and_keep_the_input(self, browser, reader, change, sentence):
        before = PolicyRule.objects.count()
        answer = browser.post(f"{RULES}add/", {**FORM, "note": "typed already", **change})

        assert answer.status_code == 200
        assert sentence in answer.content.decode()
        assert "typed already" in answer.content.decode()
        assert PolicyRule.objects.count() == before

    def test_show_who_gains_before_they_are_stored(self, browser, reader):
        page = browser.post(f"{RULES}add/", {**FORM, "reason": "", "_preview": "yes"}).content.decode()

        assert "What would change" in page
        assert "role:reader" in page[page.index("What would change") :]
        assert "gains" in page
        assert not PolicyRule.objects.filter(subject="role:reader").exists()

    def test_are_not_overwritten_after_a_concurrent_change(self, browser, reader):
        browser.post(f"{RULES}add/", FORM)
        rule = PolicyRule.objects.get(subject="role:reader")
        answer = browser.post(f"{RULES}{rule.pk}/change/", {**FORM, "action": "list", "seen_version": "1"})

        assert "changed in the meantime" in answer.content.decode()
        rule.refresh_from_db()
        assert rule.action == "read"

    def test_can_take_nothing_from_the_last_administrator(self, browser, boss):
        everything = PolicyRule.objects.get(subject="role:admin")
        chosen = {"action": "delete_selected", "_selected_action": [str(everything.pk)], "confirmed": "yes"}
        page = browser.post(RULES, {**chosen, "reason": "oops"}, follow=True).content.decode()

        assert "nobody could administer access" in page
        assert PolicyRule.objects.filter(pk=everything.pk).exists()


class TestRoles:
    def test_are_added_changed_and_deleted_with_a_reason(self, browser, reader):
        form = {"name": "writer", "description": "Writes.", "parents": ["reader"], "reason": "they asked"}
        assert browser.post(f"{ROLES}add/", form).status_code == 302
        role = Role.objects.get(name="writer")
        assert role.parents == ["reader"]

        seen = {"seen_version": role.version}
        answer = browser.post(f"{ROLES}writer/change/", {**form, **seen, "description": "", "parents": []})
        assert answer.status_code == 302
        role.refresh_from_db()
        assert (role.description, role.parents) == ("", [])

        chosen = {"action": "delete_selected", "confirmed": "yes", "reason": "no longer"}
        browser.post(ROLES, {**chosen, "_selected_action": ["writer"]})
        page = browser.post(ROLES, {**chosen, "_selected_action": ["reader"]}, follow=True).content.decode()
        assert not Role.objects.filter(name="writer").exists()
        assert "Somebody has this role" in page

    @pytest.mark.parametrize("name", ["Reader", "users:read", "reader", "a b"])
    def test_refuse_a_name_that_can_t_be_one(self, browser, reader, name):
        answer = browser.post(f"{ROLES}add/", {"name": name, "reason": "x"})

        assert answer.status_code == 200
        assert Role.objects.filter(name="reader").count() == 1
        assert not Role.objects.filter(name=name).exclude(name="reader").exists()

    def test_show_their_rules_and_who_has_them(self, browser, reader):
        browser.post(f"{RULES}add/", FORM)
        page = browser.get(f"{ROLES}reader/change/").content.decode()

        assert "documents/*" in page
        assert f"/admin/accounts/user/{reader.pk}/change/" in page
        assert ">ada<" in browser.get(GRANTS).content.decode()


class TestVersions:
    def test_show_what_changed_and_lead_back(self, browser, reader):
        browser.post(f"{RULES}add/", FORM)
        rule = PolicyRule.objects.get(subject="role:reader")
        before = rule.version - 1
        page = browser.get(f"{VERSIONS}{rule.version}/change/").content.decode()
        assert "documents/*" in page
        assert "they asked" in page

        chosen = {"action": "roll_back", "_selected_action": [before], "confirmed": "yes", "reason": "a mistake"}
        page = browser.post(VERSIONS, chosen, follow=True).content.decode()
        assert f"This is version {rule.version + 1} now." in page
        assert not PolicyRule.objects.filter(pk=rule.pk).exists()

    def test_show_lists_as_words(self, browser):
        page = browser.get(f"{VERSIONS}1/change/").content.decode()
        assert "<bdi>auditor, support</bdi>" in page
        assert "[&#x27;" not in page


class TestTester:
    def ask(self, browser, **question):
        given = {"subject": "ada", "action": "read", "object": "documents/42", **question}
        return browser.get(TESTER, given).content.decode()

    def test_says_which_rule_decided(self, browser, reader):
        browser.post(f"{RULES}add/", {**FORM, "note": "so that they can work"})
        page = self.ask(browser)

        assert "Yes, this is allowed." in page
        assert "This rule decided." in page
        assert "so that they can work" in page

    def test_says_what_does_not_hold(self, browser, reader):
        browser.post(f"{RULES}add/", {**FORM, **HOURS, "department": "sales"})
        sunday, monday = "2026-03-01 12:00", "2026-03-02 12:00"

        assert "does not hold" in self.ask(browser, at=sunday)
        assert "Yes, this is allowed." in self.ask(browser, at=monday)

    def test_says_that_scopes_bound_a_service_client(self, browser, reader):
        program = register(scopes=["events:read"]).client
        browser.post(f"{RULES}add/", {**FORM, "subject": f"client:{program.pk}", "object": "**", "action": "*"})
        bounded = {"subject": f"client:{program.pk}", "action": "use", "object": "permissions/users:read"}
        page = self.ask(browser, **bounded)
        assert "No, this is refused." in page
        assert "none of its scopes names" in page
        assert "Yes, this is allowed." in self.ask(browser, **{**bounded, "object": "documents/42"})

    def test_says_that_no_rule_is_about_it(self, browser, reader):
        assert "No rule is about this" in self.ask(browser)

    @pytest.mark.parametrize(
        ("question", "sentence"),
        [
            ({"subject": "nobody"}, "There is nobody of this name"),
            ({"attributes": '{"subject": {"department": "board"}}'}, "resource, action and context"),
            ({"at": "yesterday"}, "Enter a valid date/time"),
        ],
    )
    def test_refuses_what_is_no_question(self, browser, reader, question, sentence):
        assert sentence in self.ask(browser, **question)


class TestDrafts:
    def draft(self, browser):
        """Store a rule as a draft, and return the path of its page."""
        answer = browser.post(f"{RULES}add/", {**FORM, "_draft": "yes"})
        assert answer.status_code == 302
        return answer["Location"]

    def act(self, browser, path, button):
        seen = PolicyDraft.objects.get().version
        return browser.post(path, {button: "yes", "seen_version": seen}, follow=True).content.decode()

    def test_show_who_gains_and_become_a_version(self, browser, reader):
        path = self.draft(browser)
        page = browser.get(path).content.decode()
        assert "role:reader" in page
        assert "gains" in page
        assert not PolicyRule.objects.filter(subject="role:reader").exists()

        page = self.act(browser, path, "_apply")
        assert "Applied" in page
        assert PolicyRule.objects.filter(subject="role:reader").exists()
        version = PolicyVersion.objects.order_by("-number").first()
        assert "documents/*" in browser.get(f"{VERSIONS}{version.number}/change/").content.decode()

    def test_wait_for_somebody_else(self, browser, reader, settings):
        settings.ACCESS = {**settings.ACCESS, "APPROVERS": 1}
        assert "Save it as a draft" in browser.post(f"{RULES}add/", FORM).content.decode()
        path = self.draft(browser)
        assert "Other people must approve this draft first." in self.act(browser, path, "_apply")
        assert 'name="_approve"' not in browser.get(path).content.decode()

        other = Client()
        sign_in_at_admin(other, UserFactory(username="second", raw_password=PASSWORD, admin=True))
        assert ">second<" in self.act(other, path, "_approve")
        assert "Applied" in self.act(browser, path, "_apply")

    def test_are_evaluated_without_effect_and_deleted(self, browser, reader):
        path = self.draft(browser)
        assert "without effect, until" in self.act(browser, path, "_shadow")
        assert "without effect, until" not in self.act(browser, path, "_stop")
        self.act(browser, path, "_delete")
        assert not PolicyDraft.objects.exists()
        assert browser.get(path, follow=True).status_code == 200

    def test_of_roles_are_made_on_their_form(self, browser, reader):
        seen = Role.objects.get(name="reader").version
        form = {"description": "Reads much.", "reason": "more", "seen_version": seen, "_draft": "yes"}
        path = browser.post(f"{ROLES}reader/change/", form)["Location"]

        assert "Reads much." in browser.get(path).content.decode()
        assert Role.objects.get(name="reader").description == "Reads."

    def test_are_listed_by_the_same_number_of_queries(self, browser, reader, now):
        def store(number):
            change = {"op": "add", "role": f"role-{number}", "definition": {}}
            author = Author("1", "boss")
            editing.create(changes=[change], base_version=None, author=author, reason=f"draft {number}", now=now)

        def listed():
            with CaptureQueriesContext(connection) as queries:
                page = browser.get("/admin/access/policydraft/").content.decode()
            return len(queries), page.count('<td class="field-status_">draft</td>')

        store(1)
        listed()  # what a process reads once
        few, _shown = listed()
        for number in range(2, 7):
            store(number)
        assert listed() == (few, 6)

        with policy_change(author=Author(), reason="another change", now=now) as writer:
            writer.put_role("other", {})
        assert listed() == (few, 0)

    def test_are_not_acted_on_as_another_version(self, browser, reader):
        path = self.draft(browser)
        page = browser.post(path, {"_apply": "yes", "seen_version": "7"}, follow=True).content.decode()

        assert "changed in the meantime" in page
        assert not PolicyRule.objects.filter(subject="role:reader").exists()


def test_others_see_nothing(client, reader):
    staff = UserFactory(username="staff", raw_password=PASSWORD)
    give(staff, "jobs:read")
    sign_in_at_admin(client, staff)

    assert {client.get(address).status_code for address in (RULES, ROLES, GRANTS, VERSIONS, TESTER)} == {403}
