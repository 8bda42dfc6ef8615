"""Searches find exactly what trying all subjects, objects and actions finds."""

import random
from functools import partial

import pytest
from django.utils import timezone

from accounts.access.conf import access_settings
from accounts.access.deciding.index import CompiledPolicy
from accounts.access.deciding.rules import Effect, Rule
from accounts.access.services import decisions, search
from accounts.access.services.casbin_engine.engine import CasbinPolicy
from accounts.access.types import ObjectFacts, Question, SubjectFacts
from accounts.access_subjects import existing_subjects
from tests.accounts.access.asking.callers import person, service
from tests.accounts.access.asking.searched_world import PEOPLE, THINGS
from tests.accounts.access.policies import ACTIONS, PLACES, ROLES, START, random_parents, random_rules
from tests.factories.accounts import UserFactory, give

SUBJECTS = "/api/v1/authz/search/subjects"
OBJECTS = "/api/v1/authz/search/objects"
OF_ACTIONS = "/api/v1/authz/search/actions"


@pytest.fixture
def world(settings):
    rng = random.Random(7)
    PEOPLE[:] = sorted(
        (
            SubjectFacts(
                f"user:{number}",
                frozenset(rng.sample(ROLES, rng.randint(0, 2))),
                {"id": str(number), "department": rng.choice(PLACES), "location": rng.choice(PLACES)},
            )
            for number in range(40)
        ),
        key=lambda facts: facts.subject,
    )
    paths = {"/".join(rng.choice("ab") for _ in range(rng.randint(1, 3))) for _ in range(60)}
    THINGS[:] = [
        ObjectFacts(path, {"owner": rng.choice("12"), "public": rng.random() < 0.5, "department": rng.choice(PLACES)})
        for path in sorted(paths)
    ]
    here = "tests.accounts.access.asking.searched_world."
    settings.ACCESS = {
        **settings.ACCESS,
        "CANDIDATES": f"{here}candidates",
        "OBJECTS": f"{here}things",
        "FIND_OBJECT": f"{here}find_thing",
    }
    return rng


def all_pages(look, limit):
    names, after = [], ""
    while True:
        page = look(after=after, limit=limit)
        assert len(page.found) <= limit
        assert all(found.decision.is_allowed for found in page.found)
        names += [found.name for found in page.found]
        if page.next is None:
            return names
        assert page.next > after
        after = page.next


@pytest.mark.parametrize("engine", [CompiledPolicy, CasbinPolicy])
def test_is_equal_to_trying_all(world, engine):
    found_any = 0
    for _ in range(60):
        policy = engine(rules=random_rules(world), parents=random_parents(world), version=1)
        who, thing, action = world.choice(PEOPLE), world.choice(THINGS), world.choice(ACTIONS)
        how = {"policy": policy, "at": START}
        limit = world.randint(1, 9)

        def allowed(facts, thing, action, policy=policy):
            question = Question(thing.path, action, {"resource": thing.attributes})
            return decisions.evaluate(policy, facts, question, at=START).is_allowed

        subjects = all_pages(partial(search.subjects, Question(thing.path, action), **how), limit)
        assert subjects == [facts.subject for facts in PEOPLE if allowed(facts, thing, action)]
        objects = all_pages(partial(search.objects, who, action, {}, **how), limit)
        assert objects == [each.path for each in THINGS if allowed(who, each, action)]
        within = all_pages(partial(search.objects, who, action, {}, within="a/b", **how), limit)
        assert within == [path for path in objects if path.startswith("a/b")]
        named = {rule.action for rule in policy.rules} - {"*"}
        actions = all_pages(partial(search.actions, who, Question(thing.path, ""), **how), limit)
        assert actions == sorted(each for each in named if allowed(who, thing, each))
        found_any += len(subjects) + len(objects) + len(actions)
    assert found_any > 20, found_any


@pytest.mark.usefixtures("world")
def test_tries_no_more_than_its_bound_in_a_call():
    PEOPLE[:] = [SubjectFacts(f"user:{number:05}", frozenset({"staff"})) for number in range(search.MOST_TRIED + 50)]
    needs = {"name": "equals", "arguments": {"attribute": "subject.level", "value": 1}}
    rule = Rule("1", "role:staff", "**", "*", Effect.ALLOW, conditions=[needs])
    policy = CompiledPolicy(rules=[rule], parents={"staff": []}, version=1)
    page = search.subjects(Question("a", "read"), after="", limit=50, policy=policy, at=START)
    assert (page.found, page.next) == ([], f"user:{search.MOST_TRIED - 1:05}")
    page = search.subjects(Question("a", "read"), after=page.next, limit=50, policy=policy, at=START)
    assert page.next is None


@pytest.mark.django_db
class TestCalls:
    def test_finds_people_and_service_clients_who_exist(self, policy):
        policy.add(
            {"subject": "role:reader", "object": "documents/*", "action": "read", "effect": "allow"},
            roles=["reader", ("senior", ["reader"])],
        )
        readers = [UserFactory() for _ in range(3)]
        give(readers[0], "reader")
        give(readers[1], "senior")
        give(readers[2], "reader")
        readers[2].is_active = False
        readers[2].save()
        named = UserFactory()
        UserFactory()
        boss = UserFactory(admin=True)
        policy.allow(f"user:{named.pk}", "documents/7")
        api, client = service("authz:check")
        policy.allow(f"client:{client}", "documents/*")
        body = {"object": "documents/7", "action": "read"}
        answer = api.post(SUBJECTS, body, format="json").json()
        wanted = [f"client:{client}", *sorted(f"user:{user.pk}" for user in (*readers[:2], named, boss))]
        assert [each["subject"] for each in answer["results"]] == wanted
        assert answer["next"] is None
        assert {each["matched"] for each in answer["results"]} == {None}
        # As everybody is tried:
        found = [
            facts.subject
            for facts in existing_subjects("", 100, timezone.now())
            if decisions.decide(facts, Question("documents/7", "read"), at=timezone.now()).is_allowed
        ]
        assert found == wanted
        # Page by page:
        names, cursor = [], ""
        while cursor is not None:
            page = api.post(SUBJECTS, {**body, "limit": 2, "cursor": cursor}, format="json").json()
            names += [each["subject"] for each in page["results"]]
            cursor = page["next"]
        assert names == wanted

    def test_finds_objects_and_actions_of_oneself(self, policy):
        api, user = person("authz:explain")
        give(user, "authz:explain", "users:read")
        answer = api.post(OBJECTS, {"action": "use"}, format="json").json()
        assert [each["object"] for each in answer["results"]] == ["permissions/authz:explain", "permissions/users:read"]
        assert answer["results"][0]["matched"]["rule"] == "authz:explain"
        policy.allow(f"user:{user.pk}", "documents/*", "read")
        policy.allow(f"user:{user.pk}", "**", "edit")
        answer = api.post(OF_ACTIONS, {"object": "documents/7"}, format="json").json()
        assert [each["action"] for each in answer["results"]] == ["edit", "read"]

    def test_asks_for_a_permission(self, policy):
        api, user = person()
        other = UserFactory()
        assert api.post(SUBJECTS, {"object": "a", "action": "read"}, format="json").status_code == 403
        for url, body in ((OBJECTS, {"action": "read"}), (OF_ACTIONS, {"object": "a"})):
            assert api.post(url, {**body, "subject": f"user:{other.pk}"}, format="json").status_code == 403
            assert api.post(url, {**body, "subject": f"user:{user.pk}"}, format="json").status_code == 200

    @pytest.mark.parametrize(
        "cursor", ["user:", "user:x", "client:", "zzz", "user:00000000-0000-0000-0000-000000000000"]
    )
    def test_takes_any_cursor(self, policy, cursor):
        api, _ = person("authz:check")
        response = api.post(SUBJECTS, {"object": "a", "action": "read", "cursor": cursor}, format="json")
        assert response.status_code == 200

    @pytest.mark.parametrize(
        "change", [{"limit": 0}, {"limit": 201}, {"limit": "5"}, {"cursor": 5}, {"cursor": "a\n"}, {"subject": "x"}]
    )
    def test_names_what_is_wrong(self, policy, change):
        api, _ = person("authz:check")
        response = api.post(SUBJECTS, {"object": "a", "action": "read", **change}, format="json")
        assert (response.status_code, response.json()["errors"][0]["field"]) == (422, next(iter(change)))

    def test_says_that_nobody_may_nothing(self, policy):
        api, _ = person("authz:check")
        for url, body in ((OBJECTS, {"action": "read"}), (OF_ACTIONS, {"object": "a"})):
            answer = api.post(url, {**body, "subject": "user:nobody"}, format="json").json()
            assert (answer["results"], answer["next"]) == ([], None)

    def test_reads_few_people_of_many(self, policy, django_assert_max_num_queries):
        UserFactory.create_batch(30)
        reader = UserFactory()
        policy.allow(f"user:{reader.pk}", "documents/*")
        policy.add(roles=["reader"])
        give(reader, "reader")
        found = access_settings.CANDIDATES({f"user:{reader.pk}"}, {"reader"}, "", 200, timezone.now())
        assert [facts.subject for facts in found] == [f"user:{reader.pk}"]
        api, _ = person("authz:check")
        with django_assert_max_num_queries(6):
            api.post(SUBJECTS, {"object": "documents/1", "action": "read"}, format="json")
