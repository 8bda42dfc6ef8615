"""``/admin/roles``, ``/admin/policies/versions`` and ``/admin/policies/rollback`` over HTTP."""

import pytest

from accounts.access import selectors
from accounts.access.services.policy_changes import policy_change
from accounts.access.types import Author
from tests.accounts.access.api.conftest import RULE
from tests.problem_shape import assert_problem

pytestmark = pytest.mark.django_db

HOSTILE_NAMES = ("Reader", "1st", "a:b", "a.b", "x" * 51, "a%00b", "ro%0Ale", "%2e%2e", "reader%20")


def fields(answer):
    return [
        (each["field"], each["code"]) for each in assert_problem(answer, status=422, code="validation_error")["errors"]
    ]


class TestARole:
    def test_is_made_replaced_and_deleted(self, call, reader):
        made = call("put", "roles/editor", {"name": "editor", "parents": ["reader"], "reason": "ticket 3"})
        body = made.json()
        assert made.status_code == 201
        assert (body["name"], body["description"], body["parents"]) == ("editor", "", ["reader"])
        assert (made["ETag"], made["X-Policy-Version"]) == (f'"{body["version"]}"', str(body["version"]))
        assert call("get", "roles/editor").json() == body

        replaced = call("put", "roles/editor", {"description": "Edits.", "reason": "x"}, If_Match=made["ETag"])
        assert replaced.status_code == 200
        assert (replaced.json()["description"], replaced.json()["parents"]) == ("Edits.", [])

        gone = call("delete", "roles/editor?reason=x", If_Match=replaced["ETag"])
        assert gone.status_code == 204
        assert int(gone["X-Policy-Version"]) == replaced.json()["version"] + 1
        assert_problem(call("get", "roles/editor"), status=404, code="not_found")

    def test_is_changed_by_those_who_read_it(self, call, reader):
        other = {"description": "Other words.", "reason": "x"}
        assert_problem(call("put", "roles/reader", other), status=428, code="precondition_required")
        assert_problem(call("put", "roles/reader", other, If_Match='"1"'), status=412, code="version_mismatch")
        assert_problem(call("put", "roles/new", other, If_Match='"1"'), status=412, code="version_mismatch")
        assert_problem(call("delete", "roles/reader?reason=x"), status=428, code="precondition_required")
        # The same again changes nothing, so that a repetition whose answer was lost is no error.
        again = call("put", "roles/reader", {"description": "Reads.", "reason": "ticket 1"})
        assert (again.status_code, again["ETag"]) == (200, reader["ETag"])

    def test_stays_while_it_is_used(self, call, rule):
        assert_problem(call("delete", "roles/reader?reason=x", If_Match="*"), status=409, code="already_in_use")
        assert_problem(call("delete", "roles/nobody?reason=x", If_Match="*"), status=404, code="not_found")

    @pytest.mark.parametrize(
        ("members", "found"),
        [
            ({"parents": ["nobody"]}, ("parents", "invalid")),
            ({"parents": ["editor"]}, ("parents", "invalid")),
            ({"parents": "reader"}, ("parents", "invalid")),
            ({"parents": [["reader"]]}, ("parents", "invalid")),
            ({"parents": ["reader"] * 51}, ("parents", "invalid")),
            ({"separation_of_duty": ["nobody"]}, ("separation_of_duty", "invalid")),
            ({"description": "x" * 201}, ("description", "max_length")),
            ({"description": None}, ("description", "invalid")),
            ({"name": "reader"}, ("name", "invalid")),
            ({"colour": "red"}, ("colour", "unknown_field")),
            ({"reason": None}, ("reason", "invalid")),
            ({"reason": ""}, ("reason", "blank")),
            ({"reason": "a\nb"}, ("reason", "invalid")),
            ({"reason": "x" * 201}, ("reason", "max_length")),
        ],
        ids=str,
    )
    def test_refuses_what_can_be_no_role(self, call, reader, members, found):
        before = selectors.head()
        assert fields(call("put", "roles/editor", {"reason": "x", **members})) == [found]
        assert selectors.head() == before

    def test_roles_form_no_circle_and_no_long_chain(self, call, reader):
        chain = [f"level-{number}" for number in range(10)]
        for name, parent in zip(chain, ["reader", *chain], strict=False):
            answer = call("put", f"roles/{name}", {"parents": [parent], "reason": "x"})
            assert answer.status_code == 201 if name != chain[-1] else fields(answer) == [("parents", "invalid")]
        assert fields(call("put", "roles/reader", {"parents": [chain[0]], "reason": "x"}, If_Match="*")) == [
            ("parents", "invalid")
        ]

    @pytest.mark.parametrize("name", HOSTILE_NAMES)
    def test_refuses_other_names(self, call, name):
        assert fields(call("put", f"roles/{name}", {"reason": "x"})) == [("name", "invalid")]
        for method in ("get", "delete"):
            assert_problem(call(method, f"roles/{name}?reason=x", If_Match="*"), status=404, code="not_found")

    def test_are_listed_by_name(self, call, reader):
        first = call("get", "roles", {"limit": 1}).json()
        second = call("get", "roles", {"cursor": first["next"]}).json()
        names = [each["name"] for each in (*first["results"], *second["results"])]
        assert names == sorted(selectors.all_roles())
        assert second["next"] is None


class TestVersions:
    def test_say_who_changed_what_and_why(self, call, boss, rule):
        listed = call("get", "policies/versions", {"limit": 1}).json()
        (newest,) = listed["results"]
        assert (newest["author"], newest["author_id"], newest["reason"]) == ("boss", str(boss.pk), "ticket 2")
        one = call("get", f"policies/versions/{newest['version']}").json()
        document = {
            name: value
            for name, value in rule.json().items()
            if name not in ("id", "created_at", "updated_at", "version")
        }
        assert one == {
            **newest,
            "changes": [{"kind": "rule", "key": rule.json()["id"], "before": None, "after": document}],
            "next": None,
        }
        before = call("get", "policies/versions", {"cursor": listed["next"]}).json()["results"]
        assert [each["version"] for each in before] == list(range(newest["version"] - 1, 0, -1))

    def test_show_many_changes_page_by_page(self, call, reader, now):
        with policy_change(author=Author(), reason="x", now=now) as writer:
            for number in range(5):
                writer.add_rule({**RULE, "object": f"documents/{number}"})
        first = call("get", f"policies/versions/{writer.version}", {"limit": 3}).json()
        second = call("get", f"policies/versions/{writer.version}", {"limit": 3, "cursor": first["next"]}).json()
        paths = [each["after"]["object"] for each in (*first["changes"], *second["changes"])]
        assert paths == [f"documents/{number}" for number in range(5)]
        assert second["next"] is None

    @pytest.mark.parametrize("number", ["0", "999", "9" * 30, "-1", "x", "%D9%A3"])
    def test_that_were_never_made_are_not_found(self, call, number):
        assert_problem(call("get", f"policies/versions/{number}"), status=404, code="not_found")

    @pytest.mark.parametrize("cursor", ["x", "-1", "9" * 19, "٣"])
    def test_have_no_other_cursors(self, call, cursor):
        assert fields(call("get", "policies/versions", {"cursor": cursor})) in (
            [("cursor", "invalid")],
            [("cursor", "max_length")],
        )


class TestRollback:
    def test_restores_rules_and_roles_under_a_new_version(self, call, rule):
        wanted = int(rule["X-Policy-Version"])
        documents = selectors.all_rules(), selectors.all_roles()
        changed = call("patch", f"policies/{rule.json()['id']}", {"effect": "deny", "reason": "x"}, If_Match="*")
        call("put", "roles/other", {"parents": ["reader"], "reason": "x"})
        stale = call("post", "policies/rollback", {"version": wanted, "reason": "x"}, If_Match=changed["ETag"])
        assert_problem(stale, status=412, code="version_mismatch")
        listed = call("get", "policies")
        answer = call("post", "policies/rollback", {"version": wanted, "reason": "oh"}, If_Match=listed["ETag"])
        body = answer.json()
        assert (body["version"], body["restored"], body["reason"]) == (wanted + 3, wanted, "oh")
        assert answer["X-Policy-Version"] == str(body["version"])
        assert (selectors.all_rules(), selectors.all_roles()) == documents

    def test_keeps_a_role_that_somebody_has_since(self, call, rule, now):
        call("put", "roles/other", {"reason": "x"})
        with policy_change(author=Author(), reason="x", now=now) as writer:
            writer.grant("user:1", "other")
        answer = call("post", "policies/rollback", {"version": int(rule["X-Policy-Version"]), "reason": "x"})
        assert_problem(answer, status=409, code="already_in_use")
        assert "other" in selectors.all_roles()

    @pytest.mark.parametrize(
        ("given", "found"),
        [
            ({"version": 1}, ("reason", "required")),
            ({"reason": "x"}, ("version", "required")),
            ({"version": "1", "reason": "x"}, ("version", "invalid")),
            ({"version": 0, "reason": "x"}, ("version", "invalid")),
            ({"version": 10**30, "reason": "x"}, ("version", "invalid")),
            ({"version": True, "reason": "x"}, ("version", "invalid")),
        ],
        ids=str,
    )
    def test_refuses_what_is_no_version(self, call, given, found):
        assert fields(call("post", "policies/rollback", given)) == [found]

    def test_knows_no_version_of_the_future(self, call):
        answer = call("post", "policies/rollback", {"version": 999, "reason": "x"})
        assert_problem(answer, status=404, code="not_found")
