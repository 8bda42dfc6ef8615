"""``/admin/users/{id}/roles``: roles of people are read, given and taken."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.access import selectors
from accounts.access.services import active_policy
from accounts.access.services.policy_changes import policy_change
from accounts.access.types import Author
from tests.accounts.api.administration.conftest import client_of
from tests.factories.accounts import UserFactory
from tests.factories.tokens import open_session
from tests.mailbox import queued
from tests.problem_shape import assert_problem
from tokens.models import Session

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queue")]
BASE = "/api/v1/admin/"


@pytest.fixture
def mina(db):
    return UserFactory(username="mina")


@pytest.fixture
def reader(db):
    """A role that gives no permission."""
    with policy_change(author=Author(), reason="x", now=timezone.now()) as writer:
        writer.put_role("reader", {})
        writer.put_role("payer", {})
        writer.put_role("approver", {"separation_of_duty": ["payer"]})
    active_policy.refresh()


def put(api, user, name, **body):
    return api.put(f"{BASE}users/{user.pk}/roles/{name}", {"reason": "ticket 7", **body}, format="json")


def delete(api, user, role, query="?reason=ticket+8"):
    return api.delete(f"{BASE}users/{user.pk}/roles/{role}{query}")


def field(answer):
    (error,) = assert_problem(answer, status=422, code="validation_error")["errors"]
    return error["field"], error["code"]


class TestARole:
    def test_is_given_read_and_taken(self, operator, boss, mina, reader):
        given = put(operator, mina, "reader")
        body = given.json()
        assert given.status_code == 200
        assert (body["role"], body["expires_at"], body["is_in_force"]) == ("reader", None, True)
        assert (body["reason"], body["granted_by"]) == ("ticket 7", str(boss.pk))
        assert given["X-Policy-Version"] == str(body["version"]) == str(selectors.head().version)
        url = f"{BASE}users/{mina.pk}/roles"
        assert operator.get(f"{url}/reader").json() == {name: body[name] for name in body if name != "version"}
        listed = operator.get(url)
        assert [each["role"] for each in listed.json()["results"]] == ["reader"]
        assert operator.get(f"{BASE}users/{mina.pk}").json()["roles"] == ["reader"]
        found = operator.get(f"{BASE}users", {"role": "reader"}).json()["results"]
        assert [each["username"] for each in found] == ["mina"]

        taken = delete(operator, mina, "reader")
        assert (taken.status_code, taken.content) == (204, b"")
        assert int(taken["X-Policy-Version"]) == body["version"] + 1
        assert_problem(delete(operator, mina, "reader"), status=404, code="not_found")
        assert_problem(operator.get(f"{url}/reader"), status=404, code="not_found")
        assert operator.get(url).json()["results"] == []

    def test_lasts_until_its_end(self, operator, mina, reader):
        ends = (timezone.now() + timedelta(days=30)).replace(microsecond=0)
        given = put(operator, mina, "reader", expires_at=ends.isoformat())
        assert given.json()["expires_at"] == ends.isoformat().replace("+00:00", "Z")
        # Another PUT gives it another end; the same again makes no version.
        again = put(operator, mina, "reader", expires_at=ends.isoformat())
        assert again["X-Policy-Version"] == given["X-Policy-Version"]
        assert put(operator, mina, "reader").json()["expires_at"] is None

    def test_that_gives_permissions_tells_the_person_and_ends_sessions(self, operator, mina):
        assert put(operator, mina, "users:read").status_code == 200
        assert queued() == ["staff_rights_granted"]
        pair = open_session(user=mina)
        assert delete(operator, mina, "users:read").status_code == 204
        assert Session.objects.get(pk=pair.session_id).ended_at is not None

    def test_is_not_held_beside_one_that_is_separated(self, operator, mina, reader):
        put(operator, mina, "payer")
        answer = put(operator, mina, "approver")
        problem = assert_problem(answer, status=409, code="separation_of_duty")
        assert "payer" in problem["detail"]
        assert "approver" in problem["detail"]

    @pytest.mark.parametrize("role", ["nobody", "Admin", "break:glass", "x" * 300, "a%00b", "user:1"])
    def test_is_one_that_exists(self, operator, mina, role):
        assert_problem(put(operator, mina, role), status=404, code="not_found")
        assert_problem(delete(operator, mina, role), status=404, code="not_found")
        assert_problem(operator.get(f"{BASE}users/{mina.pk}/roles/{role}"), status=404, code="not_found")

    def test_is_of_a_person_who_exists_and_whose_account_is_open(self, operator, reader):
        for method in ("get", "put", "delete"):
            send = getattr(operator, method)
            answer = send(f"{BASE}users/{uuid.uuid4()}/roles/reader?reason=x", {"reason": "x"}, format="json")
            assert_problem(answer, status=404, code="not_found")
        closed = UserFactory(is_active=False)
        assert field(put(operator, closed, "reader")) == ("non_field_errors", "invalid")

    @pytest.mark.parametrize(
        ("body", "found"),
        [
            ({"reason": ""}, ("reason", "blank")),
            ({"reason": None}, ("reason", "invalid")),
            ({"role": "admin"}, ("role", "unknown_field")),
            ({"expires_at": "tomorrow"}, ("expires_at", "invalid")),
            ({"expires_at": "2020-01-01T00:00:00Z"}, ("expires_at", "invalid")),
            ({"expires_at": "2030-01-01T00:00:00"}, ("expires_at", "invalid")),
            ({"expires_at": "9999-12-31T23:59:59-14:00"}, ("expires_at", "invalid")),
            ({"expires_at": 4102444800}, ("expires_at", "invalid")),
        ],
        ids=str,
    )
    def test_refuses_what_is_no_such_value(self, operator, mina, reader, body, found):
        assert field(put(operator, mina, "reader", **body)) == found

    def test_needs_a_reason(self, operator, mina, reader):
        assert field(operator.put(f"{BASE}users/{mina.pk}/roles/reader", {}, format="json")) == ("reason", "required")
        assert field(delete(operator, mina, "reader", "")) == ("reason", "required")


class TestWho:
    def test_nobody_gives_what_they_do_not_have(self, staff_client, mina):
        helper = staff_client("roles:grant", "users:read")
        assert_problem(put(helper, mina, "admin"), status=403, code="permission_denied")
        assert_problem(put(helper, mina, "users:change"), status=403, code="permission_denied")
        assert put(helper, mina, "users:read").status_code == 200

    def test_nobody_gives_anything_to_themselves(self, operator, boss):
        assert_problem(put(operator, boss, "users:read"), status=403, code="permission_denied")

    def test_reading_and_giving_are_different_permissions(self, staff_client, mina):
        url = f"{BASE}users/{mina.pk}/roles"
        assert staff_client("users:read").get(url).status_code == 200
        assert_problem(put(staff_client("users:read"), mina, "users:read"), status=403, code="permission_denied")
        assert_problem(staff_client("roles:grant").get(url), status=403, code="permission_denied")

    def test_takes_a_recent_sign_in(self, boss, mina):
        stale = client_of(boss, now=timezone.now() - timedelta(minutes=6))
        assert_problem(put(stale, mina, "users:read"), status=403, code="reauthentication_required")
        assert_problem(delete(stale, mina, "users:read"), status=403, code="reauthentication_required")
