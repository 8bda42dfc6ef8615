"""Limits that services check by a policy's name, for what no route tells, such as the account that was typed in.

Keys are digested before they reach a store: it contains neither names nor addresses in clear text.
"""

from __future__ import annotations

from collections.abc import Mapping

from cedrina_base import database_clock
from ratelimiting.conf import rate_limiting_settings
from ratelimiting.keys import address_network
from ratelimiting.policy_schema import GLOBAL, IP
from ratelimiting.services import active_policies, enforcement, refusal_reports
from ratelimiting.services.levels import KeyedLevel, levels_for_key
from ratelimiting.types import LimitDecision, Mode, RequestAttributes

Key = str | Mapping[str, str]


def check(*, name: str, key: Key, cost: int | None = None) -> LimitDecision:
    """Charge a limit if it allows that, and return whether it did.

    ``key`` is the value of the policy's only part, or a mapping if its scope has several. If there is no policy of the
    name, or its mode is ``off``, everything is allowed.
    """
    levels = _levels(name, key, cost)
    decision = enforcement.decide([level for level, _ in levels])
    if not all(result.is_allowed for result in decision.results):
        attributes = RequestAttributes(route=f"service:{name}")
        refusal_reports.count_refusals(
            decision=decision, levels=levels, attributes=attributes, now=database_clock.now()
        )
    return decision


def peek(*, name: str, key: Key, cost: int | None = None) -> LimitDecision:
    """Return what :func:`check` would, without charging anything."""
    return enforcement.peek([level for level, _ in _levels(name, key, cost)])


def charge(*, name: str, key: Key, cost: int | None = None) -> None:
    """Charge a limit, if it has room, for what has already happened. No refusal is counted."""
    enforcement.decide([level for level, _ in _levels(name, key, cost)])


def reset(*, name: str, key: Key) -> None:
    """Delete the count of a key; of an IPv6 network also those of the wider networks around it."""
    levels = _levels(name, key, None)
    if levels:
        enforcement.reset([level.key for level, _ in levels])


def _levels(name: str, key: Key, cost: int | None) -> list[KeyedLevel]:
    policy = active_policies.current().policies.get(name) if rate_limiting_settings.ENABLED else None
    if policy is None or policy.mode is Mode.OFF:
        return []
    wanted = [part for part in policy.scope if part != GLOBAL]
    given = dict(key) if isinstance(key, Mapping) else dict.fromkeys(wanted[:1], key)
    parts = {part: address_network(given[part]) if part == IP else given[part] for part in wanted}
    return levels_for_key(active=active_policies.activate(policy=policy), parts=parts, cost=cost)
