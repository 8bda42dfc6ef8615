"""Every published vector of AuthZEN 1.0: what others wrote, answered by policies of ours over HTTP."""

import pytest

from tests.accounts.access.asking.callers import service
from tests.accounts.access.authzen import scenarios
from tests.accounts.access.authzen.scenarios import vectors

pytestmark = pytest.mark.django_db


@pytest.fixture
def prepared(policy, settings):
    """Store the policy of a scenario; return a function that posts as a gateway does."""

    def prepare(scenario):
        settings.ACCESS = {**settings.ACCESS, **scenarios.HOOKS}
        roles, rules = scenario()
        api, _ = service("authz:check")
        policy.add(*rules, roles=roles)
        return lambda endpoint, body: api.post(f"/access/v1/{endpoint}", body, format="json")

    return prepare


def test_certification(prepared):
    ask, answers = prepared(scenarios.certification), {}
    cases = vectors("certification")["cases"]
    for case in cases:
        where = f"{case['id']} {case['title']}"
        response = ask(case["endpoint"], case["request"])
        assert response.status_code == case["status"], where
        body = answers[case["id"]] = response.json()
        if "decision" in case:
            assert body["decision"] is case["decision"], where
        if "decisions" in case:
            assert [each["decision"] for each in body["evaluations"]] == case["decisions"], where
        if "count" in case:
            assert len(body["evaluations"]) == case["count"], where
        if "results" in case:
            assert body["results"] == case["results"], where
        if "includes" in case:
            assert all(each in body["results"] for each in case["includes"]), where
        if "same_as" in case:
            assert body["results"] == answers[case["same_as"]]["results"], where
    assert len(cases) == 49


def test_pages_of_the_certification(prepared):
    ask = prepared(scenarios.certification)
    body = next(case["request"] for case in vectors("certification")["cases"] if case["id"] == "c-4-5-1")
    first = ask("search/subject", body).json()
    assert (len(first["results"]), first["page"]["count"]) == (1, 1)
    token = first["page"]["next_token"]
    second = ask("search/subject", {**body, "page": {"limit": 1, "token": token}}).json()
    assert first["results"] + second["results"] == [{"type": "user", "id": name} for name in ("alice", "bob")]
    assert second["page"]["next_token"] == ""


@pytest.mark.parametrize(("name", "number"), [("todo-decisions", 40), ("gateway-decisions", 25)])
def test_decisions(prepared, name, number):
    ask, cases = prepared(scenarios.todo), vectors(name)
    for case in cases["evaluation"]:
        assert ask("evaluation", case["request"]).json()["decision"] is case["expected"], case["request"]
    for case in cases.get("evaluations", ()):
        answer = ask("evaluations", case["request"]).json()["evaluations"]
        assert [each["decision"] for each in answer] == [each["decision"] for each in case["expected"]]
    assert len(cases["evaluation"]) == number


@pytest.mark.parametrize(
    ("name", "kind", "number"),
    [
        ("search-subject", "subject", 60),
        ("search-resource", "resource", 18),
        ("search-action", "action", 120),
        ("idp-search", "resource", 6),
    ],
)
def test_searches(prepared, name, kind, number):
    ask = prepared(scenarios.records)
    (cases,) = vectors(name).values()
    for case in cases:
        found = ask(f"search/{kind}", case["request"]).json()["results"]
        assert sorted(map(str, found)) == sorted(map(str, case["expected"]["results"])), case["request"]
    assert len(cases) == number
