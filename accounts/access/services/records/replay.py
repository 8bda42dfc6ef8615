"""Evaluate recorded decisions again, under the policy that decided them or under another one."""

from collections.abc import Iterable
from dataclasses import dataclass

from accounts.access.deciding.index import Decision
from accounts.access.errors import RolesInvalid, RuleInvalid
from accounts.access.models import DecisionRecord
from accounts.access.services import decisions
from accounts.access.services.compiling import NoPolicy, Policy, compile_policy
from accounts.access.services.policy_restoring import documents_of_version
from accounts.access.services.records import evaluated
from accounts.access.types import Question, SubjectFacts


@dataclass(frozen=True, slots=True)
class Replayed:
    """What was decided, and what is decided now."""

    record: DecisionRecord
    decision: Decision

    @property
    def is_same(self) -> bool:
        """Return whether the answer, its reason and the rule are those that were recorded."""
        record, decision = self.record, self.decision
        found = decision.is_allowed, str(decision.reason), decision.rule or ""
        return found == (record.is_allowed, record.reason, record.rule)


def under_own_versions(records: Iterable[DecisionRecord]) -> Iterable[Replayed]:
    """Evaluate each record under the version that decided it. Those that can't be evaluated are left out."""
    policies: dict[int, Policy] = {}
    for record in records:
        if record.evaluated:
            if record.version not in policies:
                policies[record.version] = policy_of_version(record.version)
            yield Replayed(record, evaluate(record, policies[record.version]))


def not_reproduced(*, most: int = 100) -> int:
    """Return how many of the newest records of one version are decided otherwise under that version now.

    There are none, unless a condition of the project reads attributes that it does not declare, or the tables were
    changed by other means.
    """
    newest = DecisionRecord.objects.exclude(evaluated="").order_by("-recorded_at", "-pk")
    first = newest.first()
    if first is None:
        return 0
    records = newest.filter(version=first.version)[:most]
    return sum(not replayed.is_same for replayed in under_own_versions(records))


def evaluate(record: DecisionRecord, policy: Policy) -> Decision:
    """Decide again what is recorded; ``record.evaluated`` is not empty."""
    roles, attributes = evaluated.from_text(record.evaluated)
    facts = SubjectFacts(record.subject, roles, attributes.get("subject", {}), evaluated.scopes_of(record.evaluated))
    return decisions.evaluate(policy, facts, Question(record.object, record.action, attributes), at=record.at)


def policy_of_version(number: int) -> Policy:
    """Return the policy as it was in a version; one that denies everything if it could not be read then either."""
    if number == 0:  # there was no policy that could be used
        return NoPolicy(version=0)
    rules, roles = documents_of_version(number)
    try:
        return compile_policy(rules=rules, roles=roles, version=number)
    except (RuleInvalid, RolesInvalid):
        return NoPolicy(version=number)
