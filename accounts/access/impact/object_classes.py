"""Objects that no pattern tells apart form a class; there are finitely many of them, each with an example."""

from collections.abc import Iterable, Iterator
from math import inf

from accounts.access.deciding.paths import MAX_SEGMENTS, ONE, REST, Segments, pattern_segments
from accounts.access.impact.budget import WorkBudget

OTHER = "other"


def object_classes(
    patterns: Iterable[str], *, around: str, budget: WorkBudget | None = None
) -> Iterator[tuple[frozenset[str], str]]:
    """Return the classes of objects that the pattern ``around`` covers: the patterns that cover them, and an example.

    All ``patterns`` are considered, and ``around`` itself. The examples are the shortest of their classes, as far as
    that can be had. There can be as many classes as there are sets of patterns.

    Raises: BudgetExhausted.
    """
    spent = budget or WorkBudget(inf)
    parsed = {pattern: pattern_segments(pattern) for pattern in {*patterns, around}}
    other = _unused_segment(parsed.values())
    seen: set[frozenset[str]] = set()
    # The path so far, the patterns that go on behind it, and those that cover it whatever follows.
    stack: list[tuple[Segments, frozenset[str], frozenset[str]]] = [((), frozenset(parsed), frozenset())]
    visited: set[tuple[int, frozenset[str], frozenset[str]]] = set()
    while stack:
        path, going_on, covering = stack.pop()
        spent.spend((1 + len(going_on)) / 10)
        depth = len(path)
        if path:
            ended = frozenset(pattern for pattern in going_on if len(parsed[pattern]) == depth)
            found = covering | ended
            if around in found and found not in seen:
                seen.add(found)
                yield found, "/".join(path)
        if depth == MAX_SEGMENTS or (depth and not going_on):
            continue  # longer paths are covered by the same patterns
        open_patterns = [pattern for pattern in going_on if len(parsed[pattern]) > depth]
        begun = covering | {pattern for pattern in open_patterns if parsed[pattern][depth] == REST}
        wanted = {parsed[pattern][depth] for pattern in open_patterns}
        for segment in [*sorted(wanted - {ONE, REST}), other]:
            spent.spend((1 + len(open_patterns)) / 50)
            following = frozenset(p for p in open_patterns if parsed[p][depth] in (segment, ONE))
            if around not in following and around not in begun:
                continue
            state = (depth + 1, following, frozenset(begun))
            if state not in visited:
                visited.add(state)
                stack.append(((*path, segment), following, frozenset(begun)))


def _unused_segment(patterns: Iterable[Segments]) -> str:
    used = {segment for segments in patterns for segment in segments}
    name, number = OTHER, 1
    while name in used:
        name, number = f"{OTHER}-{number}", number + 1
    return name
