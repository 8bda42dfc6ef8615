"""Searches: who may do this, what may somebody do this to, and what may somebody do to this.

A search tries the candidates that rules and roles leave, at most ``MOST_TRIED`` of them a call. A page may so have
fewer results than asked for, and still a ``next``. Observers are not told of what is tried.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from accounts.access.conf import access_settings
from accounts.access.deciding.index import ROLE, Decision
from accounts.access.deciding.walks import (
    allowed_principals,
    candidate_actions,
    known_actions,
    literal_prefixes,
    rules_of,
)
from accounts.access.known_permissions import BREAK_GLASS
from accounts.access.services import decisions
from accounts.access.services.compiling import Policy
from accounts.access.services.questions import Claims, with_claims, with_known, with_object_facts
from accounts.access.types import ObjectFacts, Question, SubjectFacts

MOST_TRIED = 2000
_CHUNK = 200

Candidate = TypeVar("Candidate")


@dataclass(frozen=True, slots=True)
class Found:
    """A subject, an object or an action, and the decision that allows it."""

    name: str
    decision: Decision


@dataclass(frozen=True, slots=True)
class FoundPage:
    """Some results, and the name after which the search goes on; ``None`` at its end."""

    found: Sequence[Found]
    next: str | None


AT_THE_END = FoundPage((), None)  # of a search about nobody


def subjects(question: Question, *, kind: str = "", after: str, limit: int, policy: Policy, at: datetime) -> FoundPage:
    """Search those who may do an action to an object, by their names; those of a ``kind`` such as ``user:`` only."""
    asked = with_object_facts(question)
    allowed = allowed_principals(policy.rules, asked.object, asked.action)
    roles = _roles_that_have(policy, allowed) | {BREAK_GLASS}
    names = frozenset(name for name in allowed if not name.startswith(ROLE))

    def chunk(after: str, size: int) -> Sequence[SubjectFacts]:
        return access_settings.CANDIDATES(names, roles, after, size, at)

    def decide(facts: SubjectFacts) -> Decision | None:
        if not facts.subject.startswith(kind):
            return None
        return decisions.evaluate(policy, with_claims(facts, asked.attributes), asked, at=at)

    # Names are in order, so those of a kind follow each other.
    return _page(_chunks(chunk, max(after, kind), lambda facts: facts.subject), decide, limit=limit, within=kind)


def objects(
    facts: SubjectFacts,
    action: str,
    claims: Claims,
    *,
    within: str = "",
    after: str,
    limit: int,
    policy: Policy,
    at: datetime,
) -> FoundPage:
    """Search the registered objects to which somebody may do an action, by their paths.

    ``within``: only those whose paths begin so.
    """
    known = with_claims(facts, claims)
    prefixes = [""]
    if BREAK_GLASS not in facts.roles:
        prefixes = literal_prefixes(rules_of(policy.rules, policy.principals(facts.subject, facts.roles), action))
    narrowed = sorted({found for prefix in prefixes if (found := _narrower(prefix, within)) is not None})

    def decide(found: ObjectFacts) -> Decision | None:
        question = with_known(Question(found.path, action, claims), found.attributes)
        return decisions.evaluate(policy, known, question, at=at)

    return _page(_objects_below(narrowed, after), decide, limit=limit)


def actions(
    facts: SubjectFacts, question: Question, *, after: str, limit: int, policy: Policy, at: datetime
) -> FoundPage:
    """Search the actions that somebody may do to an object. ``question.action`` is not looked at.

    Which actions exist is known from the rules: a rule about all actions is about those that other rules name.
    """
    asked, known = with_object_facts(question), with_claims(facts, question.attributes)
    if BREAK_GLASS in facts.roles:
        names = known_actions(policy.rules)
    else:
        names = candidate_actions(policy.rules, policy.principals(facts.subject, facts.roles))

    def decide(name: str) -> Decision:
        return decisions.evaluate(policy, known, asked._replace(action=name), at=at)

    return _page(((name, name) for name in names if name > after), decide, limit=limit)


def _roles_that_have(policy: Policy, principals: frozenset[str]) -> frozenset[str]:
    """Return the roles that are one of these principals, or inherit from one."""
    wanted = frozenset(name for name in principals if name.startswith(ROLE))
    return frozenset(role for role, inherited in policy.inherited.items() if not wanted.isdisjoint(inherited))


def _narrower(prefix: str, within: str) -> str | None:
    """Return the longer of two beginnings, ``None`` if no path can have both."""
    if prefix.startswith(within):
        return prefix
    return within if within.startswith(prefix) else None


def _objects_below(prefixes: Sequence[str], after: str) -> Iterator[tuple[str, ObjectFacts]]:
    for prefix in prefixes:
        begin = max(after, _just_before(prefix))
        for name, found in _chunks(access_settings.OBJECTS, begin, lambda found: found.path):
            if name.startswith(prefix):
                yield name, found
            elif name > prefix:
                break


def _just_before(prefix: str) -> str:
    """Return a text that comes before all that begin with ``prefix``, and after nearly all others that come before."""
    if not prefix:
        return ""
    before = ord(prefix[-1]) - 1
    # Halves of surrogate pairs are no characters; no path has one, nor a control character.
    return prefix[:-1] + chr(0xD7FF if before == 0xDFFF else before) + chr(0x10FFFF)


def _chunks(
    read: Callable[[str, int], Sequence[Candidate]], after: str, name_of: Callable[[Candidate], str]
) -> Iterator[tuple[str, Candidate]]:
    while True:
        found = read(after, _CHUNK)
        if not found:
            return
        for candidate in found:
            yield name_of(candidate), candidate
        after = name_of(found[-1])


def _page(
    candidates: Iterable[tuple[str, Candidate]],
    decide: Callable[[Candidate], Decision | None],
    *,
    limit: int,
    within: str = "",
) -> FoundPage:
    found: list[Found] = []
    last = ""
    for tried, (name, candidate) in enumerate(candidates):
        if not name.startswith(within):
            break
        if len(found) == limit or tried == MOST_TRIED:
            return FoundPage(found, last)
        decision = decide(candidate)
        if decision is not None and decision.is_allowed:
            found.append(Found(name, decision))
        last = name
    return FoundPage(found, None)
