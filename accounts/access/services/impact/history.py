"""Which recorded decisions of the past days another policy would have made otherwise."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from accounts.access import policy_reads, selectors
from accounts.access.deciding.index import Decision
from accounts.access.draft_changes import PolicyDocuments
from accounts.access.models import DecisionRecord
from accounts.access.services.compiling import INDEX, Policy, compile_policy
from accounts.access.services.policy_changes import documents_of_version
from accounts.access.services.records import evaluated, replay

MOST_RECORDS = 10_000  # the newest ones; evaluating them takes about half a second
MOST_EXAMPLES = 20
_MOST_VERSIONS = 50


@dataclass(frozen=True, slots=True)
class ChangedDecision:
    """A recorded request with the decisions of the two policies."""

    record: DecisionRecord
    attributes: dict[str, Any]
    before: Decision
    after: Decision


@dataclass(slots=True)
class History:
    """How many records were evaluated, and how many are decided otherwise.

    ``undecided`` are those about which the new policy asks for attributes that were not recorded, because no rule of
    their time read them. ``recorded_since`` is the oldest record that was looked at; not ``is_complete`` if there are
    older ones in the time that was asked for.
    """

    evaluated: int = 0
    changed: int = 0
    undecided: int = 0
    is_complete: bool = True
    recorded_since: datetime | None = None
    examples: list[ChangedDecision] = field(default_factory=list)


def compare(before: PolicyDocuments, after: PolicyDocuments, *, since: datetime) -> History:
    """Evaluate the records since an instant under two policies.

    Raises: RuleInvalid, RolesInvalid.
    """
    rows = list(selectors.decision_records(since=since)[: MOST_RECORDS + 1])
    found = History(is_complete=len(rows) <= MOST_RECORDS)
    if not rows:
        return found
    rows = rows[:MOST_RECORDS]
    found.recorded_since = rows[-1].recorded_at
    present, bounds = _compiled(before), _AttributeBounds(after)
    for record in rows:
        new = bounds.decide(record)
        if new is None:
            found.undecided += 1
            continue
        found.evaluated += 1
        old = replay.evaluate(record, present)
        if old.is_allowed is not new.is_allowed:
            found.changed += 1
            if len(found.examples) < MOST_EXAMPLES:
                _roles, attributes = evaluated.from_text(record.evaluated)
                found.examples.append(ChangedDecision(record, dict(attributes), old, new))
    return found


class _AttributeBounds:
    """A policy, and for records that lack attributes that it reads, the least and the most that it could allow.

    Of a version it is known which attributes its rules read, and so which were recorded. Rules that read others are
    assumed to match, and not to match: if the answer is the same, it is the answer.
    """

    def __init__(self, documents: PolicyDocuments) -> None:
        self._documents = documents
        self._policy = _compiled(documents)
        self._recorded: dict[int, frozenset[str]] = {}
        self._bounds: dict[frozenset[str], tuple[Policy, Policy]] = {}

    def decide(self, record: DecisionRecord) -> Decision | None:
        """Return the decision; ``None`` if it depends on what was not recorded."""
        unknown = self._policy.reads - self._recorded_by(record.version)
        if not unknown:
            return replay.evaluate(record, self._policy)
        if unknown not in self._bounds:
            self._bounds[unknown] = self._least_and_most(unknown)
        least, most = (replay.evaluate(record, policy) for policy in self._bounds[unknown])
        return least if least.is_allowed is most.is_allowed else None

    def _recorded_by(self, version: int) -> frozenset[str]:
        if version not in self._recorded:
            if len(self._recorded) >= _MOST_VERSIONS:  # each takes a walk through all later changes
                return frozenset()
            rules, _roles = documents_of_version(version)
            self._recorded[version] = policy_reads.of_rules(rules.values())
        return self._recorded[version]

    def _least_and_most(self, unknown: frozenset[str]) -> tuple[Policy, Policy]:
        known, assumed = {}, {}
        for rule_id, rule in self._documents.rules.items():
            if policy_reads.of_rule(rule) & unknown:
                assumed[rule_id] = {**rule, "department": "", "location": "", "hours": None, "conditions": []}
            else:
                known[rule_id] = rule
        allows = {rule_id: rule for rule_id, rule in assumed.items() if rule["effect"] == "allow"}
        denies = {rule_id: rule for rule_id, rule in assumed.items() if rule["effect"] == "deny"}
        roles = self._documents.roles
        return (
            _compiled(PolicyDocuments({**known, **denies}, roles)),
            _compiled(PolicyDocuments({**known, **allows}, roles)),
        )


def _compiled(documents: PolicyDocuments) -> Policy:
    return compile_policy(rules=documents.rules, roles=documents.roles, version=0, engine=INDEX)
