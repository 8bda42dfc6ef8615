"""Say why a decision is as it is.

Callers who may know it are told the rule that decided (``matched``). People who try the policy in the admin are shown
all rules that are about a question, and what of each holds (``explain``).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.access import rule_documents, selectors
from accounts.access.deciding.compiled_rules import named_checks
from accounts.access.deciding.index import ROLE, Decision
from accounts.access.deciding.paths import matches, object_segments, pattern_segments
from accounts.access.deciding.roles import expand
from accounts.access.deciding.rules import ANY_ACTION
from accounts.access.known_permissions import KNOWN_PERMISSIONS
from accounts.access.permission_types import EXPLAIN
from accounts.access.services import active_policy
from accounts.access.services.compiling import permission_rules
from accounts.access.services.decisions import decide, permissions_of
from accounts.access.types import Question, SubjectFacts


@dataclass(frozen=True, slots=True)
class RelevantRule:
    """A rule about the subject, the object and the action. ``failing`` and ``unknown`` are what else it asks for.

    ``unknown``: an attribute is missing; a rule that allows does not match then, and one that denies does.
    """

    id: str
    subject: str
    object: str
    action: str
    effect: str
    note: str
    failing: tuple[str, ...]
    unknown: tuple[str, ...]
    is_deciding: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision, the roles that counted, inherited ones too, and the rules about it, the deciding one first."""

    decision: Decision
    roles: tuple[str, ...]
    rules: tuple[RelevantRule, ...]


@dataclass(frozen=True, slots=True)
class Matched:
    """The rule that decided, ``None`` if none matched, the version of its policy, and the reasons."""

    rule: str | None
    version: int
    reasons: tuple[str, ...]


def is_told(facts: SubjectFacts, *, at: datetime) -> bool:
    """Return whether a caller is told which rule decided."""
    return bool(permissions_of(facts, at=at, names={EXPLAIN.name}))


def matched(decision: Decision) -> Matched:
    """Return what callers who are told are told of a decision."""
    return Matched(decision.rule, decision.version, (str(decision.reason),))


def explain(facts: SubjectFacts, question: Question, *, at: datetime) -> Explanation:
    """Decide, and say which rules were about it. It reads all rules: it is for people, not for guards."""
    active_policy.refresh()
    decision = decide(facts, question, at=at)
    roles = _with_inherited(facts)
    names = {facts.subject, *(ROLE + name for name in roles)}
    path = object_segments(question.object)
    attributes: dict[str, Any] = {**question.attributes, "subject": facts.attributes}
    documents = selectors.all_rules()
    rules = [rule_documents.to_rule(key, document) for key, document in documents.items()]
    found = []
    for rule in [*rules, *permission_rules()]:
        is_about = rule.subject in names and rule.action in (question.action, ANY_ACTION)
        if path is None or not is_about or not matches(pattern_segments(rule.object), path):
            continue
        answers = [(member, check(attributes, at)) for member, check in named_checks(rule)]
        found.append(
            RelevantRule(
                id=rule.id,
                subject=rule.subject,
                object=rule.object,
                action=rule.action,
                effect=str(rule.effect),
                note=documents.get(rule.id, {}).get("note", ""),
                failing=tuple(member for member, holds in answers if holds is False),
                unknown=tuple(member for member, holds in answers if holds is None),
                is_deciding=rule.id == decision.rule,
            )
        )
    found.sort(key=lambda rule: (not rule.is_deciding, rule.effect != "deny", rule.id))
    return Explanation(decision, tuple(sorted(roles)), tuple(found))


def _with_inherited(facts: SubjectFacts) -> frozenset[str]:
    parents = {name: document["parents"] for name, document in selectors.all_roles().items()}
    expanded = expand({**parents, **dict.fromkeys(KNOWN_PERMISSIONS, ())})
    return frozenset(name for role in facts.roles for name in expanded.get(role, ()))
