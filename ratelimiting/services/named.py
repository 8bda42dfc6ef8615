"""Limits that services ask for by name, for what no route tells: an account that was typed in, say.

Keys are digested before they reach a store: neither a name nor an address stands there in clear.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ratelimiting.conf import rate_limiting_settings
from ratelimiting.keys import network_of
from ratelimiting.policy import GLOBAL, IP
from ratelimiting.services import enforcement, rules, tally
from ratelimiting.services.judging import Facts, levels_for
from ratelimiting.types import Decision, Level, Mode

if TYPE_CHECKING:
    from datetime import datetime

Key = str | Mapping[str, str]


def check(*, name: str, key: Key, cost: int | None = None, now: datetime | None = None) -> Decision:
    """Take from a limit if it lets this pass, and say whether it did.

    ``key`` is the value of the policy's only part, or a mapping where its scope has several. Where there is no policy
    of the name, or it is off, all passes.
    """
    found = _levels(name, key, cost)
    decision = enforcement.decide([level for level, _ in found])
    for verdict, (_, parts) in zip(decision.verdicts, found, strict=True):
        if not verdict.is_allowed:
            tally.note(verdict=verdict, parts=parts, facts=Facts(route=f"service:{name}"), now=now)
    return decision


def peek(*, name: str, key: Key, cost: int | None = None) -> Decision:
    """Say what :func:`check` would, and take nothing."""
    return enforcement.peek([level for level, _ in _levels(name, key, cost)])


def charge(*, name: str, key: Key, cost: int | None = None) -> None:
    """Take from a limit for what has happened already; there is nobody to be refused."""
    enforcement.decide([level for level, _ in _levels(name, key, cost)])


def reset(*, name: str, key: Key) -> None:
    """Let a key begin anew, an IPv6 network with the wider ones around it."""
    found = _levels(name, key, None)
    if found:
        enforcement.reset([level.key for level, _ in found])


def _levels(name: str, key: Key, cost: int | None) -> list[tuple[Level, dict[str, str]]]:
    policy = rules.current().policies.get(name) if rate_limiting_settings.ENABLED else None
    if policy is None or policy.mode is Mode.OFF:
        return []
    wanted = [part for part in policy.scope if part != GLOBAL]
    given = dict(key) if isinstance(key, Mapping) else dict.fromkeys(wanted[:1], key)
    parts = {part: network_of(given[part]) if part == IP else given[part] for part in wanted}
    return levels_for(rule=rules.rule_of(policy=policy), parts=parts, cost=cost)
