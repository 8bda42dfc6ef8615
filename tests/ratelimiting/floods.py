"""Requests that are counted as of a given time."""

from ratelimiting.services import active_policies, enforcement, refusal_reports
from ratelimiting.services.levels import levels_for_request
from ratelimiting.types import RequestAttributes


def flood(number, *, now, addresses=1):
    for turn in range(number):
        attributes = RequestAttributes(address=f"203.0.113.{turn % addresses}", route="login", method="POST")
        levels = levels_for_request(attributes=attributes, policies=active_policies.current())
        decision = enforcement.decide([level for level, _ in levels])
        refusal_reports.count_refusals(decision=decision, levels=levels, attributes=attributes, now=now)
