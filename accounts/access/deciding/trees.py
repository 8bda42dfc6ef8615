"""Trees of patterns: the rules about an object are found by its segments. No tree changes once decisions use it."""

from collections.abc import Callable
from typing import TypeVar

from accounts.access.deciding.compiled_rules import CompiledRule
from accounts.access.deciding.paths import ONE, REST, Segments

Edit = Callable[[list[CompiledRule]], list[CompiledRule]]
"""Returns the rules of one pattern as they are to be. It changes no list."""
Value = TypeVar("Value")


class Node:
    """The rules whose patterns end at a segment, and the segments that go on from it."""

    __slots__ = ("ending", "rest", "segments")

    def __init__(self) -> None:
        self.segments: dict[str, Node] = {}
        self.ending: list[CompiledRule] = []  # patterns that end here
        self.rest: list[CompiledRule] = []  # patterns that go on with **

    def add(self, pattern: Segments, rule: CompiledRule) -> None:
        """Add a rule while the tree is built: decisions must not use it yet."""
        node = self
        for segment in pattern:
            if segment == REST:
                node.rest.append(rule)
                return
            node = node.segments.get(segment) or node.segments.setdefault(segment, Node())
        node.ending.append(rule)

    def edited(self, pattern: Segments, edit: Edit) -> "Node | None":
        """Return a tree with other rules for one pattern, ``None`` if it has no rules; the rest of it is shared."""
        other = Node()
        other.segments, other.ending, other.rest = self.segments, self.ending, self.rest
        if not pattern:
            other.ending = edit(self.ending)
        elif pattern[0] == REST:
            other.rest = edit(self.rest)
        else:
            below = (self.segments.get(pattern[0]) or Node()).edited(pattern[1:], edit)
            other.segments = with_entry(self.segments, pattern[0], below)
        return other if other.segments or other.ending or other.rest else None


def with_entry(entries: dict[str, Value], key: str, value: Value | None) -> dict[str, Value]:
    """Return a copy with another value for a key, without the key for ``None``."""
    copied = dict(entries)
    if value is None:
        copied.pop(key, None)
    else:
        copied[key] = value
    return copied


def rules_on_path(root: Node, segments: Segments) -> list[CompiledRule]:
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
