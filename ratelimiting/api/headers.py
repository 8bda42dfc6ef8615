"""Response headers that show a quota: draft-ietf-httpapi-ratelimit-headers, and the older X- names."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ratelimiting.types import LevelResult

IETF_NAMES = ("RateLimit-Policy", "RateLimit")
NAMES = (*IETF_NAMES, "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


def render(result: LevelResult, *, unix_now: float) -> tuple[tuple[str, str], ...]:
    """Return the headers for a level. The names of policies need no escaping in a structured field (RFC 9651)."""
    level = result.level
    quota = level.quota
    name, limit, left = level.policy, quota.burst or quota.limit, max(0, result.remaining)
    wait = result.reset_after if result.is_allowed else result.retry_after
    return (
        ("RateLimit-Policy", f'"{name}";q={quota.limit};w={math.ceil(quota.window)}'),
        ("RateLimit", f'"{name}";r={left};t={math.ceil(wait)}'),
        ("X-RateLimit-Limit", str(limit)),
        ("X-RateLimit-Remaining", str(left)),
        ("X-RateLimit-Reset", str(math.ceil(unix_now + wait))),
    )


def seconds_to_wait(retry_after: float) -> int:
    """Return the value of Retry-After: whole seconds, rounded up, at least 1 (RFC 9110, 10.2.3)."""
    return max(1, math.ceil(retry_after))
