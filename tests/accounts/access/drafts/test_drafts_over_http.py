"""``/admin/policy-drafts`` over HTTP: the life of a draft, who may do what, and what is refused."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.access import selectors
from accounts.access.models import DecisionCount, GrantUse, PolicyRule, RoleGrant, RuleUse
from accounts.access.services.policy_changes import policy_change
from accounts.access.types import Author
from tests.accounts.access.api.conftest import BASE, RULE, boss, call, signed_in
from tests.factories.accounts import UserFactory
from tests.problem_shape import assert_problem

pytestmark = pytest.mark.django_db
ADD_ROLE = {"op": "add", "role": "reader", "definition": {"description": "Reads."}}
ADD_RULE = {"op": "add", "rule": RULE}


def caller(user):
    client = signed_in(user)

    def send(method, path, body=None, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return getattr(client, method)(BASE + path, body, format="json", headers=named)

    return send


@pytest.fixture
def other():
    return caller(UserFactory(admin=True, username="grace"))


@pytest.fixture
def draft(call):  # noqa: F811 - the fixture
    answer = call("post", "policy-drafts", {"changes": [ADD_ROLE, ADD_RULE], "reason": "ticket 1"})
    assert answer.status_code == 201, answer.json()
    return answer


def path_of(draft, *rest):
    return "/".join(["policy-drafts", draft.json()["id"], *rest])


def test_a_draft_is_looked_at_approved_and_applied(events, call, other, draft, settings):  # noqa: F811
    settings.ACCESS = {**settings.ACCESS, "APPROVERS": 1}
    body = draft.json()
    assert (body["status"], body["author"], body["approvals"], body["approvals_needed"]) == ("draft", "boss", [], 0)
    assert draft["ETag"] == '"1"'
    impact = call("get", path_of(draft, "impact")).json()
    assert (impact["gains"], impact["losses"], impact["is_exact"]) == (1, 0, True)
    assert impact["examples"][0]["subject"] == "role:reader"
    assert (impact["examples"][0]["before"], impact["examples"][0]["after"]) == ("deny", "allow")
    assert impact["history"]["changed"] == 0

    refused = call("post", path_of(draft, "apply"), If_Match=draft["ETag"])
    assert_problem(refused, status=403, code="permission_denied")
    assert_problem(call("post", path_of(draft, "approve"), If_Match='"1"'), status=403, code="permission_denied")
    approved = other("post", path_of(draft, "approve"), If_Match=draft["ETag"])
    assert (approved.status_code, approved.json()["status"]) == (200, "approved")
    assert [each["approver"] for each in approved.json()["approvals"]] == ["grace"]
    applied = call("post", path_of(draft, "apply"), If_Match=draft["ETag"])

    assert (applied.status_code, applied.json()["status"]) == (200, "applied")
    assert int(applied["X-Policy-Version"]) == applied.json()["applied_version"] == selectors.head().version
    assert PolicyRule.objects.filter(subject="role:reader").exists()
    again = call("post", path_of(draft, "apply"), If_Match=draft["ETag"])
    assert_problem(again, status=409, code="stale_draft")
    (listed,) = call("get", "policy-drafts").json()["results"]
    assert listed == call("get", path_of(draft)).json() == applied.json()
    (event,) = events("policy.draft_applied")
    assert event.data["approver_ids"] == [approved.json()["approvals"][0]["approver_id"]]
    assert event.data["note"] == "ticket 1"
    assert [events(f"policy.draft_{each}").count() for each in ("created", "approved")] == [1, 1]


def test_a_draft_is_changed_by_its_author_who_read_it(call, other, draft):  # noqa: F811
    change = {"changes": [ADD_ROLE]}
    assert_problem(call("patch", path_of(draft), change), status=428, code="precondition_required")
    assert_problem(call("patch", path_of(draft), change, If_Match='"7"'), status=412, code="version_mismatch")
    assert_problem(other("patch", path_of(draft), change, If_Match='"1"'), status=403, code="permission_denied")
    changed = call("patch", path_of(draft), change, If_Match='"1"')
    assert (changed.status_code, changed["ETag"], len(changed.json()["changes"])) == (200, '"2"', 1)
    for send, rest in ((call, "apply"), (other, "approve")):
        assert_problem(send("post", path_of(draft, rest)), status=428, code="precondition_required")
        assert_problem(send("post", path_of(draft, rest), If_Match='"1"'), status=412, code="version_mismatch")
    assert_problem(call("delete", path_of(draft), If_Match='"1"'), status=412, code="version_mismatch")
    assert call("delete", path_of(draft), If_Match='"2"').status_code == 204
    assert_problem(call("get", path_of(draft)), status=404, code="not_found")


def test_a_stale_draft_is_brought_up_to_date(call, draft):  # noqa: F811
    assert call("put", "roles/writer", {"reason": "x"}).status_code == 201
    assert call("get", path_of(draft)).json()["status"] == "stale"
    for rest in ("apply",):
        assert_problem(call("post", path_of(draft, rest), If_Match='"1"'), status=409, code="stale_draft")
    assert_problem(call("get", path_of(draft, "impact")), status=409, code="stale_draft")
    assert call("patch", path_of(draft), {}, If_Match='"1"').json()["status"] == "draft"
    assert call("post", path_of(draft, "apply"), If_Match='"2"').status_code == 200


def test_direct_changes_are_refused_with_a_sentence_that_says_why(call, draft, settings):  # noqa: F811
    settings.ACCESS = {**settings.ACCESS, "APPROVERS": 1}
    first = selectors.head().version
    for answer in (
        call("put", "roles/reader", {"reason": "x"}),
        call("post", "policies", {**RULE, "subject": "role:admin", "reason": "x"}),
    ):
        problem = assert_problem(answer, status=403, code="permission_denied")
        assert "approved drafts" in problem["detail"]
    assert selectors.head().version == first


def test_a_draft_goes_back_to_a_version(call, draft):  # noqa: F811
    first = selectors.head().version
    call("post", path_of(draft, "apply"), If_Match='"1"')
    back = call("post", "policy-drafts", {"restore_version": first, "reason": "It was wrong."})
    assert [change["op"] for change in back.json()["changes"]] == ["remove", "remove"]
    assert call("post", path_of(back, "apply"), If_Match='"1"').status_code == 200
    assert not PolicyRule.objects.filter(subject="role:reader").exists()


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {("reason", "required")}),
        ({"reason": "x"}, {("changes", "required")}),
        ({"reason": "x", "changes": [], "restore_version": 1}, {("changes", "required")}),
        ({"reason": "x", "changes": "all"}, {("changes", "invalid")}),
        ({"reason": "x", "changes": None}, {("changes", "invalid")}),
        ({"reason": "x", "changes": [{"op": "add", "rule": {}}]}, {("changes.0.rule.subject", "required")}),
        ({"reason": "x", "changes": [{"op": "add", "rule": {"y": 1}}]}, {("changes.0.rule.y", "unknown_field")}),
        ({"reason": "x", "changes": [ADD_ROLE], "y": 1}, {("y", "unknown_field")}),
        ({"reason": "x", "changes": [ADD_ROLE], "base_version": "1"}, {("base_version", "invalid")}),
        ({"reason": "x", "restore_version": 10**30}, {("restore_version", "max_value")}),
    ],
)
def test_a_wrong_body_is_refused_by_its_members(call, body, fields):  # noqa: F811
    problem = assert_problem(call("post", "policy-drafts", body), status=422, code="validation_error")
    found = {(each["field"], each["code"]) for each in problem["errors"]}
    assert {field for field, _code in found} == {field for field, _code in fields}


def test_a_draft_is_evaluated_beside_the_policy(call, draft):  # noqa: F811
    assert call("get", path_of(draft, "shadow")).json()["is_on"] is False
    begun = call("post", path_of(draft, "shadow"), {"is_on": True, "minutes": 5})
    assert (begun.status_code, begun.json()["is_on"], begun.json()["evaluated"]) == (200, True, 0)
    ended = call("post", path_of(draft, "shadow"), {"is_on": False})
    assert ended.json()["is_on"] is False
    wrong = call("post", path_of(draft, "shadow"), {"is_on": "yes", "minutes": 0})
    assert_problem(wrong, status=422, code="validation_error")


def test_nobody_without_the_permission_learns_or_changes_anything(draft):
    nobody = caller(UserFactory())
    for method, rest in (
        ("get", []),
        ("patch", []),
        ("delete", []),
        ("get", ["impact"]),
        ("get", ["shadow"]),
        ("post", ["shadow"]),
        ("post", ["approve"]),
        ("post", ["apply"]),
    ):
        assert_problem(nobody(method, path_of(draft, *rest)), status=403, code="permission_denied")
    assert_problem(nobody("get", "policies/unused"), status=403, code="permission_denied")


def test_what_nobody_used_is_listed_page_by_page(call, draft):  # noqa: F811
    now = timezone.now()
    long_ago = now - timedelta(days=200)
    with policy_change(author=Author("1", "ada"), reason="x", now=long_ago) as writer:
        writer.put_role("reader", {})
        writer.put_role("lead", {"parents": ["reader"]})
        used, unused = writer.add_rule(RULE), writer.add_rule({**RULE, "action": "write"})
        writer.add_rule({**RULE, "action": "erase", "effect": "deny"})
        for number, role in ((1, "reader"), (2, "reader"), (3, "lead"), (4, "lead")):
            writer.grant(f"user:{number}", role)
    with policy_change(author=Author("1", "ada"), reason="x", now=now) as writer:
        writer.grant("user:5", "reader")
    RuleUse.objects.create(rule=str(used.pk), uses=3, last_used_at=now)
    RuleUse.objects.create(rule=str(unused.pk), uses=1, last_used_at=now - timedelta(days=100))
    for number, days in ((1, 1), (2, 100), (3, 1)):
        GrantUse.objects.create(
            subject=f"user:{number}", role="reader", uses=1, last_used_at=now - timedelta(days=days)
        )
    DecisionCount.objects.create(day=long_ago.date(), decisions=9)
    RoleGrant.objects.exclude(role__in=["reader", "lead"]).delete()

    found, cursor = [], ""
    while cursor is not None:
        page = call("get", f"policies/unused?limit=1{cursor and '&cursor='}{cursor}").json()
        found += page["results"]
        cursor = page["next"]

    shipped = [each for each in found if each["kind"] == "rule" and each["id"] != str(unused.pk)]
    assert all(each["granted_at"] < page["since"] for each in found)
    mine = [(each["kind"], each["subject"], each["role"] or each["action"]) for each in found if each not in shipped]
    assert mine == [("rule", "role:reader", "write"), ("role", "user:2", "reader"), ("role", "user:4", "lead")]
    assert page["is_complete"]
    DecisionCount.objects.create(day=now.date(), uncounted=1)
    assert not call("get", "policies/unused").json()["is_complete"]
    assert_problem(call("get", "policies/unused?cursor=x"), status=422, code="validation_error")
