"""The limiters side by side: each gives a function that checks one request by some levels and says whether it passes.

All limits are LIMIT a minute. A contender gets a new name when its levels are used up, so that most checks pass.
"""

import functools
import hashlib
import os
import uuid

import django
from django.conf import settings

URL = os.environ["REDIS_URL"]
LIMIT = 100
RATES = {f"level{i}": f"{LIMIT}/min" for i in range(4)}
settings.configure(
    INSTALLED_APPS=[],
    SECRET_KEY="none",
    CACHES={"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": URL}},
    # A busy machine is not what is compared: nobody else gives up on Redis either.
    RATELIMITING={"REDIS_URL": URL, "STORE_DEADLINE": 5.0},
    REST_FRAMEWORK={"DEFAULT_THROTTLE_RATES": RATES, "UNAUTHENTICATED_USER": None},
)
django.setup()

import limits as limits_library
import redis
import throttled
from django.test import RequestFactory
from django_ratelimit.core import is_ratelimited
from rest_framework.throttling import SimpleRateThrottle

from ratelimiting.services import enforcement
from ratelimiting.stores.redis_connections import RedisConnectionPool
from ratelimiting.types import Algorithm, Level, Quota


class Contender:
    """Checks requests; `begin` gives its levels fresh names."""

    def __init__(self, name, begin, check):
        self.name, self.begin, self.check = name, begin, check


def cedrina(algorithm):
    quota = Quota(algorithm, LIMIT, 60.0)
    decide = enforcement.decide

    def begin(levels):
        name = uuid.uuid4().hex
        return [Level(f"p{i}", quota, f"{name}{i}") for i in range(levels)]

    return Contender(f"cedrina {algorithm}", begin, lambda levels: decide(levels).is_allowed)


def of_limits(name, strategy):
    limiter = strategy(limits_library.storage.storage_from_string(URL))
    item = limits_library.parse(f"{LIMIT}/minute")

    def begin(levels):
        return [(uuid.uuid4().hex,) for _ in range(levels)]

    def check(names):
        return all([limiter.hit(item, *name) for name in names])

    return Contender(f"limits {name}", begin, check)


def of_throttled(algorithm):
    limiter = throttled.Throttled(
        using=algorithm, quota=throttled.per_min(LIMIT), store=throttled.RedisStore(server=URL)
    )

    def begin(levels):
        return [uuid.uuid4().hex for _ in range(levels)]

    def check(names):
        return not any([limiter.limit(name).limited for name in names])

    return Contender(f"throttled-py {algorithm}", begin, check)


def of_django_ratelimit():
    request = RequestFactory().get("/")

    def begin(levels):
        name = uuid.uuid4().hex
        return [(f"{name}{i}", lambda group, request, key=f"{name}{i}": key) for i in range(levels)]

    def check(levels):
        return not any(
            [is_ratelimited(request, group=group, key=key, rate=f"{LIMIT}/m", increment=True) for group, key in levels]
        )

    return Contender("django-ratelimit", begin, check)


class Throttle(SimpleRateThrottle):
    def __init__(self, scope, name):
        self.scope, self.name = scope, name
        super().__init__()

    def get_cache_key(self, request, view):
        return self.name


def of_drf():
    request = RequestFactory().get("/")

    def begin(levels):
        return [(f"level{i}", uuid.uuid4().hex) for i in range(levels)]

    def check(names):
        # A throttle is made for each request, as APIView.get_throttles does.
        return all([Throttle(scope, name).allow_request(request, None) for scope, name in names])

    return Contender("DRF throttle", begin, check)


def bare(name, evalsha, *, with_arguments=True):
    """A script that does nothing: the time of a round trip, and no limit at all.

    It is given as many keys and as long an argument as our own script is for that many levels.
    """
    script = "return 1"
    redis.Redis.from_url(URL).script_load(script)
    digest = hashlib.sha1(script.encode()).hexdigest()

    def begin(levels):
        if not with_arguments:
            return (digest, 0)
        return (digest, levels, *[f"{{rl}}:{uuid.uuid4().hex}" for _ in range(levels)], bytes(9 + 42 * levels))

    return Contender(f"bare EVALSHA, {name}", begin, lambda arguments: evalsha(*arguments) == 1)


class Server:
    """What Redis tells of itself."""

    def __init__(self):
        self.client = redis.Redis.from_url(URL)

    def cpu(self):
        """Return the CPU seconds that it has used."""
        figures = self.client.info("cpu")
        return figures["used_cpu_user"] + figures["used_cpu_sys"]

    def reads(self):
        """Return how often something came in: of one client that waits for each answer, its round trips."""
        return self.client.info("stats")["total_reads_processed"]


def everyone():
    strategies = limits_library.strategies
    client, connections = redis.Redis.from_url(URL), RedisConnectionPool(URL, deadline=5.0)
    return [
        bare("redis-py", client.evalsha),
        bare("redis-py, no arguments", client.evalsha, with_arguments=False),
        bare("our connections", functools.partial(connections.execute, "EVALSHA")),
        *[cedrina(algorithm) for algorithm in Algorithm],
        of_limits("fixed window", strategies.FixedWindowRateLimiter),
        of_limits("moving window", strategies.MovingWindowRateLimiter),
        of_limits("sliding window", strategies.SlidingWindowCounterRateLimiter),
        *[of_throttled(algorithm) for algorithm in ("fixed_window", "token_bucket", "gcra")],
        of_django_ratelimit(),
        of_drf(),
    ]
