"""The API of detection rules: what is in force, how well they do, and changes that all processes follow."""

import pytest
from django.utils import timezone, translation

from security_events.detection import rules
from security_events.models import ShadowCount
from security_events.services.detection import incident_changes, rule_settings
from security_events.types import IncidentStatus, RuleMode, Subject, Verdict
from tests.factories.accounts import UserFactory
from tests.factories.incidents import open_incident
from tests.problem_shape import assert_problem
from tests.security_events.api.test_incidents import refused_field, signed_in

pytestmark = pytest.mark.django_db

URL = "/api/v1/admin/detection-rules"
RULE = f"{URL}/credential_stuffing"
NOW = timezone.now()


@pytest.fixture(autouse=True)
def fresh_settings():
    rule_settings.forget()
    yield
    rule_settings.forget()


@pytest.fixture
def client():
    return signed_in()


def patch(client, url=RULE, headers=None, **body):
    return client.patch(url, body, format="json", headers=headers or {})


def resolve(verdict, key):
    incident = open_incident(now=NOW, key=key)
    incident_changes.change(
        incident_id=incident.pk, status=IncidentStatus.RESOLVED, verdict=verdict, actor=Subject("op"), now=NOW
    )


def test_people_without_the_right_are_refused(client):
    for method, url in (("get", URL), ("get", RULE), ("patch", RULE), ("get", f"{RULE}/versions")):
        answer = getattr(signed_in(UserFactory()), method)(url)
        assert_problem(answer, status=403, code="permission_denied")


def test_lists_every_rule_in_the_callers_language(client, django_assert_max_num_queries):
    client.get(URL)
    with django_assert_max_num_queries(6):  # two of them authenticate
        body = client.get(URL).json()
    assert [each["id"] for each in body["results"]] == sorted(rules.RULES)
    persian = client.get(URL, headers={"Accept-Language": "fa"}).json()["results"]
    with translation.override("fa"):
        assert [each["title"] for each in persian] == [str(each.title) for each in rules.in_order()]
    assert persian[0]["title"] != body["results"][0]["title"]


def test_shows_the_precision_that_verdicts_give_at_once(client):
    assert client.get(RULE).json()["precision"] is None
    for number, verdict in enumerate([*[Verdict.TRUE_POSITIVE] * 3, Verdict.FALSE_POSITIVE, Verdict.BENIGN]):
        resolve(verdict, str(number))
    open_incident(now=NOW, key="open")
    found = client.get(RULE).json()
    assert found["verdicts"] == {"true_positive": 3, "false_positive": 1, "benign": 1}
    assert (found["precision"], found["unresolved"], found["verdict_days"]) == (0.75, 1, 90)
    assert client.get(f"{URL}/brute_force").json()["precision"] is None


def test_shows_what_shadow_mode_found(client):
    ShadowCount.objects.create(rule="credential_stuffing", day=NOW.date(), findings=4)
    ShadowCount.objects.create(rule="credential_stuffing", day="2020-01-01", findings=9)
    assert client.get(RULE).json()["shadow"] == {
        "findings": 4,
        "days": [{"day": NOW.date().isoformat(), "findings": 4}],
    }


class TestChange:
    def test_is_in_force_at_once_and_stands_in_the_history(self, client):
        answer = patch(client, mode="shadow", thresholds={"tries": 40}, reason="the office")
        body = answer.json()
        assert (body["mode"], body["thresholds"]["tries"], body["default_thresholds"]["tries"]) == ("shadow", 40, 25)
        assert answer["ETag"] == f'"{body["version"]}"'
        assert rule_settings.of(rules.RULES["credential_stuffing"]).mode == RuleMode.SHADOW
        patch(client, mode="enforce", reason="again")
        page = client.get(f"{RULE}/versions", {"limit": 1}).json()
        assert [(each["mode"], each["reason"]) for each in page["results"]] == [("enforce", "again")]
        older = client.get(f"{RULE}/versions", {"cursor": page["next"]}).json()
        assert [(each["mode"], each["thresholds"]["tries"]) for each in older["results"]] == [("shadow", 40)]
        assert older["results"][0]["author_id"]

    def test_to_what_is_so_already_makes_no_version(self, client):
        assert patch(client, mode="enforce", reason="nothing").json()["version"] == 0
        assert client.get(f"{RULE}/versions").json() == {"results": [], "next": None}

    def test_can_name_the_version_that_was_read(self, client):
        etag = client.get(RULE)["ETag"]
        assert patch(client, headers={"If-Match": etag}, mode="off", reason="x").status_code == 200
        stale = patch(client, headers={"If-Match": etag}, mode="shadow", reason="x")
        assert_problem(stale, status=412, code="version_mismatch")

    @pytest.mark.parametrize(
        ("body", "field", "code"),
        [
            ({"mode": "off"}, "reason", "required"),
            ({"mode": "off", "reason": ""}, "reason", "blank"),
            ({"mode": "off", "reason": "two\nlines"}, "reason", "invalid"),
            ({"mode": "on", "reason": "x"}, "mode", "invalid"),
            ({"thresholds": {"tries": 0}, "reason": "x"}, "thresholds.tries", "invalid"),
            ({"thresholds": {"tries": 10**12}, "reason": "x"}, "thresholds.tries", "invalid"),
            ({"thresholds": {"tries": True}, "reason": "x"}, "thresholds.tries", "invalid"),
            ({"thresholds": {"others": 5}, "reason": "x"}, "thresholds.others", "unknown_field"),
            ({"thresholds": [5], "reason": "x"}, "thresholds", "invalid"),
            ({"title": "mine", "reason": "x"}, "title", "unknown_field"),
        ],
    )
    def test_refuses_what_a_rule_does_not_have(self, client, body, field, code):
        refused_field(patch(client, **body), field, code)
        assert client.get(RULE).json()["version"] == 0

    def test_of_no_rule_is_not_found(self, client):
        for name in ("nothing", "%00", "x" * 300, "a%0Ab"):
            assert_problem(patch(client, f"{URL}/{name}", mode="off", reason="x"), status=404, code="not_found")
        refused_field(client.get(f"{RULE}/versions", {"cursor": "-1"}), "cursor")
