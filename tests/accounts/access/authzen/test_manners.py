"""The manners of AuthZEN 1.0 where they are not ours, and what they must not open."""

import pytest
from rest_framework.test import APIClient

from accounts.access.api.authzen.entities import Entity, object_path, resource_of, subject_name
from accounts.access.deciding.paths import object_segments
from tests.accounts.access.asking.callers import person, service
from tests.accounts.access.authzen import scenarios

pytestmark = pytest.mark.django_db

READ = {
    "subject": {"type": "user", "id": "alice"},
    "action": {"name": "read"},
    "resource": {"type": "record", "id": "record-1"},
}
URL = "/access/v1/evaluation"


@pytest.fixture
def gateway(policy, settings):
    settings.ACCESS = {**settings.ACCESS, **scenarios.HOOKS}
    roles, rules = scenarios.certification()
    policy.add(*rules, roles=roles)
    return service("authz:check")[0]


class TestCallers:
    def test_need_the_permission(self, gateway):
        assert APIClient().post(URL, READ, format="json").status_code == 401
        for api in (person()[0], service("events:read")[0]):
            assert api.post(URL, READ, format="json").status_code == 403
        assert person("authz:check")[0].post(URL, READ, format="json").json()["decision"] is True

    def test_get_their_request_id_back_whatever_the_answer(self, gateway):
        for body, status in ((READ, 200), ({}, 400)):
            response = gateway.post(URL, body, format="json", HTTP_X_REQUEST_ID="any {shape}; of it/1")
            assert (response.status_code, response.headers["X-Request-ID"]) == (status, "any {shape}; of it/1")
        refused = APIClient().post(URL, READ, format="json", HTTP_X_REQUEST_ID="x")
        assert (refused.status_code, refused.headers["X-Request-ID"]) == (401, "x")

    @pytest.mark.parametrize("sent", ["a" * 257, "ä"])
    def test_get_no_request_id_back_that_is_none(self, gateway, sent):
        response = gateway.post(URL, READ, format="json", HTTP_X_REQUEST_ID=sent)
        assert (response.status_code, "X-Request-ID" in response.headers) == (200, False)

    def test_may_read_the_metadata_without_a_token(self):
        answer = APIClient().get("/.well-known/authzen-configuration").json()
        base = answer["policy_decision_point"]
        assert answer["access_evaluation_endpoint"] == f"{base}/access/v1/evaluation"
        assert answer["search_action_endpoint"] == f"{base}/access/v1/search/action"
        assert {name for name in answer if name.endswith("endpoint")} == {
            "access_evaluation_endpoint",
            "access_evaluations_endpoint",
            "search_subject_endpoint",
            "search_resource_endpoint",
            "search_action_endpoint",
        }


class TestEvaluations:
    def batch(self, gateway, semantic, *names):
        body = {
            "subject": READ["subject"],
            "resource": {"type": "record", "id": "record-2"},
            "options": {"evaluations_semantic": semantic},
            "evaluations": [{"action": {"name": name}} for name in names],
        }
        return [each["decision"] for each in gateway.post(f"{URL}s", body, format="json").json()["evaluations"]]

    def test_end_as_the_semantic_says(self, gateway):
        names = ("write", "read", "write", "read")
        assert self.batch(gateway, "execute_all", *names) == [False, True, False, True]
        assert self.batch(gateway, "deny_on_first_deny", "read", *names) == [True, False]
        assert self.batch(gateway, "permit_on_first_permit", *names) == [False, True]

    def test_say_what_is_wrong_with_one(self, gateway):
        body = {**READ, "evaluations": [{}, {"action": {}}, "x"]}
        first, *others = gateway.post(f"{URL}s", body, format="json").json()["evaluations"]
        assert first["decision"] is True
        assert all(each["decision"] is False and each["context"]["error"]["status"] == 400 for each in others)

    @pytest.mark.parametrize(
        "change",
        [
            {"evaluations": [{}] * 101},
            {"evaluations": {}},
            {"options": {"evaluations_semantic": "maybe"}, "evaluations": [{}]},
            {"options": []},
            {"context": "now"},
            {"resource": {"type": "record", "id": "1", "properties": []}},
            {"resource": {"type": "record", "id": "1", "properties": {"a": [1] * 1001}}},
        ],
    )
    def test_refuse_what_is_ill_formed(self, gateway, change):
        response = gateway.post(f"{URL}s", {**READ, **change}, format="json")
        assert (response.status_code, response.json()["code"]) == (400, "malformed_request")


class TestContext:
    def test_says_why_and_which_rule_to_those_who_may_know(self, gateway):
        answer = gateway.post(URL, READ, format="json").json()
        assert answer == {"decision": True, "context": {"reasons": ["allowed_by_rule"]}}
        explained = service("authz:check", "authz:explain")[0].post(URL, READ, format="json").json()
        assert set(explained["context"]["matched"]) == {"rule", "version"}

    def test_says_that_a_second_factor_would_help(self, gateway, policy):
        policy.allow(
            "user:alice",
            "vault/*",
            "open",
            conditions=[{"name": "factor_within", "arguments": {"seconds": 60}}],
        )
        asked = {**READ, "action": {"name": "open"}, "resource": {"type": "vault", "id": "1"}}
        assert gateway.post(URL, asked, format="json").json()["context"]["step_up"] == {"factor": "second_factor"}
        asked["resource"]["type"] = "record"
        assert "step_up" not in gateway.post(URL, asked, format="json").json()["context"]


class TestEntities:
    @pytest.mark.parametrize("key", ["a/b", "a%2Fb", "..", ".", "*", "**", "a b", "%", "%2F", "ä", "a\u2066b"])
    def test_are_one_segment_that_leads_back(self, key):
        path = object_path("record", key)
        assert object_segments(path) is not None
        assert len(path.split("/")) == 2
        assert resource_of(path) == {"type": "record", "id": key}

    def test_of_two_ids_are_two_objects(self):
        keys = ["a/b", "a%2Fb", "a%252Fb", "..", "%2E%2E", ".", "%2E"]
        assert len({object_path("record", key) for key in keys}) == len(keys)

    def test_of_unknown_types_are_nobody(self):
        assert subject_name(Entity("identity", "1")) == subject_name(Entity("user", "1")) == "user:1"
        assert subject_name(Entity("user:alice", "")) == ":"
        for kind in ("role", "spaceship", "User", "user:alice"):
            assert subject_name(Entity(kind, "admin")) == ":admin"

    def test_with_an_id_that_has_control_characters_are_no_objects(self, gateway):
        asked = {**READ, "resource": {"type": "record", "id": "record-1\n"}}
        answer = gateway.post(URL, asked, format="json").json()
        assert answer == {"decision": False, "context": {"reasons": ["invalid_object"]}}

    @pytest.mark.parametrize("token", ["%%%", "Ä", "gA==", "AA=="])
    def test_are_not_searched_from_a_token_that_was_never_given_out(self, gateway, token):
        body = {**READ, "subject": {"type": "user"}, "page": {"token": token}}
        assert gateway.post("/access/v1/search/subject", body, format="json").status_code == 400
