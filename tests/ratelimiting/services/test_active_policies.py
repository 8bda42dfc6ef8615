"""The policies in force, from all their sources."""

import pytest
from django.utils import timezone

from ratelimiting.errors import PolicyInvalid
from ratelimiting.models import RateLimitPolicy
from ratelimiting.services import active_policies, policies
from tests.ratelimiting.policy_documents import BOSS, NAMED_KEYS, document


@pytest.fixture
def given(settings):
    """Set what the settings say."""

    def give(profile=(), overrides=()):
        settings.RATELIMITING = {"POLICIES": list(profile), "OVERRIDES": list(overrides), "KEYS": NAMED_KEYS}

    return give


def plan(route="login", method="POST", tier=None):
    return [rule.policy.name for rule in active_policies.current().for_request(route=route, method=method, tier=tier)]


class TestSources:
    def test_override_each_other_by_name(self, given, db, django_capture_on_commit_callbacks):
        given(
            [document(name="a", limit=1), document(name="b", limit=1)], [{"name": "b", "limit": 2}, document(name="c")]
        )
        with django_capture_on_commit_callbacks(execute=True):
            policies.create(document=document(name="c", limit=3), author=BOSS, reason="more", now=timezone.now())

        found = active_policies.current()
        assert {name: (policy.limit, found.sources[name]) for name, policy in found.policies.items()} == {
            "a": (1, "profile"),
            "b": (2, "environment"),
            "c": (3, "database"),
        }
        assert found.version == 1

    @pytest.mark.parametrize(
        ("profile", "overrides", "sentence"),
        [
            ([document(limit=0)], [], "RATELIMITING['POLICIES']: policy 'some', limit: must be a whole number"),
            ([document()], [{"name": "some", "limt": 1}], "RATELIMIT_POLICIES .*: policy 'some', limt: is no member"),
            ([], [{"name": "new", "limit": 1}], "RATELIMIT_POLICIES .*: policy 'new', window: is missing"),
            (
                [document()],
                [{"name": "soem", "limit": 1}],
                "soem', name: overrides no policy, .*; the nearest are some",
            ),
            ([], ["x"], "policy '?', policy: must be an object"),
            ([document(match={"unless": ["other"]})], [], "match.unless: other is no policy; there are some"),
        ],
    )
    def test_name_their_mistakes(self, given, profile, overrides, sentence):
        given(profile, overrides)
        with pytest.raises(PolicyInvalid, match=sentence.replace("[", r"\[").replace("?", r"\?")):
            active_policies.from_settings()

    def test_do_without_a_row_that_can_not_be_applied(self, given, db, django_capture_on_commit_callbacks, caplog):
        given()
        with django_capture_on_commit_callbacks(execute=True):
            policies.create(
                document=document(name="typed", scope=["account"]), author=BOSS, reason="r", now=timezone.now()
            )
            policies.create(document=document(), author=BOSS, reason="r", now=timezone.now())
        given_without = {"POLICIES": [], "KEYS": {}}
        from django.test import override_settings

        with override_settings(RATELIMITING=given_without):
            assert set(active_policies.current().policies) == {"some"}
        assert "account is no part of a key" in caplog.text


class TestRefresh:
    def test_follows_the_version_and_is_one_query_while_nothing_changes(self, given, db, django_assert_num_queries):
        given()
        policies.create(document=document(), author=BOSS, reason="r", now=timezone.now())
        assert "some" not in active_policies.current().policies

        assert active_policies.refresh() == 1
        assert "some" in active_policies.current().policies
        with django_assert_num_queries(1):
            active_policies.refresh()

    def test_trusts_the_version_and_not_the_rows(self, given, db):
        given()
        policies.create(document=document(), author=BOSS, reason="r", now=timezone.now())
        RateLimitPolicy.objects.update(limit=99)
        active_policies.refresh()
        assert active_policies.current().policies["some"].limit == 2


class TestForgetStored:
    def test_goes_back_to_the_settings(self, given, db):
        given([document(name="a")])
        policies.create(document=document(name="b"), author=BOSS, reason="more", now=timezone.now())
        active_policies.refresh()
        assert set(active_policies.current().policies) == {"a", "b"}

        active_policies.forget_stored()

        assert set(active_policies.current().policies) == {"a"}

    def test_keeps_what_was_made_of_the_settings_alone(self, given):
        given([document(name="a")])
        before = active_policies.current()

        active_policies.forget_stored()

        assert active_policies.current() is before


class TestPlan:
    def test_leaves_out_what_is_off_and_what_does_not_fit(self, given):
        given(
            [
                document(name="all"),
                document(name="off", mode="off"),
                document(name="get", match={"methods": ["GET"]}),
                document(name="pro", match={"tier": "pro"}),
            ]
        )
        assert plan() == ["all"]
        assert plan(method="GET") == ["all", "get"]
        assert plan(method="HEAD") == ["all", "get"]
        assert plan(tier="pro") == ["all", "pro"]

    def test_leaves_out_what_gives_way(self, given):
        given(
            [
                document(name="sign-in", match={"routes": ["login"]}),
                document(name="tried", match={"routes": ["me"]}, mode="shadow"),
                document(name="rest", match={"unless": ["sign-in", "tried"]}),
            ]
        )
        assert plan("login") == ["sign-in"]
        assert plan("me") == ["tried", "rest"]
        assert plan("") == ["rest"]

    def test_does_not_grow_with_what_clients_invent(self, given):
        given([document()])
        for number in range(5000):
            plan(method=active_policies.method_group(method=f"M{number}"))
        assert len(active_policies.current()._cache) == 1
