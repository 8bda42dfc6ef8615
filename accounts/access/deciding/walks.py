"""Which rules can matter to a search: so that not everybody, and not every object, has to be tried."""

from collections.abc import Collection, Iterable, Sequence

from accounts.access.deciding.paths import ONE, REST, matches, object_segments, pattern_segments
from accounts.access.deciding.rules import ANY_ACTION, Effect, Rule


def rules_of(rules: Iterable[Rule], principals: Collection[str], action: str | None = None) -> list[Rule]:
    """Return the rules about one of some principals, and about an action if one is given."""
    named = frozenset(principals)
    return [rule for rule in rules if rule.subject in named and (action is None or rule.action in (ANY_ACTION, action))]


def allowed_principals(rules: Iterable[Rule], path: str, action: str) -> frozenset[str]:
    """Return the principals that a rule allows an action on an object, whatever else must hold."""
    segments = object_segments(path)
    if segments is None:
        return frozenset()
    return frozenset(
        rule.subject
        for rule in rules
        if rule.effect is Effect.ALLOW
        and rule.action in (ANY_ACTION, action)
        and matches(pattern_segments(rule.object), segments)
    )


def known_actions(rules: Iterable[Rule]) -> list[str]:
    """Return the actions that rules name, in order: a rule about all actions is about these."""
    return sorted({rule.action for rule in rules} - {ANY_ACTION})


def candidate_actions(rules: Sequence[Rule], principals: Collection[str]) -> list[str]:
    """Return the actions that somebody with these principals may be allowed, in order."""
    allowing = [rule for rule in rules_of(rules, principals) if rule.effect is Effect.ALLOW]
    if any(rule.action == ANY_ACTION for rule in allowing):
        return known_actions(rules)
    return sorted({rule.action for rule in allowing})


def literal_prefixes(rules: Iterable[Rule]) -> list[str]:
    """Return how the objects begin that rules which allow are about, in order; none of them begins with another one.

    A pattern that begins with a wildcard has the empty prefix.
    """
    found: set[str] = set()
    for rule in rules:
        if rule.effect is not Effect.ALLOW:
            continue
        literal: list[str] = []
        for segment in pattern_segments(rule.object):
            if segment in (ONE, REST):
                break
            literal.append(segment)
        prefix = "/".join(literal)
        found |= {prefix, f"/{prefix}"} if prefix else {""}
    kept: list[str] = []
    for prefix in sorted(found):
        if not (kept and prefix.startswith(kept[-1])):
            kept.append(prefix)
    return kept
