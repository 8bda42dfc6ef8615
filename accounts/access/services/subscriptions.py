"""Decisions that a subscriber is told of again when they change: by the policy, by roles, or by the time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.access import selectors
from accounts.access.deciding.boundaries import next_boundary
from accounts.access.deciding.walks import rules_of
from accounts.access.services import active_policy, decisions, questions
from accounts.access.types import Question

# What is no change of the policy, such as another department of a person, is seen after so long.
LONGEST_PAUSE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class SubscribedDecisions:
    """The decisions by the names of their subscriptions, by which version, and when to decide again at the latest."""

    allowed: Mapping[str, bool]
    version: int
    again_at: datetime


def decide_all(subject: str, asked: Mapping[str, Question], *, at: datetime) -> SubscribedDecisions:
    """Decide all questions of a subscriber. Observers of decisions are not told. Raises: django.db.Error."""
    policy = active_policy.current()
    found = questions.find_subject(subject, at).facts
    again_at = at + LONGEST_PAUSE
    if found is None:
        return SubscribedDecisions(dict.fromkeys(asked, False), policy.version, again_at)
    allowed = {
        name: decisions.evaluate(policy, found, questions.with_object_facts(question), at=at).is_allowed
        for name, question in asked.items()
    }
    ends = (grant.expires_at for grant in selectors.grants_of(subject=subject) if grant.expires_at is not None)
    boundaries = [end for end in ends if end > at]
    rule_boundary = next_boundary(rules_of(policy.rules, policy.principals(found.subject, found.roles)), at)
    if rule_boundary is not None:
        boundaries.append(rule_boundary)
    return SubscribedDecisions(allowed, policy.version, min([again_at, *boundaries]))
