"""What somebody may do after a change of the policy and not before, given the rules about them."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from accounts.access.deciding.paths import ONE, REST, pattern_segments
from accounts.access.deciding.pattern_relations import covers, overlap
from accounts.access.deciding.rules import ANY_ACTION, Effect, Rule


def gaining_rules(before: Collection[Rule], after: Collection[Rule], *, at: datetime) -> Sequence[Rule]:
    """Return the rules that allow more after a change: new or wider ones, and those of which a denial was lifted.

    What a rule says about department, hours and other circumstances is compared as text: a rule with fewer conditions
    allows more, one with other conditions may. A rule whose objects are all denied by another one allows nothing.
    """
    known = {rule.id: rule for rule in before}
    had, denied_before = _by_effect(before, at)
    has, denied = _by_effect(after, at)
    own, denials = _by_root(had), _by_root(denied)
    lifted = [rule for rule in denied_before if not _is_included(rule, denials)]
    return [
        rule
        for rule in has
        if ((known.get(rule.id) != rule and not _is_included(rule, own)) or any(_meet(each, rule) for each in lifted))
        and not _is_included(rule, denials)
    ]


def includes(wide: Rule, narrow: Rule) -> bool:
    """Return whether one rule is about all that the other one is about, whenever that is in force."""
    return (
        wide.action in (ANY_ACTION, narrow.action)
        and covers(pattern_segments(wide.object), pattern_segments(narrow.object))
        and wide.department in ("", narrow.department)
        and wide.location in ("", narrow.location)
        and wide.hours in (None, narrow.hours)
        and all(condition in narrow.conditions for condition in wide.conditions)
        and (wide.valid_from is None or (narrow.valid_from is not None and narrow.valid_from >= wide.valid_from))
        and (wide.valid_until is None or (narrow.valid_until is not None and narrow.valid_until <= wide.valid_until))
    )


def _by_root(rules: Collection[Rule]) -> Mapping[str, Sequence[Rule]]:
    """Return rules by the first segment of their objects: one of 20,000 is compared with few others."""
    found: dict[str, list[Rule]] = defaultdict(list)
    for rule in rules:
        found[pattern_segments(rule.object)[0]].append(rule)
    return found


def _is_included(rule: Rule, others: Mapping[str, Sequence[Rule]]) -> bool:
    roots = dict.fromkeys((pattern_segments(rule.object)[0], ONE, REST))
    return any(includes(each, rule) for root in roots for each in others.get(root, ()))


def _by_effect(rules: Collection[Rule], at: datetime) -> tuple[list[Rule], list[Rule]]:
    """Return the rules that allow and those that deny, without those that have ended."""
    lasting = [rule for rule in rules if rule.valid_until is None or rule.valid_until > at]
    return (
        [rule for rule in lasting if rule.effect is Effect.ALLOW],
        [rule for rule in lasting if rule.effect is Effect.DENY],
    )


def _meet(denial: Rule, rule: Rule) -> bool:
    """Return whether two rules can be about the same question."""
    return (ANY_ACTION in (denial.action, rule.action) or denial.action == rule.action) and overlap(
        pattern_segments(denial.object), pattern_segments(rule.object)
    )
