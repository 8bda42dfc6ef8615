"""Who gains and who loses what by another policy: exactly, or "at least" where that would take too long."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from accounts.access import rule_documents, selectors
from accounts.access.deciding.index import ROLE
from accounts.access.draft_changes import PolicyDocuments
from accounts.access.impact.budget import WorkBudget
from accounts.access.impact.differences import Difference, PolicySource, Profile, differences
from accounts.access.known_permissions import KNOWN_PERMISSIONS
from accounts.access.services.compiling import permission_rules

if TYPE_CHECKING:
    from accounts.access.deciding.rules import Rule

# Units of work, a fraction of a second to two seconds of CPU.
MOST_WORK = 100_000
MOST_EXAMPLES, MOST_FOUND = 20, 1000
MOST_COMBINATIONS = 200  # sets of roles that people have together


@dataclass(frozen=True, slots=True)
class Proof:
    """How many kinds of requests are allowed only afterwards, and only before. There may be more if not ``is_exact``.

    A kind of request is what the same rules decide for the same roles; each has an example.
    """

    gains: int
    losses: int
    is_exact: bool
    examples: Sequence[Difference]


def prove(before: PolicyDocuments, after: PolicyDocuments, *, now: datetime, most_work: float = MOST_WORK) -> Proof:
    """Return what is decided otherwise after a change.

    It is asked for each role alone, for the sets of roles that people have, and for each subject that a rule names.
    People are not listed by name unless a rule names them.

    Raises: RuleInvalid, RolesInvalid.
    """
    budget = WorkBudget(most_work)
    sources = _sources(before, after)
    found: dict[bool, list[Difference]] = {True: [], False: []}
    for difference in differences(*sources, profiles=_profiles(*sources, now), now=now, budget=budget):
        found[difference.is_gain].append(difference)
        if len(found[True]) + len(found[False]) >= MOST_FOUND:
            budget.is_exact = False
            break
    gains, losses = found[True], found[False]
    # Losses and gains are both shown, whichever there are more of.
    shown = max(MOST_EXAMPLES // 2, MOST_EXAMPLES - len(losses))
    examples = gains[:shown]
    examples += losses[: MOST_EXAMPLES - len(examples)]
    return Proof(len(gains), len(losses), budget.is_exact, examples)


def name_of(profile: Profile) -> str:
    """Return who is meant, such as ``role:auditor`` or ``user:7``; several roles are joined by a plus sign."""
    return profile.subject or "+".join(ROLE + role for role in sorted(profile.roles)) or "anybody"


def _sources(before: PolicyDocuments, after: PolicyDocuments) -> tuple[PolicySource, PolicySource]:
    """Return both policies; rules that both have are one object, which makes the comparison short."""
    of_permissions = list(permission_rules())
    known: dict[str, tuple[Mapping[str, Any], Rule]] = {}  # each rule as it was compiled last
    sources = []
    for documents in (before, after):
        rules = []
        for rule_id, document in documents.rules.items():
            same = known.get(rule_id)
            if same is None or same[0] != document:
                same = known[rule_id] = (document, rule_documents.to_rule(rule_id, document))
            rules.append(same[1])
        parents = {name: tuple(document["parents"]) for name, document in documents.roles.items()}
        sources.append(PolicySource([*rules, *of_permissions], {**parents, **dict.fromkeys(KNOWN_PERMISSIONS, ())}))
    return sources[0], sources[1]


def _profiles(before: PolicySource, after: PolicySource, now: datetime) -> list[Profile]:
    roles = sorted({*before.parents, *after.parents})
    found = [Profile("", frozenset()), *(Profile("", frozenset({role})) for role in roles)]
    named = {rule.subject for source in (before, after) for rule in source.rules if not rule.subject.startswith(ROLE)}
    held = selectors.roles_by_subject(subjects=sorted(named), at=now)
    found += [Profile(subject, held.get(subject, frozenset())) for subject in sorted(named)]
    found += [Profile("", some) for some in selectors.role_sets(at=now, limit=MOST_COMBINATIONS)]
    return list(dict.fromkeys(found))
