"""Who gains and who loses what by a new policy: exactly, with an example each, without asking every request there is.

The language of rules is finite: patterns, actions, conditions and times cut all requests into cells in which a policy
decides alike. Only cells in which a rule that was changed matches are looked at.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import product
from math import inf, prod
from typing import Any, NamedTuple

from accounts.access.deciding.index import ROLE, CompiledPolicy, Decision
from accounts.access.deciding.roles import expand
from accounts.access.deciding.rules import ANY_ACTION, Rule
from accounts.access.impact.budget import BudgetExhausted, WorkBudget
from accounts.access.impact.candidates import (
    TooManyCases,
    attribute_values,
    instants,
    with_attributes,
)
from accounts.access.impact.object_classes import object_classes

OTHER_ACTION = "other"
MOST_CASES = 100_000  # of attributes and instants, for one class of objects and one action


class Profile(NamedTuple):
    """Somebody with these roles. ``subject`` is empty for anybody whom no rule names."""

    subject: str
    roles: frozenset[str]


class PolicySource(NamedTuple):
    """The rules and the parents of the roles, from which a policy is compiled."""

    rules: Sequence[Rule]
    parents: Mapping[str, Collection[str]]


class Question(NamedTuple):
    """Who asks to do what to which object."""

    profile: Profile
    object: str
    action: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A kind of request that is decided otherwise. The example is one of them."""

    profile: Profile
    object: str
    action: str
    attributes: Mapping[str, Any]
    at: datetime
    before: Decision
    after: Decision

    @property
    def is_gain(self) -> bool:
        return self.after.is_allowed


def profiles_of(*sources: PolicySource) -> list[Profile]:
    """Return each role alone, each subject that a rule names, and somebody without any.

    People who have several roles are to be added: a rule of one of them can deny what another one allows.
    """
    roles = {role for source in sources for role in source.parents}
    subjects = {rule.subject for source in sources for rule in source.rules if not rule.subject.startswith(ROLE)}
    alone = [Profile("", frozenset()), *(Profile("", frozenset({role})) for role in sorted(roles))]
    return alone + [Profile(subject, frozenset()) for subject in sorted(subjects)]


def differences(
    before: PolicySource,
    after: PolicySource,
    *,
    profiles: Iterable[Profile],
    now: datetime,
    budget: WorkBudget | None = None,
) -> Iterator[Difference]:
    """Return what is decided otherwise for the profiles, each kind of request once.

    With a ``budget``, what takes too long is left out, and the budget says so afterwards.

    Raises: TooManyCases, without a budget, when conditions tell too many cases apart, or are a project's own;
        RuleInvalid, RolesInvalid.
    """
    spent = budget or WorkBudget(inf)
    changes = _Comparison(before, after)
    try:
        for profile in profiles:
            spent.spend(0.2)
            for question, matching, policies in changes.kinds_of_requests(profile, spent):
                try:
                    yield from _compare(question, matching, policies, now=now, budget=spent)
                except TooManyCases:
                    if budget is None:
                        raise
                    budget.is_exact = False
    except BudgetExhausted:
        return


class _Comparison:
    """Two policies whose rules are sorted by subject, so that those who are not concerned cost nothing."""

    def __init__(self, before: PolicySource, after: PolicySource) -> None:
        self._sources = before, after
        self._expanded = expand(before.parents), expand(after.parents)
        self._by_subject = tuple(_by_subject(source.rules) for source in self._sources)

    def kinds_of_requests(
        self, profile: Profile, budget: WorkBudget
    ) -> Iterator[tuple[Question, Sequence[Rule], Sequence[CompiledPolicy]]]:
        """Return a question of each kind with the rules that match, and both policies with these rules alone."""
        subjects = [_subjects_of(profile, expanded) for expanded in self._expanded]
        if subjects[0] == subjects[1] and all(
            self._by_subject[0].get(each) == self._by_subject[1].get(each) for each in subjects[0]
        ):
            return
        old, new = (
            {_said(rule): rule for subject in sorted(names) for rule in rules.get(subject, ())}
            for names, rules in zip(subjects, self._by_subject, strict=True)
        )
        budget.spend((len(old) + len(new)) / 5)
        changed = [rule for key, rule in {**old, **new}.items() if (key in old) is not (key in new)]
        # Rules that are the same object in both policies stand here once.
        rules = list({id(rule): rule for rule in (*old.values(), *new.values())}.values())
        members = [{id(rule) for rule in some.values()} for some in (old, new)]
        for path, action, matching in _kinds_of_objects(changed, rules, budget):
            # Rules that don't match decide nothing, so they are left out: a thousand cases are asked about.
            policies = [
                CompiledPolicy(
                    rules=[rule for rule in matching if id(rule) in some],
                    parents=_parents_of(profile, source.parents, expanded),
                    version=0,
                )
                for some, source, expanded in zip(members, self._sources, self._expanded, strict=True)
            ]
            budget.spend(2 + len(matching))
            yield Question(profile, path, action), matching, policies


def _by_subject(rules: Iterable[Rule]) -> dict[str, list[Rule]]:
    found: dict[str, list[Rule]] = {}
    for rule in sorted(rules, key=lambda rule: rule.id):
        found.setdefault(rule.subject, []).append(rule)
    return found


def _subjects_of(profile: Profile, expanded: Mapping[str, frozenset[str]]) -> set[str]:
    """Return the subjects of rules that hold for somebody."""
    return {ROLE + each for role in profile.roles for each in expanded.get(role, ())} | {profile.subject}


def _said(rule: Rule) -> str:
    """Return what a rule says: neither its id nor whom it names make a difference."""
    return repr(replace(rule, id="", subject=""))


def _parents_of(
    profile: Profile, parents: Mapping[str, Collection[str]], roles: Mapping[str, frozenset[str]]
) -> dict[str, Collection[str]]:
    return {name: parents[name] for role in profile.roles for name in roles.get(role, ())}


def _kinds_of_objects(
    changed: Sequence[Rule], rules: Sequence[Rule], budget: WorkBudget
) -> Iterator[tuple[str, str, list[Rule]]]:
    """Return an object and an action for each set of rules that can match together, with one changed rule at least."""
    seen: set[tuple[frozenset[str], str]] = set()
    actions = sorted({rule.action for rule in rules} - {ANY_ACTION})
    other = OTHER_ACTION + "-" * sum(action.startswith(OTHER_ACTION) for action in actions)
    patterns = {rule.object for rule in rules}
    for rule in changed:
        for covering, path in object_classes(patterns, around=rule.object, budget=budget):
            for action in [*actions, other] if rule.action == ANY_ACTION else [rule.action]:
                if (covering, action) not in seen:
                    seen.add((covering, action))
                    budget.spend(len(rules) / 50)
                    matching = [
                        each for each in rules if each.object in covering and each.action in (action, ANY_ACTION)
                    ]
                    yield path, action, matching


def _compare(
    question: Question,
    matching: Sequence[Rule],
    policies: Sequence[CompiledPolicy],
    *,
    now: datetime,
    budget: WorkBudget,
) -> Iterator[Difference]:
    values = attribute_values(matching)
    budget.spend(len(matching) + sum(map(len, values.values())))
    moments = instants(matching, now=now, budget=budget)
    if prod(map(len, values.values())) * len(moments) > MOST_CASES:
        raise TooManyCases(question.object)
    seen = set()
    for at in moments:
        for combination in product(*values.values()):
            budget.spend(1)
            attributes = with_attributes(dict(zip(values, combination, strict=True)), at)
            before, after = (_ask(policy, question, attributes, at) for policy in policies)
            # Cases that the same rules decide are one kind of request.
            kind = before.rule, after.rule
            if before.is_allowed is not after.is_allowed and kind not in seen:
                seen.add(kind)
                yield Difference(*question, attributes, at, before, after)


def _ask(policy: CompiledPolicy, question: Question, attributes: Mapping[str, Any], at: datetime) -> Decision:
    return policy.decide(
        subject=question.profile.subject,
        roles=question.profile.roles,
        object_path=question.object,
        action=question.action,
        attributes=attributes,
        at=at,
    )
