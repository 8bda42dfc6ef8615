"""``/admin/policies``: journeys of rules over HTTP, lost updates, and what is refused."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.access import selectors
from accounts.access.models import PolicyRule, PolicyVersion
from accounts.access.services.policy_changes import MOST_RULES
from tests.accounts.access.api.conftest import BASE, RULE, signed_in
from tests.factories.accounts import UserFactory
from tests.problem_shape import assert_problem
from tokens.models import Session

pytestmark = pytest.mark.django_db

EVERYTHING = {
    "subject": "role:reader",
    "object": "/teams/*/documents/**",
    "action": "write",
    "effect": "deny",
    "department": "Sales",
    "location": "Lisbon",
    "hours": {"weekdays": ["mon", "fri"], "from": "22:00", "until": "06:00", "time_zone": "Asia/Tehran"},
    "conditions": [
        {"name": "same", "arguments": {"left": "subject.id", "right": "resource.owner.id"}},
        {"name": "equals", "arguments": {"attribute": "resource.public", "value": True}},
        {"name": "member", "arguments": {"element": "subject.id", "list": "resource.editors"}},
        {"name": "at_most", "arguments": {"attribute": "resource.amount", "number": 1000}},
        {"name": "at_least", "arguments": {"attribute": "resource.amount", "number": 0.5}},
        {"name": "network", "arguments": {"networks": ["192.0.2.0/24", "2001:db8::/32"]}},
        {"name": "factor_within", "arguments": {"seconds": 300}},
        {"name": "risk_below", "arguments": {"risk": 40}},
    ],
    "valid_from": "2026-01-01T00:00:00Z",
    "valid_until": "2027-01-01T00:00:00Z",
    "note": "قانون شب",
}
MANY_RULES = """
INSERT INTO access_policyrule (id, subject, object, action, effect, department, location, conditions, note, digest,
                               version, created_at, updated_at)
SELECT gen_random_uuid(), subject, 'documents/' || number, action, effect, '', '', '[]', '', int4send(number), 1, now(),
       now()
FROM access_policyrule, generate_series(1, %s) AS number
WHERE object = 'documents/*'
"""
HOSTILE = {
    "subject": ["", "ada", "role:", "role:reader\n", "user:" + "x" * 141, "group:a", "role:reader\x7f", 7, None, {}],
    "object": ["", "a//b", "a/../b", "a*", "**/a", "a\nb", "a/" * 33, "x" * 513, 7, None, []],
    "action": ["", "read write", "read\n", "*read", "x" * 101, None, 1],
    "effect": ["", "Allow", "permit", None, True, ["allow"]],
    "department": [7, None, "x" * 101, "a\nb"],
    "hours": [
        "09:00-17:00",
        {},
        {**EVERYTHING["hours"], "weekdays": []},
        {**EVERYTHING["hours"], "weekdays": ["monday"]},
        {**EVERYTHING["hours"], "weekdays": [["mon"]]},
        {**EVERYTHING["hours"], "from": "9:00"},
        {**EVERYTHING["hours"], "until": "24:00"},
        {**EVERYTHING["hours"], "until": "٠٩:٠٠"},
        {**EVERYTHING["hours"], "time_zone": "../../etc/passwd"},
        {**EVERYTHING["hours"], "time_zone": "Europe"},
        {**EVERYTHING["hours"], "more": 1},
    ],
    "conditions": [
        {},
        ["same"],
        [{"name": "eval", "arguments": {"code": "1"}}],
        [{"name": "same", "arguments": {"left": "subject.id"}}],
        [{"name": "same", "arguments": {"left": "os.environ", "right": "subject.id"}}],
        [{"name": "same", "arguments": {"left": "subject" + ".a" * 9, "right": "subject.id"}}],
        [{"name": "at_most", "arguments": {"attribute": "resource.amount", "number": "5"}}],
        [{"name": "network", "arguments": {"networks": ["192.0.2.1/24"]}}],
        [{"name": "equals", "arguments": {"attribute": "resource.a", "value": "x" * 5000}}],
        [{"name": "equals", "arguments": {"attribute": "resource.a", "value": {"$ne": 1}}}],
        [{"name": "equals", "arguments": {"attribute": "resource.a", "value": 1e300}}],
        [{"name": "at_most", "arguments": {"attribute": "resource.a", "number": -(2**53) - 1}}],
        [{"name": "risk_below", "arguments": {"risk": 40}}] * 11,
    ],
    "valid_from": ["tomorrow", "2026-01-01", "2026-01-01T00:00:00", "9999-12-31T23:59:59-14:00", 0, True],
    "note": [7, "x" * 501],
    "efect": ["allow"],
    "id": [str(uuid4())],
}


class TestWho:
    CALLS = (
        ("get", "policies"),
        ("post", "policies"),
        ("get", "policies/00000000-0000-0000-0000-000000000007"),
        ("patch", "policies/00000000-0000-0000-0000-000000000007"),
        ("delete", "policies/00000000-0000-0000-0000-000000000007"),
        ("get", "policies/versions"),
        ("get", "policies/versions/1"),
        ("post", "policies/rollback"),
        ("get", "roles"),
        ("get", "roles/admin"),
        ("put", "roles/admin"),
        ("delete", "roles/admin"),
    )

    def test_people_without_the_right_are_refused_by_each_call(self):
        client = signed_in(UserFactory())
        for method, path in self.CALLS:
            send, anonymous = getattr(client, method), getattr(APIClient(), method)
            assert_problem(send(BASE + path, format="json"), status=403, code="permission_denied")
            assert_problem(anonymous(BASE + path, format="json"), status=401, code="authentication_required")

    def test_whoever_changes_something_has_signed_in_lately(self, call):
        Session.objects.update(authenticated_at=timezone.now() - timedelta(minutes=6))
        for method, path in self.CALLS:
            answer = call(method, path)
            if method == "get":
                assert answer.status_code in {200, 404}
            else:
                assert_problem(answer, status=403, code="reauthentication_required")


class TestARule:
    def test_is_made_read_changed_and_deleted(self, call, reader):
        made = call("post", "policies", {**EVERYTHING, "reason": "ticket 3"})
        body = made.json()
        assert made.status_code == 201
        assert {name: body[name] for name in EVERYTHING} == EVERYTHING
        assert made["ETag"] == f'"{body["version"]}"'
        assert int(made["X-Policy-Version"]) == body["version"] == int(reader["X-Policy-Version"]) + 1
        read = call("get", f"policies/{body['id']}")
        assert read.json() == body
        assert read["ETag"] == made["ETag"]

        change = {"effect": "allow", "hours": None, "reason": "ticket 4"}
        changed = call("patch", f"policies/{body['id']}", change, If_Match=made["ETag"])
        assert changed.status_code == 200
        assert changed.json()["hours"] is None
        assert {**changed.json(), "updated_at": 0, "version": 0} == {
            **body,
            "effect": "allow",
            "hours": None,
            "updated_at": 0,
            "version": 0,
        }

        gone = call("delete", f"policies/{body['id']}?reason=ticket+5", If_Match=changed["ETag"])
        assert (gone.status_code, gone.content) == (204, b"")
        assert int(gone["X-Policy-Version"]) == changed.json()["version"] + 1
        assert_problem(call("get", f"policies/{body['id']}"), status=404, code="not_found")
        reasons = PolicyVersion.objects.order_by("-number").values_list("reason", "author")[:3]
        assert list(reasons) == [("ticket 5", "boss"), ("ticket 4", "boss"), ("ticket 3", "boss")]

    def test_is_said_once(self, call, rule):
        again = call("post", "policies", {**RULE, "object": "/documents/*", "note": "other words", "reason": "x"})
        assert_problem(again, status=409, code="already_exists")

    def test_is_about_a_role_that_exists(self, call):
        answer = call("post", "policies", {**RULE, "reason": "x"})
        problem = assert_problem(answer, status=422, code="validation_error")
        assert [(each["field"], each["code"]) for each in problem["errors"]] == [("subject", "invalid")]

    @pytest.mark.parametrize("member", ["subject", "object", "action", "effect", "reason"])
    def test_has_all_that_is_required(self, call, reader, member):
        given = {name: value for name, value in {**RULE, "reason": "x"}.items() if name != member}
        problem = assert_problem(call("post", "policies", given), status=422, code="validation_error")
        assert [(each["field"], each["code"]) for each in problem["errors"]] == [(member, "required")]

    @pytest.mark.parametrize("member", HOSTILE)
    def test_refuses_what_no_member_can_be(self, call, rule, member):
        before = selectors.head()
        for value in HOSTILE[member]:
            problem = assert_problem(
                call("post", "policies", {**EVERYTHING, member: value, "reason": "x"}),
                status=422,
                code="validation_error",
            )
            assert [each["field"] for each in problem["errors"]] == [member], value
            changed = call("patch", f"policies/{rule.json()['id']}", {member: value, "reason": "x"}, If_Match="*")
            assert changed.status_code == 422, value
        assert selectors.head() == before

    def test_normalises_what_can_be_written_in_several_ways(self, call, reader):
        hours = {**EVERYTHING["hours"], "weekdays": ["fri", "mon", "fri"]}
        given = {**EVERYTHING, "hours": hours, "valid_from": "2026-01-01T03:30:00+03:30", "reason": "x"}
        body = call("post", "policies", given).json()
        assert (body["hours"], body["valid_from"]) == (EVERYTHING["hours"], EVERYTHING["valid_from"])


class TestLostUpdates:
    @pytest.mark.parametrize("method", ["patch", "delete"])
    def test_a_change_names_the_version_that_was_read(self, call, rule, method):
        path = f"policies/{rule.json()['id']}?reason=x"
        assert_problem(call(method, path, {"reason": "x"}), status=428, code="precondition_required")
        for stale in ('"1"', f"W/{rule['ETag']}", '"x"'):
            answer = call(method, path, {"reason": "x"}, If_Match=stale)
            assert_problem(answer, status=412, code="version_mismatch")

    def test_the_second_of_two_that_read_the_same_is_refused(self, call, rule):
        path = f"policies/{rule.json()['id']}"
        assert call("patch", path, {"action": "write", "reason": "x"}, If_Match=rule["ETag"]).status_code == 200
        second = call("patch", path, {"effect": "deny", "reason": "y"}, If_Match=rule["ETag"])
        assert_problem(second, status=412, code="version_mismatch")
        assert call("get", path).json()["effect"] == "allow"

    def test_the_last_administrator_keeps_access(self, call, rule):
        deny = {"subject": "role:admin", "object": "permissions/**", "action": "*", "effect": "deny", "reason": "x"}
        assert_problem(call("post", "policies", deny), status=403, code="permission_denied")
        shipped = PolicyRule.objects.get(subject="role:admin", object="**")
        answer = call("delete", f"policies/{shipped.pk}?reason=x", If_Match="*")
        assert_problem(answer, status=403, code="permission_denied")


class TestTheList:
    def test_filters_by_each_member(self, call, rule):
        other = call("post", "policies", {**EVERYTHING, "reason": "x"}).json()
        for member in ("object", "action", "effect", "department", "location"):
            found = call("get", "policies", {member: EVERYTHING[member]}).json()["results"]
            assert [each["id"] for each in found] == [other["id"]], member
        found = call("get", "policies", {"subject": "role:reader"})
        assert [each["id"] for each in found.json()["results"]] == [rule.json()["id"], other["id"]]
        assert found.json()["version"] == int(found["X-Policy-Version"]) == other["version"]

    @pytest.mark.parametrize(
        "query",
        [{"limit": 0}, {"limit": 201}, {"cursor": "x"}, {"effect": "maybe"}, {"subject": "a\0b"}, {"page": 2}],
        ids=str,
    )
    def test_refuses_other_questions(self, call, query):
        assert_problem(call("get", "policies", query), status=422, code="validation_error")

    def test_reads_ten_thousand_rules_page_by_page(self, call, rule):
        with connection.cursor() as cursor:
            cursor.execute(MANY_RULES, [10_000])
        seen, following = [], {}
        while following is not None:
            page = call("get", "policies", {"limit": 200, "subject": "role:reader", **following}).json()
            seen += [each["object"] for each in page["results"]]
            following = {"cursor": page["next"]} if page["next"] else None
        assert len(seen) == 10_001
        assert len(set(seen)) == 10_001


def test_a_policy_has_a_largest_size(call, rule):
    with connection.cursor() as cursor:
        cursor.execute(MANY_RULES, [MOST_RULES])
    before = selectors.head()
    problem = assert_problem(
        call("post", "policies", {**EVERYTHING, "reason": "x"}), status=422, code="validation_error"
    )
    assert [each["field"] for each in problem["errors"]] == ["non_field_errors"]
    assert selectors.head() == before
