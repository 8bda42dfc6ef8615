"""Decide. All guards of the project ask here, and so do the calls that others ask by."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone

from accounts.access.conf import access_settings
from accounts.access.deciding.index import Decision, Reason
from accounts.access.known_permissions import BREAK_GLASS, USE, object_of
from accounts.access.services import active_policy
from accounts.access.services.compiling import Policy
from accounts.access.types import Question, SubjectFacts

Observer = Callable[[SubjectFacts, Question, Decision, datetime], None]
"""Told of each decision. It must neither raise nor wait."""

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
    if BREAK_GLASS in facts.roles:
        decision = Decision(True, Reason.BREAK_GLASS, None, deciding.version)
    else:
        decision = deciding.decide(
            subject=facts.subject,
            roles=facts.roles,
            object_path=question.object,
            action=question.action,
            attributes={**question.attributes, "subject": facts.attributes},
            at=at,
        )
    for observer in _observers:
        observer(facts, question, decision, at)
    return decision


def may(user: Any, permission: str, *, context: Mapping[str, Any] | None = None, at: datetime | None = None) -> bool:
    """Return whether the user of a request, a service client or nobody, has a permission.

    ``context`` is what is known about the request: ``ip_address``, ``factor_at``, ``risk``.
    """
    at = at or timezone.now()
    facts = access_settings.FACTS_OF(user, at)
    if facts is None:
        return False
    question = Question(object_of(permission), USE, {"context": context or {}})
    return decide(facts, question, at=at).is_allowed


def permissions_of(facts: SubjectFacts, *, at: datetime, names: Mapping[str, Any]) -> frozenset[str]:
    """Return those of ``names`` that somebody has, without telling the observers."""
    policy = active_policy.current()
    if BREAK_GLASS in facts.roles:
        return frozenset(names)
    return frozenset(
        name
        for name in names
        if policy.decide(
            subject=facts.subject,
            roles=facts.roles,
            object_path=object_of(name),
            action=USE,
            attributes={"subject": facts.attributes},
            at=at,
        ).is_allowed
    )
