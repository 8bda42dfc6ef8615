"""`/authz/check` and `/authz/check-batch`: what they answer, to whom, and what they take."""

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.access.services import active_policy
from accounts.access.services.policy_changes import policy_change
from accounts.access.types import Author
from tests.accounts.access.asking.callers import person, service
from tests.factories.accounts import UserFactory, give

pytestmark = pytest.mark.django_db

CHECK, BATCH = "/api/v1/authz/check", "/api/v1/authz/check-batch"
READ = {"object": "documents/1", "action": "read"}
OWN = {"name": "same", "arguments": {"left": "subject.id", "right": "resource.owner"}}


def ask(api, url=CHECK, **body):
    response = api.post(url, body, format="json")
    assert response.status_code == 200, response.content
    return response.json()


def refusal(api, url=CHECK, **body):
    response = api.post(url, body, format="json")
    return (
        response.status_code,
        response.json()["code"],
        [error["field"] for error in response.json().get("errors", ())],
    )


class TestAboutOneself:
    def test_needs_no_permission(self, policy):
        api, user = person()
        assert ask(api, **READ) == {"allowed": False, "matched": None, "version": active_policy.version()}
        rule = policy.allow(f"user:{user.pk}", "documents/*")
        assert ask(api, **READ) == {"allowed": True, "matched": None, "version": rule.version}
        assert ask(api, **READ, subject=f"user:{user.pk}")["allowed"]

    def test_needs_a_token(self, policy):
        response = APIClient().post(CHECK, READ, format="json")
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"].startswith("Bearer")

    def test_takes_no_claims_about_the_caller(self, policy):
        api, user = person(department="press")
        policy.allow(f"user:{user.pk}", "documents/*", department="board")
        claims = {"attributes": {"subject": {"department": "board"}}}
        assert refusal(api, **READ, **claims) == (422, "validation_error", ["attributes.subject"])
        assert refusal(api, **READ, **claims, subject=f"user:{user.pk}")[0] == 422
        assert not ask(api, **READ)["allowed"]

    def test_takes_what_is_known_of_the_object(self, policy):
        api, user = person()
        policy.allow(f"user:{user.pk}", "documents/*", conditions=[OWN])
        assert ask(api, **READ, attributes={"resource": {"owner": str(user.pk)}})["allowed"]
        assert not ask(api, **READ, attributes={"resource": {"owner": "another"}})["allowed"]

    def test_counts_a_role_until_it_ends(self, policy):
        policy.add({"subject": "role:night", "object": "**", "action": "*", "effect": "allow"}, roles=["night"])
        api, user = person()
        give(user, "night", until=timezone.now() + timedelta(hours=1))
        assert ask(api, **READ)["allowed"]
        give(user, "night", until=timezone.now() - timedelta(seconds=1))
        assert not ask(api, **READ)["allowed"]

    def test_answers_service_clients_about_themselves(self, policy):
        api, key = service("events:read")
        assert not ask(api, **READ)["allowed"]
        policy.allow(f"client:{key}", "documents/*")
        assert ask(api, **READ)["allowed"]
        assert ask(api, object="permissions/events:read", action="use")["allowed"]
        assert not ask(api, object="permissions/users:read", action="use")["allowed"]


class TestAboutOthers:
    def test_needs_a_permission(self, policy):
        other = UserFactory()
        policy.allow(f"user:{other.pk}", "documents/*")
        api, _ = person()
        assert refusal(api, **READ, subject=f"user:{other.pk}") == (403, "permission_denied", [])
        checks = [READ, {**READ, "subject": f"user:{other.pk}"}]
        assert refusal(api, BATCH, checks=checks) == (403, "permission_denied", [])
        for asking in (person("authz:check")[0], service("authz:check")[0]):
            assert ask(asking, **READ, subject=f"user:{other.pk}")["allowed"]

    def test_says_no_about_nobody_and_about_closed_accounts(self, policy):
        policy.allow("user:00000000-0000-0000-0000-000000000001", "**", "*")
        closed = UserFactory(is_active=False)
        policy.allow(f"user:{closed.pk}", "**", "*")
        api, _ = person("authz:check", "authz:explain")
        for name in ("user:00000000-0000-0000-0000-000000000001", f"user:{closed.pk}", "user:ada", "role:admin", "x"):
            answer = ask(api, **READ, subject=name)
            assert (answer["allowed"], answer["matched"]["reasons"]) == (False, ["unknown_subject"])

    def test_takes_claims_of_which_nothing_is_known(self, policy):
        other = UserFactory(department="press")
        level = {"name": "equals", "arguments": {"attribute": "subject.level", "value": 3}}
        policy.allow(f"user:{other.pk}", "documents/*", conditions=[level], department="press")
        api, _ = person("authz:check")
        asked = {**READ, "subject": f"user:{other.pk}"}
        assert ask(api, **asked, attributes={"subject": {"level": 3, "department": "board"}})["allowed"]
        assert not ask(api, **asked, attributes={"subject": {"level": 2}})["allowed"]

    def test_does_not_believe_that_somebody_is_of_a_department(self, policy):
        other = UserFactory(department="press")
        policy.allow(f"user:{other.pk}", "documents/*", department="board")
        api, _ = person("authz:check")
        claims = {"attributes": {"subject": {"department": "board", "id": "1", "is_staff": True}}}
        assert not ask(api, **READ, subject=f"user:{other.pk}", **claims)["allowed"]


class TestExplained:
    def test_names_the_rule(self, policy):
        api, user = person("authz:explain")
        allowing, denying = policy.allow(f"user:{user.pk}", "**"), policy.deny(f"user:{user.pk}", "secrets/*")
        version = active_policy.version()
        assert ask(api, **READ)["matched"] == {
            "rule": str(allowing.pk),
            "version": version,
            "reasons": ["allowed_by_rule"],
        }
        answer = ask(api, object="secrets/1", action="read")["matched"]
        assert (answer["rule"], answer["reasons"]) == (str(denying.pk), ["denied_by_rule"])
        assert ask(api, object="../x", action="read")["matched"]["reasons"] == ["invalid_object"]


class TestBatch:
    def test_answers_in_order_by_one_version(self, policy):
        api, user = person("authz:check")
        other = UserFactory()
        policy.allow(f"user:{user.pk}", "documents/1")
        policy.allow(f"user:{other.pk}", "documents/2")
        checks = [
            {"object": f"documents/{number}", "action": "read", "subject": f"user:{who.pk}"}
            for number in (1, 2)
            for who in (user, other)
        ]
        answer = ask(api, BATCH, checks=checks)
        assert [each["allowed"] for each in answer["results"]] == [True, False, False, True]
        assert answer["version"] == active_policy.version()

    def test_finds_each_person_once(self, policy, django_assert_num_queries):
        others = [UserFactory() for _ in range(3)]
        api, _ = person("authz:check")
        ask(api, BATCH, checks=[READ])
        checks = [{**READ, "subject": f"user:{others[number % 3].pk}"} for number in range(100)]
        with django_assert_num_queries(1 + 1):  # the token, and all people at once
            ask(api, BATCH, checks=checks)

    @pytest.mark.parametrize(
        ("body", "fields"),
        [
            ({}, ["checks"]),
            ({"checks": []}, ["checks"]),
            ({"checks": [READ] * 101}, ["checks"]),
            ({"checks": "x"}, ["checks"]),
            ({"checks": [READ, 1]}, ["checks.1"]),
            ({"checks": [READ, {"object": "x"}]}, ["checks.1.action"]),
            ({"checks": [{**READ, "foo": 1}]}, ["checks.0.foo"]),
            ({"checks": [READ, {**READ, "non_field_errors": 1}]}, ["checks.1.non_field_errors"]),
            ({"checks": [READ, READ, {**READ, "attributes": {"resource": 1}}]}, ["checks.2.attributes.resource"]),
            ({"checks": [{**READ, "at_least_version": "x"}, {"object": "x"}]}, ["checks.1.action"]),
            ({"checks": [READ, {**READ, "at_least_version": "x"}]}, ["checks.1.at_least_version"]),
            ({"checks": [READ], "foo": 1}, ["foo"]),
        ],
    )
    def test_names_what_is_wrong(self, policy, body, fields):
        assert refusal(person()[0], BATCH, **body) == (422, "validation_error", fields)


class TestVersions:
    def test_waits_for_one_that_is_just_made(self, policy, now):
        api, user = person()
        with policy_change(author=Author(), reason="r", now=now) as writer:
            writer.add_rule({"subject": f"user:{user.pk}", "object": "**", "action": "*", "effect": "allow"})
        # Nobody has told this process yet.
        assert active_policy.version() < writer.version
        answer = ask(api, **READ, at_least_version=writer.version)
        assert (answer["allowed"], answer["version"]) == (True, writer.version)

    def test_fails_closed_if_it_never_comes(self, policy, monkeypatch):
        api, _ = person()
        response = api.post(CHECK, {**READ, "at_least_version": active_policy.refresh() + 1}, format="json")
        assert (response.status_code, response.json()["code"]) == (503, "service_unavailable")
        assert int(response.headers["Retry-After"]) >= 1

    @pytest.mark.parametrize("version", ["1", -1, 1.5, None, True, 10**19])
    def test_takes_numbers_only(self, policy, version):
        assert refusal(person()[0], **READ, at_least_version=version) == (422, "validation_error", ["at_least_version"])


class TestBodies:
    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"object": ""}, "object"),
            ({"object": 1}, "object"),
            ({"object": None}, "object"),
            ({"object": "a" * 513}, "object"),
            ({"action": ""}, "action"),
            ({"action": ["read"]}, "action"),
            ({"action": "a" * 101}, "action"),
            ({"subject": ""}, "subject"),
            ({"subject": "a" * 151}, "subject"),
            ({"subjekt": "user:1"}, "subjekt"),
            ({"attributes": []}, "attributes"),
            ({"attributes": {"resource": 1}}, "attributes.resource"),
            ({"attributes": {"object": {}}}, "attributes"),
            ({"attributes": {"resource": {"text": "a" * 4097}}}, "attributes.resource"),
            ({"attributes": {"resource": {"many": [1] * 1001}}}, "attributes.resource"),
            ({"attributes": {"context": {"factor_at": 10**19}}}, "attributes.context"),
            (
                {"attributes": {"resource": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": 1}}}}}}}}}}},
                "attributes.resource",
            ),
        ],
    )
    def test_names_what_is_wrong(self, policy, change, field):
        assert refusal(person()[0], **{**READ, **change}) == (422, "validation_error", [field])

    def test_takes_the_worst_numbers_that_are_allowed(self, policy):
        api, user = person()
        late = {"name": "factor_within", "arguments": {"seconds": 60}}
        policy.allow(f"user:{user.pk}", "**", "*", conditions=[late])
        for number in (2**63, -(2**63), 1e-300, 0):
            assert ask(api, **READ, attributes={"context": {"factor_at": number}})["allowed"] in (True, False)
