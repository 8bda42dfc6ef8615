"""Django's cache in Redis, without repeated attempts."""

from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis.backoff import NoBackoff
from redis.retry import Retry


class SingleAttemptRedisCache(RedisCache):
    """Ask Redis once. redis-py retries three times with delays: a timeout of one second would become ten."""

    def __init__(self, server: str | list[str], params: dict[str, Any]) -> None:
        options = {**params.get("OPTIONS", {}), "retry": Retry(NoBackoff(), 0)}
        super().__init__(server, {**params, "OPTIONS": options})
