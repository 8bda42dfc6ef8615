"""Policies of rate limiting, as administrators change them over the API."""

import pytest

from ratelimiting.models import PolicyVersion, RateLimitPolicy
from ratelimiting.services import active_policies
from security_events.models import SecurityEvent
from tests.factories.accounts import UserFactory
from tests.factories.tokens import open_session
from tests.problem_shape import assert_problem

pytestmark = pytest.mark.django_db
URL = "/api/v1/admin/rate-limit-policies"
BODY = {"name": "export", "limit": 5, "window": 3600, "scope": ["user"], "reason": "exports are dear"}


@pytest.fixture
def boss(api):
    user = UserFactory(username="boss", admin=True)
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {open_session(user=user).access_token}")
    return user


def create(api, **members):
    return api.post(URL, {**BODY, **members}, format="json")


def patch(api, made, body, etag=None):
    headers = {} if etag is None else {"If-Match": etag}
    return api.patch(f"{URL}/{made.json()['id']}", body, format="json", headers=headers)


class TestWho:
    def test_other_users_are_refused(self, api):
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {open_session().access_token}")
        for answer in (api.get(URL), create(api), api.get(f"{URL}/versions"), api.post(f"{URL}/rollback", {})):
            assert_problem(answer, status=403, code="permission_denied")
        assert not RateLimitPolicy.objects.exists()


class TestList:
    def test_shows_what_is_in_force_and_its_source(self, api, boss):
        create(api, name="address", limit=9)
        answer = api.get(URL, {"limit": 200})
        found = {policy["name"]: policy for policy in answer.json()["results"]}
        assert (found["address"]["source"], found["address"]["limit"]) == ("database", 9)
        assert (found["sign-in"]["source"], found["sign-in"]["id"]) == ("profile", None)
        assert answer["ETag"] == '"1"'

    def test_comes_in_pages(self, api, boss):
        names, cursor = [], None
        while True:
            page = api.get(URL, {"limit": 4, **({"cursor": cursor} if cursor else {})}).json()
            names += [policy["name"] for policy in page["results"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert names == sorted(active_policies.current().policies)


class TestCreate:
    def test_stores_and_records_with_author_and_reason(self, api, boss):
        answer = create(api)
        assert answer.status_code == 201
        assert (answer["ETag"], answer.json()["version"]) == ('"1"', 1)
        event = SecurityEvent.objects.get(type="ratelimit.policy_changed", data__policy="export")
        assert (event.actor_id, event.data["note"]) == (str(boss.pk), "exports are dear")

    @pytest.mark.parametrize(
        ("members", "field", "code"),
        [
            ({"limit": 0}, "limit", "invalid"),
            ({"limit": "5"}, "limit", "invalid"),
            ({"scope": ["ipp"]}, "scope", "invalid"),
            ({"scope": ["global", "ip"]}, "scope", "invalid"),
            ({"match": {"unless": ["nothing"]}}, "match.unless", "invalid"),
            ({"match": {"route": ["x"]}}, "match.route", "unknown_field"),
            ({"match": {"routes": ["lgoin"]}}, "match.routes", "invalid"),
            ({"match": {"tier": "gold"}}, "match.tier", "invalid"),
            ({"burst": 9}, "burst", "invalid"),
            ({"reason": ""}, "reason", "blank"),
            ({"name": "Not Good"}, "name", "invalid"),
        ],
    )
    def test_names_the_mistake(self, api, boss, members, field, code):
        answer = create(api, **members)
        assert_problem(answer, status=422, code="validation_error")
        assert {(error["field"], error["code"]) for error in answer.json()["errors"]} == {(field, code)}

    def test_refuses_a_name_twice(self, api, boss):
        create(api)
        assert_problem(create(api), status=409, code="already_exists")


class TestChange:
    def test_needs_the_version_that_was_read(self, api, boss):
        made = create(api)
        body = {"limit": 7, "reason": "more"}
        assert_problem(patch(api, made, body), status=428, code="precondition_required")
        assert_problem(patch(api, made, body, '"9"'), status=412, code="version_mismatch")
        answer = patch(api, made, body, made["ETag"])
        assert (answer.status_code, answer.json()["limit"], answer["ETag"]) == (200, 7, '"2"')
        assert_problem(patch(api, made, body, made["ETag"]), status=412, code="version_mismatch")

    def test_reads_and_deletes(self, api, boss):
        made = create(api)
        one = f"{URL}/{made.json()['id']}"
        assert api.get(one).json() == made.json()
        assert_problem(api.delete(one, headers={"If-Match": '"1"'}), status=422, code="validation_error")
        assert api.delete(f"{one}?reason=gone", headers={"If-Match": '"1"'}).status_code == 204
        assert_problem(api.get(one), status=404, code="not_found")
        assert PolicyVersion.objects.get(number=2).reason == "gone"


class TestVersions:
    def test_are_listed_and_gone_back_to(self, api, boss):
        made = create(api)
        patch(api, made, {"limit": 7, "reason": "more"}, '"1"')
        rollback = {"version": 1, "reason": "too much"}
        stale = api.post(f"{URL}/rollback", rollback, format="json", headers={"If-Match": '"1"'})
        assert_problem(stale, status=412, code="version_mismatch")

        answer = api.post(f"{URL}/rollback", rollback, format="json", headers={"If-Match": '"2"'})

        assert (answer.status_code, answer.json()["version"]) == (200, 3)
        assert RateLimitPolicy.objects.get().limit == 5
        listed = api.get(f"{URL}/versions", {"limit": 2}).json()
        assert [(v["version"], v["change"], v["author"]) for v in listed["results"]] == [
            (3, "rolled_back", "boss"),
            (2, "changed", "boss"),
        ]
        assert [v["version"] for v in api.get(f"{URL}/versions", {"cursor": listed["next"]}).json()["results"]] == [1]
        assert_problem(
            api.post(f"{URL}/rollback", {**rollback, "version": 99}, format="json"), status=404, code="not_found"
        )
