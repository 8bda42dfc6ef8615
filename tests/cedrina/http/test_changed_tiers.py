"""What a changed tier changes, and when."""

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from cedrina.http import changed_tiers
from cedrina.settings.rate_limits import profile
from tests.factories.accounts import UserFactory
from tests.factories.tokens import open_session
from tokens.access_tokens.codec import decode_access_token

pytestmark = pytest.mark.django_db
ME, REFRESH = "/api/v1/auth/me", "/api/v1/auth/refresh"


@pytest.fixture(autouse=True)
def limits(settings):
    changed_tiers._tiers.clear()
    policies = [policy for policy in profile("production") if policy["name"] != "global"]  # it would be the tightest
    settings.RATELIMITING = {**settings.RATELIMITING, "POLICIES": policies, "REDIS_URL": None}
    yield
    changed_tiers._tiers.clear()


@pytest.fixture
def api():
    return APIClient()


@pytest.fixture
def person(api):
    user = UserFactory(tier="free")
    use(api, pair := open_session(user=user))
    return user, pair


def use(api, pair):
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {pair.access_token}")


def limit_of(api):
    """Return the tightest limit of a request, and the tier that its response shows."""
    answer = api.get(ME)
    assert answer.status_code == 200, answer.json()
    return answer["RateLimit-Policy"], answer.json()["tier"]


class TestTier:
    def test_multiplies_limits_after_one_request_with_the_same_token(self, api, person, django_assert_num_queries):
        user, _ = person
        assert limit_of(api) == ('"user";q=300;w=60', "free")
        for tier, before, after in (
            ("pro", '"user";q=300;w=60', '"user-pro";q=1500;w=60'),
            ("enterprise", '"user-pro";q=1500;w=60', '"user-enterprise";q=6000;w=60'),
            ("free", '"user-enterprise";q=6000;w=60', '"user";q=300;w=60'),
        ):
            User.objects.filter(pk=user.pk).update(tier=tier)
            with django_assert_num_queries(2):
                assert limit_of(api) == (before, tier)
                assert limit_of(api) == (after, tier)
        assert changed_tiers._tiers == {}

    def test_stands_in_the_next_token(self, api, person):
        user, pair = person
        User.objects.filter(pk=user.pk).update(tier="pro")
        limit_of(api)
        assert changed_tiers._tiers == {user.pk: "pro"}

        renewed = api.post(REFRESH, {"refresh_token": pair.refresh_token}, format="json").json()
        assert decode_access_token(renewed["access_token"]).tier == "pro"
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {renewed['access_token']}")
        assert limit_of(api) == ('"user-pro";q=1500;w=60', "pro")
        assert changed_tiers._tiers == {}

    @pytest.mark.attack("CWE-400")
    def test_is_remembered_of_so_many_users(self, api, monkeypatch):
        monkeypatch.setattr(changed_tiers, "MOST_USERS", 2)
        for _ in range(4):
            user = UserFactory(tier="free")
            use(api, open_session(user=user))
            User.objects.filter(pk=user.pk).update(tier="pro")
            limit_of(api)
        assert len(changed_tiers._tiers) == 2
        assert user.pk in changed_tiers._tiers

    def test_of_nobody_is_learned_from_a_refused_token(self, api, person):
        user, _ = person
        User.objects.filter(pk=user.pk).update(tier="pro", is_active=False)
        assert api.get(ME).status_code == 401
        api.credentials(HTTP_AUTHORIZATION="Bearer x")
        assert api.get(ME).status_code == 401
        assert changed_tiers._tiers == {}
