"""Questions that callers ask about themselves and about others: who is meant, what is known, and what is decided."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from accounts.access.conf import access_settings
from accounts.access.deciding.index import Decision, Reason
from accounts.access.services import active_policy, decisions
from accounts.access.services.compiling import Policy
from accounts.access.types import Question, SubjectFacts

WAIT_FOR_VERSION = timedelta(seconds=2)

Claims = Mapping[str, Mapping[str, Any]]
"""Attributes as a caller gives them, by their roots."""


@dataclass(frozen=True, slots=True)
class AskedSubject:
    """Whom a question is about; ``facts`` is ``None`` if there is nobody of this name, or the account is closed."""

    name: str
    facts: SubjectFacts | None


def policy_of_version(at_least: int | None) -> Policy:
    """Return the policy in force, once it has at least this version.

    Raises: PolicyUnavailable, if it has not after ``WAIT_FOR_VERSION``.
    """
    if at_least is None:
        return active_policy.current()
    return active_policy.at_least(at_least, wait=WAIT_FOR_VERSION)


def find_subject(name: str, at: datetime) -> AskedSubject:
    """Return whom a name means."""
    return AskedSubject(name, access_settings.FIND_SUBJECT(name, at))


def find_subjects(names: Collection[str], at: datetime) -> dict[str, AskedSubject]:
    """Return whom some names mean, found at once."""
    found = access_settings.FIND_SUBJECTS(names, at)
    return {name: AskedSubject(name, found.get(name)) for name in names}


def ask(subject: AskedSubject, question: Question, *, policy: Policy, at: datetime) -> Decision:
    """Decide a question. Nobody may do anything.

    ``question.attributes`` may have claims about the subject: the caller must be one who may ask about others. What
    the project knows of the subject and of the object wins over what is claimed.
    """
    if subject.facts is None:
        return Decision(False, Reason.NO_SUBJECT, None, policy.version)
    facts = with_claims(subject.facts, question.attributes)
    return decisions.decide(facts, with_object_facts(question), at=at, policy=policy)


def ask_each(asked: Sequence[tuple[AskedSubject, Question]], *, policy: Policy, at: datetime) -> list[Decision]:
    """Decide questions as ``ask`` does, in their order."""
    find_object = access_settings.FIND_OBJECT
    known = [
        (
            with_claims(subject.facts, question.attributes) if "subject" in question.attributes else subject.facts,
            with_known(question, about_object) if (about_object := find_object(question.object)) else question,
        )
        for subject, question in asked
        if subject.facts is not None
    ]
    decided = decisions.decide_each(known, at=at, policy=policy)
    if len(decided) == len(asked):
        return decided
    nobody, others = Decision(False, Reason.NO_SUBJECT, None, policy.version), iter(decided)
    return [nobody if subject.facts is None else next(others) for subject, _question in asked]


def with_claims(facts: SubjectFacts, claims: Claims) -> SubjectFacts:
    """Return who somebody is, with those claims of which nothing is known."""
    claimed = claims.get("subject")
    return replace(facts, attributes={**claimed, **facts.attributes}) if claimed else facts


def with_object_facts(question: Question) -> Question:
    """Return a question with what the project knows of its object."""
    known = access_settings.FIND_OBJECT(question.object)
    return question if not known else with_known(question, known)


def with_known(question: Question, known: Mapping[str, Any]) -> Question:
    """Return a question with what is known of its object, in place of what was claimed."""
    claimed = question.attributes.get("resource", {})
    return question._replace(attributes={**question.attributes, "resource": {**claimed, **known}})


def needs_second_factor(subject: AskedSubject, question: Question, *, policy: Policy, at: datetime) -> bool:
    """Return whether what was denied would be allowed if the subject had shown a second factor just now."""
    if subject.facts is None:
        return False
    context = {**question.attributes.get("context", {}), "factor_at": at.timestamp()}
    shown = question._replace(attributes={**question.attributes, "context": context})
    facts = with_claims(subject.facts, question.attributes)
    return decisions.evaluate(policy, facts, with_object_facts(shown), at=at).is_allowed
