"""The policy, compiled: which rules can match is found by the subject, the action and the segments of the object.

A decision looks at the rules of the caller's own roles and path only, so its cost does not grow with the number of
rules. The index never changes: a new version of the policy is a new index, and readers change over by one reference.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from accounts.access.deciding import roles as role_hierarchy
from accounts.access.deciding.attributes import MISSING, Attributes
from accounts.access.deciding.conditions import Check, build_check
from accounts.access.deciding.paths import ONE, REST, object_segments, pattern_segments
from accounts.access.deciding.rules import ANY_ACTION, Effect, Rule

ROLE = "role:"
_MOST_REMEMBERED = 4096  # sets of roles whose expansion is kept


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


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether somebody may; ``rule`` is the id of the rule that decided, ``None`` if none matched."""

    is_allowed: bool
    reason: Reason
    rule: str | None
    version: int


class CompiledRule:
    """The id of a rule, and what must hold apart from subject, action and object."""

    __slots__ = ("checks", "id")

    def __init__(self, rule: Rule) -> None:
        self.id = rule.id
        self.checks: tuple[Check, ...] = tuple(check for _member, check in named_checks(rule))

    def holds(self, attributes: Attributes, at: datetime, *, unknown_matches: bool) -> bool:
        """Return whether all of it holds. ``unknown_matches``: what a check counts as that can't be answered."""
        for check in self.checks:
            answer = check(attributes, at)
            if answer is False or (answer is None and not unknown_matches):
                return False
        return True


class _Node:
    """The rules whose patterns end at a segment, and the segments that go on from it."""

    __slots__ = ("ending", "rest", "segments")

    def __init__(self) -> None:
        self.segments: dict[str, _Node] = {}
        self.ending: list[CompiledRule] = []  # patterns that end here
        self.rest: list[CompiledRule] = []  # patterns that go on with **


class CompiledPolicy:
    """All rules and roles of one version.

    Raises: RuleInvalid, RolesInvalid. Nothing is left out silently: a policy with a mistake is no policy.
    """

    def __init__(self, *, rules: Iterable[Rule], parents: Mapping[str, Collection[str]], version: int) -> None:
        self.version = version
        # The rule that is named as the deciding one must not depend on the order of rows in a table.
        self.rules = tuple(sorted(rules, key=lambda rule: rule.id))
        self.inherited = inherited_principals(parents)
        self._trees: dict[Effect, dict[str, dict[str, _Node]]] = {Effect.DENY: {}, Effect.ALLOW: {}}
        for rule in self.rules:
            self._add(rule)
        self._denied, self._allowed = self._trees[Effect.DENY], self._trees[Effect.ALLOW]
        self._expanded: Callable[[frozenset[str]], tuple[str, ...]] = lru_cache(_MOST_REMEMBERED)(self._expand)

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
        asked = _Asked(self.principals(subject, roles), action, segments, attributes, at)
        denied = _first(self._denied, asked, unknown_matches=True)
        if denied is not None:
            return Decision(False, Reason.DENIED, denied, self.version)
        allowed = _first(self._allowed, asked, unknown_matches=False)
        if allowed is not None:
            return Decision(True, Reason.ALLOWED, allowed, self.version)
        return Decision(False, Reason.NO_RULE, None, self.version)

    def principals(self, subject: str, roles: frozenset[str]) -> tuple[str, ...]:
        """Return the names under which rules are about a subject: its own, and its roles with all their parents."""
        return (subject, *self._expanded(roles))

    def _expand(self, roles: frozenset[str]) -> tuple[str, ...]:
        # In the order of names, so that it is always the same rule that decides.
        return tuple(dict.fromkeys(each for role in sorted(roles) for each in self.inherited.get(role, ())))

    def _add(self, rule: Rule) -> None:
        actions = self._trees[rule.effect].setdefault(rule.subject, {})
        node = actions.get(rule.action) or actions.setdefault(rule.action, _Node())
        compiled = CompiledRule(rule)
        for segment in pattern_segments(rule.object):
            if segment == REST:
                node.rest.append(compiled)
                return
            node = node.segments.get(segment) or node.segments.setdefault(segment, _Node())
        node.ending.append(compiled)


def inherited_principals(parents: Mapping[str, Collection[str]]) -> dict[str, tuple[str, ...]]:
    """Return for each role the names, with prefix, of itself and of all roles that it inherits from.

    Raises: RolesInvalid.
    """
    expanded = role_hierarchy.expand(parents)
    return {role: tuple(ROLE + each for each in sorted(found)) for role, found in expanded.items()}


class _Asked(NamedTuple):
    """A question, as the trees are searched for it."""

    principals: tuple[str, ...]
    action: str
    segments: tuple[str, ...]
    attributes: Attributes
    at: datetime


def _first(trees: Mapping[str, Mapping[str, _Node]], asked: _Asked, *, unknown_matches: bool) -> str | None:
    """Return the id of the first rule that matches."""
    principals, action, segments, attributes, at = asked
    for principal in principals:
        actions = trees.get(principal)
        if actions is None:
            continue
        for wanted in (action, ANY_ACTION):
            root = actions.get(wanted)
            if root is None:
                continue
            for rule in _on_path(root, segments):
                if not rule.checks or rule.holds(attributes, at, unknown_matches=unknown_matches):
                    return rule.id
    return None


def _on_path(root: _Node, segments: tuple[str, ...]) -> list[CompiledRule]:
    """Return the rules whose patterns match; those that name segments come before those with wildcards."""
    # Each node is reached by one path of the tree, so at most as many are looked at as there are segments in rules.
    nodes = [root]
    rest: list[CompiledRule] = []
    for segment in segments:
        following = []
        for node in nodes:
            if node.rest:
                rest = node.rest + rest
            if (exact := node.segments.get(segment)) is not None and segment != ONE:
                following.append(exact)
            if (wild := node.segments.get(ONE)) is not None:
                following.append(wild)
        nodes = following
        if not nodes:
            return rest
    if len(nodes) == 1 and not rest:
        return nodes[0].ending
    return [rule for node in nodes for rule in node.ending] + rest


def named_checks(rule: Rule) -> Iterable[tuple[str, Check]]:
    """Return what must hold apart from subject, action and object, by the rule's members; the cheapest first.

    Raises: RuleInvalid.
    """
    since, until, hours = rule.valid_from, rule.valid_until, rule.hours
    if since is not None:
        yield "valid_from", lambda _attributes, at: at >= since
    if until is not None:
        yield "valid_until", lambda _attributes, at: at < until
    if rule.department:
        yield "department", _of_subject("department", rule.department)
    if rule.location:
        yield "location", _of_subject("location", rule.location)
    for condition in rule.conditions:
        yield str(condition["name"]), build_check(condition)
    if hours is not None:
        yield "hours", lambda _attributes, at: hours.contain(at)


def _of_subject(name: str, value: str) -> Check:
    def check(attributes: Attributes, _at: datetime) -> bool | None:
        known: Any = attributes.get("subject", {}).get(name, MISSING)
        return None if known is MISSING else bool(known == value)

    return check
