import pytest

from ratelimiting.services import enforcement
from ratelimiting.stores.fallback import FallbackStore
from ratelimiting.stores.memory import MemoryStore
from ratelimiting.stores.protocol import StoreUnavailable
from ratelimiting.types import Algorithm, Level, Mode, Quota

ONE = Quota(Algorithm.FIXED_WINDOW, 1, 30 * 86_400.0)
LEVEL = Level("p", ONE, "k")
OFF = Level("off", ONE, "off", mode=Mode.OFF)


@pytest.fixture
def alone(settings):
    settings.RATELIMITING = {"REDIS_URL": None}


@pytest.fixture
def together(settings, redis_url, prefix):
    settings.RATELIMITING = {"REDIS_URL": redis_url, "STORE_PREFIX": prefix, "STORE_DEADLINE": 30}


@pytest.fixture
def failing(settings):
    settings.RATELIMITING = {"REDIS_URL": "redis://127.0.0.1:1/0"}


class TestStore:
    def test_is_this_process_without_redis(self, alone):
        assert isinstance(enforcement.store(), MemoryStore)

    def test_is_redis_with_this_process_behind_it(self, together):
        assert isinstance(enforcement.store(), FallbackStore)

    def test_stays_the_same_until_the_settings_change(self, alone, settings):
        first = enforcement.store()
        assert enforcement.store() is first
        settings.RATELIMITING = {"LOCAL_STORE_KEYS": 5}
        assert enforcement.store() is not first

    def test_is_another_when_it_was_forgotten(self, alone):
        first = enforcement.store()
        enforcement.forget_store()
        assert enforcement.store() is not first


@pytest.mark.parametrize("where", ["alone", "together", "failing"])
class TestDecide:
    def test_charges_what_passes(self, request, where):
        request.getfixturevalue(where)
        assert [enforcement.decide([LEVEL]).is_allowed for _ in range(3)] == [True, False, False]

    def test_says_whether_this_process_stands_in(self, request, where):
        request.getfixturevalue(where)
        assert enforcement.decide([LEVEL]).is_local == (where == "failing")

    def test_leaves_out_what_is_off(self, request, where):
        request.getfixturevalue(where)
        decision = enforcement.decide([OFF, LEVEL])
        assert [verdict.level for verdict in decision.results] == [LEVEL]
        assert enforcement.decide([OFF]).results == enforcement.decide([]).results == ()


@pytest.mark.parametrize("where", ["alone", "together", "failing"])
class TestPeek:
    def test_charges_nothing(self, request, where):
        request.getfixturevalue(where)
        assert [enforcement.peek([LEVEL, OFF]).is_allowed for _ in range(3)] == [True] * 3
        assert enforcement.peek([OFF]).results == ()


class TestReset:
    @pytest.mark.parametrize("where", ["alone", "together"])
    def test_gives_back_the_whole_quota(self, request, where):
        request.getfixturevalue(where)
        enforcement.decide([LEVEL])
        assert enforcement.reset(["k", "nobody"]) == 1
        assert enforcement.decide([LEVEL]).is_allowed

    def test_says_when_redis_could_not_be_told(self, failing):
        with pytest.raises(StoreUnavailable):
            enforcement.reset(["k"])
