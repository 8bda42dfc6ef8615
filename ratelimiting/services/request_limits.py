"""Decide about a request by all the policies that apply to it."""

from __future__ import annotations

from cedrina_base import database_clock
from ratelimiting import measures
from ratelimiting.conf import rate_limiting_settings
from ratelimiting.policy_schema import BUILT_IN_SCOPE_PARTS
from ratelimiting.services import active_policies, enforcement, refusal_reports
from ratelimiting.services.levels import levels_for_request
from ratelimiting.types import UNLIMITED, LimitDecision, Mode, RequestAttributes, RequestDecision

_PUBLIC_PARTS = frozenset(BUILT_IN_SCOPE_PARTS)


def decide_request(*, attributes: RequestAttributes) -> RequestDecision:
    """Decide about a request by the store's clock, and count its refusals for the reports."""
    if not rate_limiting_settings.ENABLED:
        return UNLIMITED
    levels = levels_for_request(attributes=attributes, policies=active_policies.current())
    if not levels:
        return UNLIMITED
    decision = enforcement.decide([level for level, _ in levels])
    for result in decision.results:
        if result.is_allowed:
            measures.DECISIONS.count(result.level.policy, measures.ALLOWED)
        else:
            is_enforced = result.level.mode is Mode.ENFORCE
            measures.DECISIONS.count(result.level.policy, measures.REFUSED if is_enforced else measures.SHADOW_REFUSED)
    if not all(result.is_allowed for result in decision.results):
        refusal_reports.count_refusals(
            decision=decision, levels=levels, attributes=attributes, now=database_clock.now()
        )
    # Levels with a named key, such as an account, are not shown: others may have used up the quota, and what is left of
    # it would tell the client about them.
    shown = [r for r, (_, parts) in zip(decision.results, levels, strict=True) if parts.keys() <= _PUBLIC_PARTS]
    return RequestDecision(decision, LimitDecision(tuple(shown)).tightest)
