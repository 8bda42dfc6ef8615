import pytest
from django.core.checks import run_checks
from django.db import connection
from django.utils import timezone

from accounts.models.users import Tier
from ratelimiting.services import policies
from tests.ratelimiting.policy_documents import BOSS, document


def found(settings, **values):
    settings.RATELIMITING = values
    return [message.id for message in run_checks() if message.id.startswith("ratelimiting.")]


class TestCheckSettings:
    def test_finds_nothing_in_what_is_shipped(self):
        assert [message for message in run_checks() if message.id.startswith("ratelimiting.")] == []

    def test_refuses_an_unknown_name(self, settings):
        assert found(settings, STORE_DEADLIN=1) == ["ratelimiting.E001"]

    @pytest.mark.parametrize("name", ["STORE_DEADLINE", "STORE_FAILURES", "STORE_PAUSE", "LOCAL_STORE_KEYS"])
    def test_refuses_a_bound_that_bounds_nothing(self, settings, name):
        assert found(settings, **{name: 0}) == ["ratelimiting.E003"]

    @pytest.mark.parametrize("prefix", ["rl:", "{}:", "{rl", "rl}:{", "{}{rl}:"])
    def test_refuses_a_prefix_that_scatters_keys_over_a_cluster(self, settings, prefix):
        assert found(settings, STORE_PREFIX=prefix) == ["ratelimiting.E004"]

    @pytest.mark.parametrize("source", ["POLICIES", "OVERRIDES"])
    def test_refuses_a_policy_for_a_route_or_a_tier_that_does_not_exist(self, settings, source):
        misspelt = document(match={"routes": ["lgoin", "me"], "tier": "gold"})
        settings.RATELIMITING = {**settings.RATELIMITING, "POLICIES": [document()], "OVERRIDES": [], source: [misspelt]}
        texts = [message.msg for message in run_checks() if message.id == "ratelimiting.E005"]
        assert [text.partition("policy 'some', ")[2] for text in texts] == [
            "match.routes: lgoin is no route, so nothing would be limited; the nearest are login.",
            "match.tier: gold is no tier, so nothing would be limited; there are free, pro, enterprise.",
        ]

    def test_takes_a_prefix_with_a_hash_tag(self, settings):
        assert found(settings, STORE_PREFIX="one:{rl}:") == []

    def test_knows_the_tiers_that_people_have(self, settings):
        assert settings.RATELIMITING["TIERS"] == Tier.values


@pytest.mark.django_db
class TestCheckStoredPolicies:
    def found(self):
        return [each for each in run_checks(databases=["default"]) if each.id == "ratelimiting.W001"]

    def test_warns_of_a_stored_policy_whose_route_has_disappeared(self, settings):
        policies.create(
            document=document(match={"routes": ["me", "totp"], "tier": "pro"}),
            author=BOSS,
            reason="r",
            now=timezone.now(),
        )
        assert self.found() == []
        settings.ROOT_URLCONF = "tests.ratelimiting.one_route"
        settings.RATELIMITING = {**settings.RATELIMITING, "POLICIES": [], "TIERS": ["free"]}
        members = [warning.msg.partition("policy 'some', ")[2].partition(" ")[0] for warning in self.found()]
        assert members == ["match.routes:", "match.routes:", "match.tier:"]

    def test_says_nothing_while_there_is_no_table(self, settings):
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE ratelimiting_policyversion RENAME TO away")
        assert self.found() == []
