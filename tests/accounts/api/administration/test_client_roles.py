"""``/admin/service-clients/{id}/roles``: roles of service clients are read, given and taken, and what they allow."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.access import selectors
from accounts.access.models import RoleGrant
from accounts.access.services.records import replay
from accounts.access.services.records.writing import write
from security_events.models import SecurityEvent
from tests.accounts.access.asking.callers import service
from tests.accounts.access.conftest import policy
from tests.accounts.api.administration.conftest import client_of
from tests.problem_shape import assert_problem
from tokens.models import ServiceClient

pytestmark = pytest.mark.django_db
BASE = "/api/v1/admin/service-clients/"
CHECK = "/api/v1/authz/check"


@pytest.fixture
def program(policy):  # noqa: F811 - the fixture
    """A service client that may introspect tokens, and a role that reads documents."""
    policy.add(
        {"subject": "role:reader", "object": "documents/*", "action": "read", "effect": "allow"}, roles=["reader"]
    )
    return service("tokens:introspect")


def roles(key, *rest):
    return "/".join([f"{BASE}{key}/roles", *rest])


def put(api, key, role, headers=None, **body):
    return api.put(roles(key, role), {"reason": "ticket 7", **body}, format="json", headers=headers)


def may(api, path="documents/42", action="read"):
    answer = api.post(CHECK, {"object": path, "action": action}, format="json")
    assert answer.status_code == 200, answer.json()
    return answer.json()["allowed"]


class TestARole:
    def test_is_given_read_and_taken(self, operator, boss, program):
        api, key = program
        assert not may(api)
        given = put(operator, key, "reader")
        body = given.json()
        assert (given.status_code, body["role"], body["granted_by"]) == (200, "reader", str(boss.pk))
        assert (body["reason"], body["expires_at"], body["is_in_force"]) == ("ticket 7", None, True)
        assert given["X-Policy-Version"] == str(body["version"]) == str(selectors.head().version)
        read = operator.get(roles(key, "reader")).json()
        assert read == {name: body[name] for name in body if name != "version"}
        listed = operator.get(roles(key))
        assert (listed.json()["results"], listed["ETag"]) == ([read], given["ETag"])
        assert may(api)
        event = SecurityEvent.objects.get(type="role.granted", data__role="reader")
        assert (event.actor_id, event.target_id, event.data["note"]) == (str(boss.pk), str(key), "ticket 7")

        taken = operator.delete(f"{roles(key, 'reader')}?reason=ticket+8")
        assert (taken.status_code, int(taken["X-Policy-Version"])) == (204, body["version"] + 1)
        assert not may(api)
        assert_problem(operator.get(roles(key, "reader")), status=404, code="not_found")
        assert_problem(operator.delete(f"{roles(key, 'reader')}?reason=x"), status=404, code="not_found")
        assert operator.get(roles(key)).json()["results"] == []

    def test_lasts_until_its_end(self, operator, program, now):
        api, key = program
        ends = (timezone.now() + timedelta(days=30)).replace(microsecond=0)
        assert put(operator, key, "reader", expires_at=ends.isoformat()).status_code == 200
        assert may(api)
        ServiceClient.objects.update(role_grants=f"reader@{int(timezone.now().timestamp()) - 1}")
        assert not may(api)

    def test_is_not_given_by_who_read_another_version(self, operator, program):
        _api, key = program
        tag = operator.get(roles(key))["ETag"]
        assert put(operator, key, "reader", {"If-Match": tag}).status_code == 200
        for answer in (
            put(operator, key, "reader", {"If-Match": tag}, expires_at="2999-01-01T00:00:00Z"),
            operator.delete(f"{roles(key, 'reader')}?reason=x", headers={"If-Match": tag}),
            operator.patch(f"{BASE}{key}", {"reason": "x"}, format="json", headers={"If-Match": tag}),
        ):
            assert_problem(answer, status=412, code="version_mismatch")

    def test_goes_with_its_client(self, operator, program):
        _api, key = program
        put(operator, key, "reader")
        tag = operator.get(f"{BASE}{key}")["ETag"]
        gone = operator.delete(f"{BASE}{key}?reason=gone", headers={"If-Match": tag})
        assert gone.status_code == 204
        assert not RoleGrant.objects.filter(subject=f"client:{key}").exists()
        assert SecurityEvent.objects.filter(type="role.revoked", target_id=str(key)).exists()
        tag = operator.get("/api/v1/admin/roles/reader")["ETag"]
        assert_problem(  # a rule is about it; that nobody has it any more does not keep it
            operator.delete("/api/v1/admin/roles/reader?reason=x", headers={"If-Match": tag}), code="already_in_use"
        )


class TestWhatIsRefused:
    def test_asks_for_a_permission_and_a_recent_sign_in(self, boss, staff_client, program):
        api, key = program
        for caller in (staff_client("service_clients:read", "service_clients:change"), api):
            assert_problem(put(caller, key, "reader"), status=403, code="permission_denied")
        stale = client_of(boss, now=timezone.now() - timedelta(minutes=6))
        assert_problem(put(stale, key, "reader"), status=403, code="reauthentication_required")

    def test_nobody_gives_what_they_lack(self, staff_client, program):
        _api, key = program
        granter = staff_client("roles:grant", "tokens:introspect")
        assert_problem(put(granter, key, "admin"), status=403, code="permission_denied")
        assert_problem(put(granter, key, "reader"), status=403, code="permission_denied")
        event = SecurityEvent.objects.filter(type="permission.denied").order_by("-id").first()
        assert (event.target_id, event.risk_reasons) == (str(key), ["roles:grant", "more_rights"])

    def test_nobody_acts_on_a_client_with_more_scopes(self, staff_client, program):
        _api, key = program
        assert_problem(put(staff_client("roles:grant"), key, "roles:grant"), status=403, code="permission_denied")

    @pytest.mark.parametrize(
        ("role", "body", "status"),
        [
            ("nothing", {}, 404),
            ("break:glass", {}, 404),
            ("reader", {"reason": ""}, 422),
            ("reader", {"expires_at": "2001-01-01T00:00:00Z"}, 422),
            ("reader", {"until": "x"}, 422),
        ],
    )
    def test_bad_input_is_a_clear_error(self, operator, program, role, body, status):
        _api, key = program
        assert put(operator, key, role, **body).status_code == status

    def test_an_unknown_client_is_not_found(self, operator, program):
        for answer in (put(operator, uuid.uuid4(), "reader"), operator.get(roles(uuid.uuid4()))):
            assert_problem(answer, status=404, code="not_found")

    def test_separated_roles_are_not_held_together(self, operator, program, policy):  # noqa: F811
        _api, key = program
        separated = {"separation_of_duty": ["reader"], "reason": "x"}
        assert operator.put("/api/v1/admin/roles/writer", separated, format="json").status_code == 201
        assert put(operator, key, "reader").status_code == 200
        assert_problem(put(operator, key, "writer"), status=409, code="separation_of_duty")


@pytest.mark.attack("RFC 6749, 3.3; RFC 9700, 2.3")
class TestScopes:
    def test_bound_permissions_whatever_roles_and_rules_say(self, operator, program, policy):  # noqa: F811
        api, key = program
        assert put(operator, key, "admin").status_code == 200
        policy.allow(f"client:{key}", "**", action="*")

        for path in ("permissions/users:read", "/permissions/users:read", "permissions/anything"):
            assert not may(api, path, "use")
        assert may(api, "permissions/tokens:introspect", "use")
        assert may(api, "anything/else", "destroy")
        for call in ("users", "policies", "security-events"):
            assert_problem(api.get(f"/api/v1/admin/{call}"), status=403, code="permission_denied")
        found = operator.post(
            "/api/v1/authz/search/subjects", {"object": "permissions/users:read", "action": "use"}, format="json"
        ).json()["results"]
        assert f"client:{key}" not in [each["subject"] for each in found]

    def test_are_said_to_whom_asks_why_and_recorded_for_replay(self, operator, program):
        write(now=timezone.now())  # what other tests were refused, which leaves no room for more
        api, key = program
        put(operator, key, "admin")
        question = {"subject": f"client:{key}", "object": "permissions/users:read", "action": "use"}
        answer = operator.post(CHECK, question, format="json").json()
        assert (answer["allowed"], answer["matched"]["reasons"]) == (False, ["insufficient_scope"])
        assert not may(api, "permissions/users:read", "use")
        write(now=timezone.now())
        found = list(replay.under_own_versions(replay.DecisionRecord.objects.filter(reason="insufficient_scope")))
        assert found
        assert all(each.is_same for each in found)

    def test_that_a_rule_denies_are_of_no_use(self, program, policy):  # noqa: F811
        api, key = program
        policy.deny(f"client:{key}", "permissions/tokens:introspect", action="use")
        assert not may(api, "permissions/tokens:introspect", "use")


@pytest.mark.attack("CWE-269")
def test_who_may_rotate_a_secret_does_not_get_the_roles_of_its_client(operator, staff_client, program, policy):  # noqa: F811
    _api, key = program
    put(operator, key, "reader")
    keeper = staff_client("service_clients:read", "service_clients:change", "tokens:introspect")
    rotation = {"overlap_seconds": 0, "reason": "mine"}
    tag = operator.get(f"{BASE}{key}")["ETag"]
    switched_off = keeper.patch(
        f"{BASE}{key}", {"is_enabled": False, "reason": "x"}, format="json", headers={"If-Match": tag}
    )
    assert switched_off.status_code == 200
    for answer in (
        keeper.post(f"{BASE}{key}/rotate-secret", rotation, format="json"),
        keeper.patch(
            f"{BASE}{key}",
            {"is_enabled": True, "reason": "x"},
            format="json",
            headers={"If-Match": switched_off["ETag"]},
        ),
    ):
        assert_problem(answer, status=403, code="permission_denied")

    policy.add(grants=[(f"user:{_person_of(keeper)}", "reader")])
    assert keeper.post(f"{BASE}{key}/rotate-secret", rotation, format="json").status_code == 200


def _person_of(api):
    return api.get("/api/v1/auth/me").json()["id"]
