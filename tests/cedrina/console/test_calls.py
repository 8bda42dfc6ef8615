"""The console's page and its JSON calls: who may, what each shows, and what they change."""

import time
from datetime import timedelta
from threading import Barrier, Thread
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts import event_types
from cedrina.console import figures
from cedrina.console.cached_figures import CachedFigure
from security_events.detection import rules
from security_events.models import Incident, IncidentResponse, RuleVersion, SecurityEvent
from security_events.services import deduplication, recording
from security_events.services.detection import rule_settings
from security_events.types import Outcome, Subject
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.detection import detect, start_at
from tests.factories.incidents import NETWORK, open_incident
from tests.factories.tokens import open_session, sign_in_at_admin
from tokens.models import Session

pytestmark = pytest.mark.django_db

BASE = "/admin/console/"
JSON = {"HTTP_ACCEPT": "application/json"}


def signed_in(*permissions, **members):
    browser, user = (
        Client(),
        UserFactory(raw_password=PASSWORD, **({"roles": permissions} if permissions else {}), **members),
    )
    sign_in_at_admin(browser, user)
    browser.user = user
    return browser


@pytest.fixture(autouse=True)
def nothing_kept():
    rule_settings.forget()
    figures.forget_all()
    yield
    rule_settings.forget()
    figures.forget_all()


@pytest.fixture
def boss():
    return signed_in(admin=True)


def figures_of(browser):
    answer = browser.get(f"{BASE}figures", **JSON)
    assert answer.status_code == 200
    return answer.json()


def problem(answer, status, code):
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert answer.json()["code"] == code


class TestPage:
    def test_has_what_its_scripts_need_and_nothing_inline(self, boss):
        answer = boss.get(BASE)
        text = answer.content.decode()
        assert answer.status_code == 200
        assert "<script>" not in text
        assert " style=" not in text
        assert "unsafe" not in answer["Content-Security-Policy"]
        assert 'data-settings="{' in text
        assert "no-store" in answer["Cache-Control"]

    def test_asks_to_sign_in(self, client):
        answer = client.get(BASE)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/admin/login/")

    def test_is_only_for_those_who_may_read_events_or_incidents(self):
        assert signed_in("users:read", "sessions:read").get(BASE).status_code == 403
        for permission in ("events:read", "incidents:read"):
            assert signed_in(permission).get(BASE).status_code == 200

    def test_is_linked_from_the_overview_for_them(self, boss):
        assert f'href="{BASE}"' in boss.get("/admin/").content.decode()
        assert f'href="{BASE}"' not in signed_in("users:read").get("/admin/").content.decode()


NOBODY = UUID(int=7)  # the same in all processes of a run, since it is part of names of tests
CALLS = [
    ("get", "figures", ()),
    ("post", "ticket", ()),
    ("get", "events", ("events:read",)),
    ("get", f"events/{NOBODY}", ("events:read",)),
    ("get", f"incidents/{NOBODY}", ("incidents:read",)),
    ("post", f"incidents/{NOBODY}/step", ("incidents:read", "incidents:change")),
    ("post", f"incidents/{NOBODY}/undo", ("incidents:read", "incidents:change")),
    ("post", f"people/{NOBODY}/end-sessions", ("incidents:read", "sessions:end")),
    ("post", "rules/brute_force", ("incidents:read", "detection_rules:change")),
]


@pytest.mark.attack("CWE-862, CWE-352")
class TestGuards:
    @pytest.mark.parametrize(("method", "path", "needed"), CALLS)
    def test_of_each_call(self, client, method, path, needed):
        call = f"{BASE}{path}"
        problem(getattr(client, method)(call, **JSON), 401, "authentication_required")
        problem(getattr(signed_in("users:read"), method)(call, **JSON), 403, "permission_denied")
        if needed:
            others = {"incidents:read", "events:read"} - set(needed)
            problem(getattr(signed_in(*others), method)(call, **JSON), 403, "permission_denied")
            assert getattr(signed_in(*needed), method)(call, **JSON).status_code not in (401, 403)
        wrong = "post" if method == "get" else "get"
        problem(getattr(signed_in(admin=True), wrong)(call, **JSON), 405, "method_not_allowed")

    @pytest.mark.parametrize("path", [path for method, path, _needed in CALLS if method == "post"])
    def test_refuse_what_another_page_sends(self, boss, path):
        browser = Client(enforce_csrf_checks=True)
        browser.cookies = boss.cookies
        problem(browser.post(f"{BASE}{path}", **JSON), 403, "permission_denied")


class TestFigures:
    def test_show_to_each_viewer_what_they_may_see(self, boss):
        assert set(figures_of(boss)) == {
            *("at", "traffic", "sessions", "workload", "incidents", "busiest", "rules", "policies", "trail", "names"),
        }
        assert set(figures_of(signed_in("incidents:read"))) == {"at", "incidents", "names"}
        assert set(figures_of(signed_in("events:read"))) == {"at", "traffic", "busiest", "trail", "names"}

    def test_name_people_only_to_those_who_may_know_them(self, boss):
        person = UserFactory(username="mina")
        open_incident(now=timezone.now(), subject=str(person.pk), is_account=True)
        assert figures_of(boss)["names"][str(person.pk)]["name"] == "mina"
        assert figures_of(signed_in("incidents:read"))["names"] == {}

    def test_cost_a_bounded_number_of_statements(self, boss, django_assert_max_num_queries):
        for number in range(30):
            open_incident(now=timezone.now(), key=str(number), subject=str(UserFactory().pk), is_account=True)
        figures_of(boss)
        figures.forget_all()
        with django_assert_max_num_queries(45):
            figures_of(boss)
        with django_assert_max_num_queries(5):  # the session and the user; the figures are those of a moment ago
            figures_of(boss)

    def test_are_useful_when_nothing_happened(self, boss):
        found = figures_of(boss)
        assert found["incidents"]["shown"] == []
        assert sum(found["traffic"]["sign_ins"]) == 0
        assert {rule["id"]: rule["mode"] for rule in found["rules"]} == {
            rule.id: rule.mode for rule in rules.in_order()
        }
        assert found["trail"]["checkpoint_size"] is None
        assert found["workload"]["workers"] == []


@pytest.mark.django_db(transaction=True)
class TestTraffic:
    def test_counts_each_event_once_in_its_minute(self, boss):
        rule_settings.forget()
        start_at()
        now = timezone.now()
        for _ in range(3):
            recording.record(event_types.LOGIN_SUCCEEDED, actor=Subject("7", "ada"), now=now, data={"amr": ["pwd"]})
        # Of 18 refusals within a minute the first is an event, and one more says at its end how many there were.
        for _ in range(18):
            deduplication.record(event_types.LOGIN_FAILED, actor=Subject(name="eve"), now=now - timedelta(minutes=5))
        deduplication.record_counts(now=now)
        detect()
        traffic = figures_of(boss)["traffic"]
        last = int(now.timestamp()) // 60 * 60
        assert dict(zip(traffic["minutes"], traffic["sign_ins"], strict=True))[last] == 3
        failures = dict(zip(traffic["minutes"], traffic["failures"], strict=True))
        assert {minute: number for minute, number in failures.items() if number} == {last - 300: 18}


class TestEvents:
    def test_are_those_that_meet_the_conditions(self, boss):
        person = UserFactory(username="mina")
        subject = Subject(str(person.pk), "mina")
        recording.record(event_types.LOGIN_FAILED, actor=subject, outcome=Outcome.FAILURE, now=timezone.now())
        recording.record(event_types.ACCOUNT_DEACTIVATED, target=subject, now=timezone.now())
        for condition, expected in (
            ("type=authentication.login_failed", {"authentication.login_failed"}),
            ("severity=medium%2B&type=account.deactivated", {"account.deactivated"}),
            (f"about={person.pk}", {"account.deactivated", "authentication.login_failed"}),
            (f"about={NOBODY}", set()),
        ):
            answer = boss.get(f"{BASE}events?{condition}").json()
            assert {event["type"] for event in answer["events"]} == expected, condition
        assert answer["next"] is None
        assert boss.get(f"{BASE}events?about={person.pk}").json()["names"][str(person.pk)]["name"] == "mina"

    @pytest.mark.parametrize(
        "condition",
        ["severity=worst", "type=no.such", "ip=nowhere", "before=x", "limit=101", f"about={'x' * 65}", "about=%00"],
    )
    def test_refuse_conditions_that_mean_nothing(self, boss, condition):
        problem(boss.get(f"{BASE}events?{condition}", **JSON), 422, "validation_error")

    def test_are_shown_with_their_proof(self, boss):
        event_id = recording.record(event_types.ACCOUNT_DEACTIVATED, now=timezone.now(), data={"note": "<b>gone</b>"})
        answer = boss.get(f"{BASE}events/{event_id}").json()
        assert answer["event"]["id"] == str(event_id)
        assert ["note", "<b>gone</b>"] in answer["lines"]
        assert answer["proof"]
        problem(boss.get(f"{BASE}events/{uuid4()}"), 404, "not_found")


class TestIncidents:
    def step(self, browser, incident, **values):
        given = {"note": "", "seen_version": incident.version, **values}
        return browser.post(f"{BASE}incidents/{incident.pk}/step", given, **JSON)

    def test_are_acknowledged_resolved_and_reopened(self, boss):
        incident = Incident.objects.get(pk=open_incident(now=timezone.now()).pk)
        assert self.step(boss, incident, step="acknowledge").json()["incident"]["status"] == "acknowledged"
        problem(self.step(boss, incident, step="resolve", verdict="benign"), 412, "version_mismatch")
        incident.refresh_from_db()
        problem(self.step(boss, incident, step="resolve"), 422, "validation_error")
        done = self.step(boss, incident, step="resolve", verdict="benign", note="our own test").json()
        assert (done["incident"]["verdict"], done["incident"]["note"]) == ("benign", "our own test")
        assert figures_of(boss)["incidents"]["shown"] == []
        incident.refresh_from_db()
        assert self.step(boss, incident, step="reopen").json()["incident"]["status"] == "open"
        recorded = SecurityEvent.objects.filter(type__startswith="incident.", actor_id=str(boss.user.pk))
        assert recorded.count() == 3

    def test_have_their_responses_taken_back(self, boss):
        incident = open_incident(now=timezone.now())
        response = IncidentResponse.objects.create(
            incident_id=incident.pk,
            kind="tighten_network",
            network=NETWORK,
            ends_at=timezone.now() + timedelta(hours=1),
        )
        shown = boss.get(f"{BASE}incidents/{incident.pk}").json()
        assert [one["is_in_force"] for one in shown["responses"] if one["id"] == str(response.pk)] == [True]
        answer = boss.post(f"{BASE}incidents/{incident.pk}/undo", {"response": response.pk}).json()
        assert [one["is_undone"] for one in answer["responses"] if one["id"] == str(response.pk)] == [True]
        problem(boss.post(f"{BASE}incidents/{incident.pk}/undo", {"response": uuid4()}, **JSON), 404, "not_found")
        problem(boss.post(f"{BASE}incidents/{incident.pk}/undo", {}, **JSON), 422, "validation_error")


class TestPeople:
    def test_lose_all_sessions_for_a_reason(self, boss):
        person = UserFactory()
        open_session(user=person)
        path = f"{BASE}people/{person.pk}/end-sessions"
        problem(boss.post(path, {}, **JSON), 422, "validation_error")
        assert boss.post(path, {"reason": "taken over"}).json() == {"changed": True}
        assert not Session.objects.filter(user=person, ended_at=None).exists()
        assert boss.post(path, {"reason": "taken over"}).json() == {"changed": False}
        problem(boss.post(f"{BASE}people/{uuid4()}/end-sessions", {"reason": "x"}, **JSON), 404, "not_found")

    @pytest.mark.attack("CWE-269")
    def test_who_may_do_more_than_the_operator_keep_theirs(self):
        chief = UserFactory(admin=True)
        open_session(user=chief)
        answer = signed_in("incidents:read", "sessions:end").post(
            f"{BASE}people/{chief.pk}/end-sessions", {"reason": "mutiny"}, **JSON
        )
        problem(answer, 403, "permission_denied")
        assert Session.objects.filter(user=chief, ended_at=None).exists()


class TestRules:
    def test_are_set_to_shadow_mode_for_a_reason(self, boss):
        path = f"{BASE}rules/brute_force"
        problem(boss.post(path, {"mode": "shadow", "seen_version": 0}, **JSON), 422, "validation_error")
        problem(boss.post(path, {"mode": "none", "seen_version": 0, "reason": "x"}, **JSON), 422, "validation_error")
        changed = boss.post(path, {"mode": "shadow", "seen_version": 0, "reason": "too loud"}).json()
        assert changed["mode"] == "shadow"
        assert RuleVersion.objects.get(number=changed["version"]).reason == "too loud"
        shown = {rule["id"]: rule["mode"] for rule in figures_of(boss)["rules"]}
        assert shown["brute_force"] == "shadow"
        problem(boss.post(path, {"mode": "off", "seen_version": 0, "reason": "x"}, **JSON), 412, "version_mismatch")
        path = f"{BASE}rules/no_such_rule"
        problem(boss.post(path, {"mode": "off", "seen_version": 0, "reason": "x"}, **JSON), 404, "not_found")


class TestCachedFigure:
    def test_is_read_once_a_second_however_many_ask(self):
        moment, reads, barrier = [0.0], [], Barrier(8)

        def read(now):
            reads.append(now)
            time.sleep(0)
            return len(reads)

        figure = CachedFigure(read, clock=lambda: moment[0])

        def ask():
            barrier.wait()
            figure.get(now=timezone.now())

        threads = [Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(reads) == 1
        moment[0] = 1.0
        assert figure.get(now=timezone.now()) == 2

    def test_keeps_no_error(self):
        answers = iter([ValueError("away"), 7])

        def read(_now):
            answer = next(answers)
            if isinstance(answer, Exception):
                raise answer
            return answer

        figure = CachedFigure(read)
        with pytest.raises(ValueError, match="away"):
            figure.get(now=timezone.now())
        assert figure.get(now=timezone.now()) == 7
