"""The admin's pages of incidents and detection rules: lists, decisions, undo, and changes of rules."""

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from security_events.models import Incident, RuleVersion, ShadowCount
from security_events.services.detection import rule_settings
from security_events.types import Subject
from tests.factories.accounts import PASSWORD, UserFactory, give
from tests.factories.incidents import NETWORK, open_incident
from tests.factories.tokens import sign_in_at_admin

pytestmark = pytest.mark.django_db

NOW = timezone.now()
LIST, RULES = "admin:security_events_incident_changelist", "admin:security_events_ruleversion_changelist"


def signed_in(*permissions, **members):
    browser, user = Client(), UserFactory(raw_password=PASSWORD, **members)
    give(user, *permissions)
    sign_in_at_admin(browser, user)
    return browser


@pytest.fixture(autouse=True)
def fresh_settings():
    rule_settings.forget()
    yield
    rule_settings.forget()


@pytest.fixture
def client():
    return signed_in(admin=True)


def page_of(incident):
    return reverse("admin:security_events_incident_change", args=[incident.pk])


def text_of(answer):
    assert answer.status_code == 200
    return answer.content.decode()


class TestList:
    def test_names_the_account_and_finds_it_by_its_name(self, client, django_assert_max_num_queries):
        person = UserFactory(username="mina")
        for number in range(5):
            open_incident(now=NOW, key=str(number), subject=str(person.pk), is_account=True)
        open_incident(now=NOW, rule="brute_force", network="198.51.100.0/24")
        client.get(reverse(LIST))
        with django_assert_max_num_queries(9):
            page = text_of(client.get(reverse(LIST)))
        assert page.count("mina") >= 5
        for term, number in (("mina", 5), (str(person.pk), 5), ("203.0.113.9", 5), ("198.51.100.0/24", 1), ("x", 0)):
            found = text_of(client.get(reverse(LIST), {"q": term}))
            assert found.count('class="field-about"') == number, term

    def test_filters(self, client):
        open_incident(now=NOW)
        open_incident(now=NOW, rule="brute_force", key="ada")
        for condition, number in (
            ("status=unresolved", 2),
            ("status=resolved", 0),
            ("severity=high", 1),
            ("rule=brute_force", 1),
            ("rule=%27", 0),
        ):
            found = text_of(client.get(f"{reverse(LIST)}?{condition}"))
            assert found.count('class="field-about"') == number, condition

    def test_acknowledges_several(self, client):
        rows = [open_incident(now=NOW, key=str(number)) for number in range(2)]
        body = {"action": "acknowledge", "_selected_action": [str(row.pk) for row in rows]}
        assert "2 incidents were acknowledged" in text_of(client.post(reverse(LIST), body, follow=True))
        assert set(Incident.objects.values_list("status", flat=True)) == {"acknowledged"}


class TestPage:
    def test_shows_evidence_beside_thresholds_and_each_response(self, client):
        incident = open_incident(now=NOW, stored=True, subject="ada", is_account=True)
        page = text_of(client.get(page_of(incident)))
        found = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
        assert "failed tries 41 (threshold 25)" in found
        assert "accounts 40 (threshold 15)" in found
        assert found.count("network.refusals_suppressed") == 3
        assert "limits of a network lowered" in found.lower()
        assert page.count('name="undo"') == 2  # a mail can't be taken back

    def test_shows_the_thresholds_that_were_in_force(self, client):
        def found(incident):
            return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text_of(client.get(page_of(incident)))))

        before = open_incident(now=NOW, key="before")
        rule_settings.change(
            rule_id="credential_stuffing", thresholds={"tries": 40}, reason="-", actor=Subject("op"), now=NOW
        )
        after = open_incident(now=NOW, key="after", rule_version=RuleVersion.objects.get().number)
        assert "failed tries 41 (threshold 25)" in found(before)
        assert "failed tries 41 (threshold 40)" in found(after)

    def test_resolves_a_false_alarm_and_takes_the_responses_back(self, client):
        incident = open_incident(now=NOW, subject="ada", is_account=True)
        body = {"step": "resolve", "verdict": "false_positive", "note": "the office", "seen_version": "1"}
        page = text_of(client.post(page_of(incident), body, follow=True))
        incident.refresh_from_db()
        assert (incident.status, incident.verdict, incident.note) == ("resolved", "false_positive", "the office")
        assert incident.responses.exclude(undone_at=None).count() == 2
        assert 'name="undo"' not in page
        reopened = client.post(page_of(incident), {"step": "reopen", "note": "", "seen_version": "2"}, follow=True)
        assert 'value="resolve"' in text_of(reopened)

    def test_refuses_a_change_of_what_somebody_changed(self, client):
        incident = open_incident(now=NOW)
        client.post(page_of(incident), {"step": "acknowledge", "seen_version": "1"})
        body = {"step": "resolve", "verdict": "benign", "seen_version": "1"}
        assert "changed meanwhile" in text_of(client.post(page_of(incident), body, follow=True))
        incident.refresh_from_db()
        assert incident.status == "acknowledged"

    @pytest.mark.parametrize(
        "body",
        [
            {"step": "resolve", "seen_version": "1"},
            {"step": "nothing", "seen_version": "1"},
            {"step": "acknowledge"},
            {"step": "note", "note": "x" * 2001, "seen_version": "1"},
            {"undo": "nothing"},
        ],
    )
    def test_changes_nothing_by_a_form_that_is_not_ours(self, client, body):
        incident = open_incident(now=NOW, subject="ada", is_account=True)
        text_of(client.post(page_of(incident), body, follow=True))
        incident.refresh_from_db()
        assert (incident.version, incident.responses.exclude(undone_at=None).count()) == (1, 0)

    def test_takes_one_response_back(self, client):
        incident = open_incident(now=NOW, subject="ada", is_account=True)
        step_up = incident.responses.get(kind="step_up")
        assert "taken back" in text_of(client.post(page_of(incident), {"undo": str(step_up.pk)}, follow=True))
        step_up.refresh_from_db()
        assert step_up.undone_at is not None

    def test_of_a_thousand_events_is_read_page_by_page(self, client, django_assert_max_num_queries):
        for _ in range(4):
            incident = open_incident(now=NOW, events=2500)
        text_of(client.get(page_of(incident)))
        with django_assert_max_num_queries(12):
            page = text_of(client.get(page_of(incident)))
        assert page.count("This event has expired.") == 25
        older = re.search(r'href="(\?before=[0-9a-f-]+)#timeline" rel="next"', page)[1]
        assert "Newest</a>" in text_of(client.get(f"{page_of(incident)}{older}"))
        text_of(client.get(f"{page_of(incident)}?before=nonsense"))

    def test_shows_staff_what_they_may_see(self):
        incident = open_incident(now=NOW, stored=True, subject="ada", is_account=True)
        reader = signed_in("incidents:read")
        page = text_of(reader.get(page_of(incident)))
        assert 'name="step"' not in page
        assert "securityevent/" not in page
        for body in ({"step": "acknowledge", "seen_version": "1"}, {"undo": str(incident.responses.first().pk)}):
            assert reader.post(page_of(incident), body).status_code == 403
        assert signed_in("events:read").get(page_of(incident)).status_code == 403

    def test_of_no_incident_leads_to_the_list(self, client):
        url = reverse("admin:security_events_incident_change", args=["nothing"])
        assert "There is no such incident." in text_of(client.get(url, follow=True))


class TestRules:
    def page(self, rule="credential_stuffing"):
        return reverse("admin:security_events_ruleversion_change", args=[rule])

    def form(self, **changes):
        given = {"tries": 25, "accounts": 15, "most_each": 2, "few_percent": 80}
        fields = {f"threshold-{name}": str(value) for name, value in given.items()}
        return {"mode": "enforce", **fields, "reason": "the office", "seen_version": "0", **changes}

    def test_are_listed_with_their_precision(self, client):
        incident = open_incident(now=NOW)
        client.post(page_of(incident), {"step": "resolve", "verdict": "true_positive", "seen_version": "1"})
        page = text_of(client.get(reverse(RULES)))
        assert "100 % (1 of 1)" in page
        assert "Stolen passwords tried from one network" in page

    def test_are_changed_with_a_reason(self, client):
        ShadowCount.objects.create(rule="credential_stuffing", day=NOW.date(), findings=4)
        client.post(self.page(), self.form(mode="shadow", **{"threshold-tries": "40"}))
        row = RuleVersion.objects.get()
        assert (row.mode, row.thresholds["tries"], row.reason) == ("shadow", 40, "the office")
        page = text_of(client.get(self.page()))
        assert "tries=40" in page
        assert "the office" in page

    @pytest.mark.parametrize(
        "changes", [{"reason": ""}, {"threshold-tries": "0"}, {"mode": "on"}, {"seen_version": "7", "mode": "off"}]
    )
    def test_are_not_changed_by_what_can_not_be(self, client, changes):
        text_of(client.post(self.page(), self.form(**changes)))
        assert not RuleVersion.objects.exists()

    def test_are_changed_by_those_who_may(self):
        reader = signed_in("detection_rules:read")
        assert "25 by default" in text_of(reader.get(self.page()))
        assert reader.post(self.page(), self.form(mode="off")).status_code == 403
        assert signed_in("incidents:read").get(reverse(RULES)).status_code == 403
        assert "There is no such rule." in text_of(reader.get(self.page("nothing"), follow=True))
