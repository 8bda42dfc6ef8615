import pytest
from django.core.checks import run_checks


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

    def test_takes_a_prefix_with_a_hash_tag(self, settings):
        assert found(settings, STORE_PREFIX="one:{rl}:") == []
