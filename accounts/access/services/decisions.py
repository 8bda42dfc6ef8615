"""Decide. All guards of the project ask here, and so do the calls that others ask by."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.utils import timezone

from accounts.access.conf import access_settings
from accounts.access.deciding.index import Decision, Reason
from accounts.access.known_permissions import BREAK_GLASS, USE, is_beyond, object_of
from accounts.access.services import active_policy
from accounts.access.services.compiling import Policy
from accounts.access.types import Question, SubjectFacts


class Decided(NamedTuple):
    """A question about somebody, and how it was decided."""

    facts: SubjectFacts
    question: Question
    decision: Decision


Observer = Callable[[Sequence[Decided], datetime, Policy], None]
"""Told of all decisions: of those that were made together at once. It must neither raise nor wait."""

_observers: list[Observer] = []


def observe(observer: Observer) -> None:
    """Let a function be told of each decision from now on, such as the record for replay."""
    if observer not in _observers:
        _observers.append(observer)


def decide(facts: SubjectFacts, question: Question, *, at: datetime, policy: Policy | None = None) -> Decision:
    """Decide whether somebody may do something to an object at an instant, by the policy in force.

    Claims about the subject in ``question.attributes`` are not believed: only ``facts`` say who it is.
    """
    deciding = policy or active_policy.current()
    decision = evaluate(deciding, facts, question, at=at)
    for observer in _observers:
        observer([Decided(facts, question, decision)], at, deciding)
    return decision


def decide_each(asked: Iterable[tuple[SubjectFacts, Question]], *, at: datetime, policy: Policy) -> list[Decision]:
    """Decide many questions as ``decide`` does, in their order; observers are told of them at once."""
    decided = [Decided(facts, question, evaluate(policy, facts, question, at=at)) for facts, question in asked]
    for observer in _observers:
        observer(decided, at, policy)
    return [each.decision for each in decided]


def evaluate(policy: Policy, facts: SubjectFacts, question: Question, *, at: datetime) -> Decision:
    """Decide as ``decide`` does, by a policy, without telling the observers: for trials, and for the past.

    The scopes of a service client are asked before any rule: a token that was narrowed, or that leaks, can do no more
    than they say (RFC 6749, 3.3; RFC 9700, 2.3), even if a rule or a role allows its client everything.
    """
    if facts.scopes is not None and is_beyond(facts.scopes, question.object):
        return Decision(False, Reason.INSUFFICIENT_SCOPE, None, policy.version)
    if BREAK_GLASS in facts.roles:
        return Decision(True, Reason.BREAK_GLASS, None, policy.version)
    return policy.decide(
        subject=facts.subject,
        roles=facts.roles,
        object_path=question.object,
        action=question.action,
        attributes={**question.attributes, "subject": facts.attributes},
        at=at,
    )


def may(user: Any, permission: str, *, context: Mapping[str, Any] | None = None, at: datetime | None = None) -> bool:
    """Return whether the user of a request, a service client or nobody, has a permission.

    ``context`` is what is known about the request: ``ip_address``, ``factor_at``, ``risk``; by default, what the
    setting ``CONTEXT_OF`` knows.
    """
    at = at or timezone.now()
    facts = access_settings.FACTS_OF(user, at)
    if facts is None:
        return False
    question = Question(
        object_of(permission), USE, {"context": access_settings.CONTEXT_OF(user) if context is None else context}
    )
    return decide(facts, question, at=at).is_allowed


def permissions_of(
    facts: SubjectFacts, *, at: datetime, names: Iterable[str], context: Mapping[str, Any] | None = None
) -> frozenset[str]:
    """Return those of ``names`` that somebody has, without telling the observers."""
    policy, known = active_policy.current(), {"context": context or {}}
    return frozenset(
        name for name in names if evaluate(policy, facts, Question(object_of(name), USE, known), at=at).is_allowed
    )
