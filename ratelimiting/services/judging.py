"""From the facts of a request to one decision over all the policies that apply to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ratelimiting import keys
from ratelimiting.addresses import networks_of
from ratelimiting.callers import NOBODY, Caller
from ratelimiting.conf import rate_limiting_settings
from ratelimiting.policy import ENDPOINT, GLOBAL, IP, TIER, USER
from ratelimiting.policy import LEVELS as KNOWN_PARTS
from ratelimiting.services import enforcement, rules, tally
from ratelimiting.types import Decision, Level, Mode, Quota, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from ratelimiting.services.rules import Rule, RuleSet

UNMATCHED = ""
# What is remembered of the texts of a refused request.
LONGEST_USER_AGENT, LONGEST_METHOD = 512, 32
LEVELS = frozenset(KNOWN_PARTS)


def _nothing(_name: str) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Facts:
    """What limits depend on: the name of the route, never the path, and who calls from where.

    ``find`` looks a named key up, which may mean reading a body; it is asked only where a policy needs it.
    """

    route: str = UNMATCHED
    method: str = "GET"
    address: str | None = None
    caller: Caller = NOBODY
    find: Callable[[str], str | None] = _nothing
    user_agent: str = ""
    correlation_id: str = ""

    def kept(self) -> Facts:
        """Return them without the request that ``find`` looks into, to be told of when it is gone."""
        return replace(
            self, find=_nothing, user_agent=self.user_agent[:LONGEST_USER_AGENT], method=self.method[:LONGEST_METHOD]
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """A decision, and the one of its verdicts that the caller is shown."""

    decision: Decision
    shown: Verdict | None = None

    @property
    def is_allowed(self) -> bool:
        return self.decision.is_allowed

    @property
    def retry_after(self) -> float:
        """Return after how many seconds all levels would let the same request pass."""
        waits = [v.retry_after for v in self.decision.verdicts if v.level.mode is Mode.ENFORCE and not v.is_allowed]
        return max(waits, default=0.0)


UNLIMITED = Outcome(Decision(()))


def judge(*, facts: Facts, now: datetime | None = None) -> Outcome:
    """Decide over a request by all its policies at once, and note down whom they refuse."""
    if not rate_limiting_settings.ENABLED:
        return UNLIMITED
    counted = levels_of(facts=facts, among=rules.current())
    if not counted:
        return UNLIMITED
    decision = enforcement.decide([level for level, _ in counted])
    for verdict, (_, parts) in zip(decision.verdicts, counted, strict=True):
        if not verdict.is_allowed:
            tally.note(verdict=verdict, parts=parts, facts=facts, now=now)
    # Of a name that was typed in it is not told how much is left: somebody else may have used it up.
    public = [v for v, (_, parts) in zip(decision.verdicts, counted, strict=True) if parts.keys() <= LEVELS]
    return Outcome(decision, Decision(tuple(public)).tightest)


def levels_of(*, facts: Facts, among: RuleSet) -> list[tuple[Level, dict[str, str]]]:
    """Return the levels that apply to a request, each with what its key is made of."""
    method = rules.known_method(method=facts.method)
    found = []
    for rule in among.plan(route=facts.route, method=method, tier=facts.caller.tier):
        parts = _parts(rule, facts)
        if parts is not None:
            found.append((level_of(rule=rule, parts=parts), parts))
            if rule.wider and ":" in parts[IP]:
                found += _wider_levels(rule, parts)
    return found


def levels_for(*, rule: Rule, parts: dict[str, str], cost: int | None = None) -> list[tuple[Level, dict[str, str]]]:
    """Return a policy applied to these parts of its key, and to the wider networks where they name one of IPv6."""
    own = (level_of(rule=rule, parts=parts, cost=cost), parts)
    return [own, *_wider_levels(rule, parts, cost)] if rule.wider and ":" in parts[IP] else [own]


def _wider_levels(rule: Rule, parts: dict[str, str], cost: int | None = None) -> Iterator[tuple[Level, dict[str, str]]]:
    around = networks_of(parts[IP].partition("/")[0])[1:]
    for quota, network in zip(rule.wider, around, strict=True):
        wider = {**parts, IP: network}
        yield level_of(rule=rule, parts=wider, cost=cost, quota=quota), wider


def level_of(*, rule: Rule, parts: dict[str, str], cost: int | None = None, quota: Quota | None = None) -> Level:
    """Return a policy, with its own quota or another, applied to these parts of its key."""
    policy = rule.policy
    return Level(
        policy=policy.name,
        quota=quota or rule.quota,
        key=keys.key_of(policy.name, parts),
        mode=policy.mode,
        cost=policy.cost if cost is None else cost,
        on_store_failure=policy.on_store_failure,
    )


def _parts(rule: Rule, facts: Facts) -> dict[str, str] | None:
    """Return what the key is made of; None where the policy counts something that this request has not."""
    parts: dict[str, str] = {}
    for part in rule.policy.scope:
        value: str | None
        if part == GLOBAL:
            continue
        if part == IP:
            value = keys.network_of(facts.address)
        elif part == USER:
            value = facts.caller.user
        elif part == TIER:
            value = facts.caller.tier
        elif part == ENDPOINT:
            value = facts.route
        else:
            value = facts.find(part)
        if value is None:
            return None
        parts[part] = value
    return parts
