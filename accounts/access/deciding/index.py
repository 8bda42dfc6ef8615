"""The policy, compiled: which rules can match is found by the subject, the action and the segments of the object.

A decision looks at the rules of the caller's own roles and path only, so its cost does not grow with the number of
rules. The index never changes: a new version of the policy is a new index, and readers change over by one reference.
"""

import copy
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from functools import lru_cache, partial
from typing import NamedTuple

from accounts.access.deciding import roles as role_hierarchy
from accounts.access.deciding.attributes import Attributes
from accounts.access.deciding.compiled_rules import CompiledRule
from accounts.access.deciding.paths import Segments, object_segments, pattern_segments
from accounts.access.deciding.rules import ANY_ACTION, Effect, Rule
from accounts.access.deciding.trees import Edit, Node, rules_on_path, with_entry

ROLE = "role:"
# Sets of roles whose expansion is kept, and subjects with an action whose trees are: 3 MiB with the longest names.
_MOST_REMEMBERED = 4096


class Reason(StrEnum):
    """Why a decision is as it is."""

    ALLOWED = "allowed_by_rule"
    DENIED = "denied_by_rule"
    NO_RULE = "no_rule"
    NO_OBJECT = "invalid_object"
    NO_POLICY = "policy_unavailable"
    NO_SUBJECT = "unknown_subject"
    BREAK_GLASS = "break_glass"
    INSUFFICIENT_SCOPE = "insufficient_scope"  # the word of RFC 6750, 3.1


class Decision(NamedTuple):
    """Whether somebody may; ``rule`` is the id of the rule that decided, ``None`` if none matched."""

    is_allowed: bool
    reason: Reason
    rule: str | None
    version: int


_TreesAbout = tuple[list[Node], list[Node]]


class CompiledPolicy:
    """All rules and roles of one version.

    Raises: RuleInvalid, RolesInvalid. Nothing is left out silently: a policy with a mistake is no policy.
    """

    def __init__(self, *, rules: Iterable[Rule], parents: Mapping[str, Collection[str]], version: int) -> None:
        self.version = version
        # The rule that is named as the deciding one must not depend on the order of rows in a table.
        self.rules = tuple(sorted(rules, key=lambda rule: rule.id))
        self.inherited = inherited_principals(parents)
        self._trees: dict[Effect, dict[str, dict[str, Node]]] = {Effect.DENY: {}, Effect.ALLOW: {}}
        for rule in self.rules:
            self._add(rule)
        self._complete()

    def _complete(self) -> None:
        self._expanded: Callable[[frozenset[str]], tuple[str, ...]] = lru_cache(_MOST_REMEMBERED)(self._expand)
        self._trees_about: Callable[[str, frozenset[str], str], _TreesAbout]
        self._trees_about = lru_cache(_MOST_REMEMBERED)(self._find_trees)

    def changed(
        self, rules: Mapping[str, Rule | None], *, parents: Mapping[str, Collection[str]] | None = None, version: int
    ) -> "CompiledPolicy":
        """Return the policy with other rules, by their ids (``None`` for those that are gone), and with other roles.

        It decides as one that is compiled anew. Only what is on the paths of these rules is made again: of 10,000 rules
        a change of one takes a hundredth of the time. ``parents`` are those of all roles, if any role was changed.

        Raises: RuleInvalid, RolesInvalid.
        """
        other = copy.copy(self)
        other.version = version
        gone = [rule for rule in self.rules if rule.id in rules]
        added = [rule for rule in rules.values() if rule is not None]
        if gone or added:
            kept = (rule for rule in self.rules if rule.id not in rules)
            other.rules = tuple(sorted([*kept, *added], key=lambda rule: rule.id))
        for rule in gone:
            other._edit(rule, partial(_without, rule.id))  # noqa: SLF001 - of the same class
        for rule in added:
            other._edit(rule, partial(_with, CompiledRule(rule)))  # noqa: SLF001 - as above
        if parents is not None:
            other.inherited = inherited_principals(parents)
        other._complete()  # noqa: SLF001 - as above
        return other

    def decide(
        self,
        *,
        subject: str,
        roles: frozenset[str],
        object_path: str,
        action: str,
        attributes: Attributes,
        at: datetime,
    ) -> Decision:
        """Decide whether a subject with these roles may do an action to an object at an instant.

        Roles that the policy does not know give nothing.
        """
        segments = object_segments(object_path)
        if segments is None:
            return Decision(False, Reason.NO_OBJECT, None, self.version)
        denying, allowing = self._trees_about(subject, roles, action)
        denied = _first(denying, segments, attributes, at, unknown_matches=True) if denying else None
        if denied is not None:
            return Decision(False, Reason.DENIED, denied, self.version)
        allowed = _first(allowing, segments, attributes, at, unknown_matches=False) if allowing else None
        if allowed is not None:
            return Decision(True, Reason.ALLOWED, allowed, self.version)
        return Decision(False, Reason.NO_RULE, None, self.version)

    def principals(self, subject: str, roles: frozenset[str]) -> tuple[str, ...]:
        """Return the names under which rules are about a subject: its own, and its roles with all their parents."""
        return (subject, *self._expanded(roles))

    def _expand(self, roles: frozenset[str]) -> tuple[str, ...]:
        # In the order of names, so that it is always the same rule that decides.
        return tuple(dict.fromkeys(each for role in sorted(roles) for each in self.inherited.get(role, ())))

    def _find_trees(self, subject: str, roles: frozenset[str], action: str) -> _TreesAbout:
        """Return the trees of rules that deny and that allow, in the order in which their rules decide."""
        principals = self.principals(subject, roles)
        denying, allowing = (
            [
                root
                for principal in principals
                for wanted in (action, ANY_ACTION)
                if (root := trees.get(principal, {}).get(wanted)) is not None
            ]
            for trees in (self._trees[Effect.DENY], self._trees[Effect.ALLOW])
        )
        return denying, allowing

    def _add(self, rule: Rule) -> None:
        actions = self._trees[rule.effect].setdefault(rule.subject, {})
        root = actions.get(rule.action) or actions.setdefault(rule.action, Node())
        root.add(pattern_segments(rule.object), CompiledRule(rule))

    def _edit(self, rule: Rule, edit: Edit) -> None:
        """Give the pattern of a rule other rules, in trees of its own."""
        trees = self._trees[rule.effect]
        actions = trees.get(rule.subject, {})
        root = (actions.get(rule.action) or Node()).edited(pattern_segments(rule.object), edit)
        self._trees = {
            **self._trees,
            rule.effect: with_entry(trees, rule.subject, with_entry(actions, rule.action, root) or None),
        }


def _without(rule_id: str, rules: list[CompiledRule]) -> list[CompiledRule]:
    return [rule for rule in rules if rule.id != rule_id]


def _with(added: CompiledRule, rules: list[CompiledRule]) -> list[CompiledRule]:
    return sorted([*rules, added], key=lambda rule: rule.id)


def inherited_principals(parents: Mapping[str, Collection[str]]) -> dict[str, tuple[str, ...]]:
    """Return for each role the names, with prefix, of itself and of all roles that it inherits from.

    Raises: RolesInvalid.
    """
    expanded = role_hierarchy.expand(parents)
    return {role: tuple(ROLE + each for each in sorted(found)) for role, found in expanded.items()}


def _first(
    trees: list[Node], segments: Segments, attributes: Attributes, at: datetime, *, unknown_matches: bool
) -> str | None:
    """Return the id of the first rule that matches."""
    for root in trees:
        for rule in rules_on_path(root, segments):
            if not rule.checks or rule.holds(attributes, at, unknown_matches=unknown_matches):
                return rule.id
    return None
