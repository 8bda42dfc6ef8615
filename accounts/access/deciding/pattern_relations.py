"""How two patterns of objects relate. Both are given as ``paths.pattern_segments`` returns them."""

from accounts.access.deciding.paths import ONE, REST, Segments


def covers(wide: Segments, narrow: Segments) -> bool:
    """Return whether each object that ``narrow`` matches is matched by ``wide``, too."""
    for number, segment in enumerate(wide):
        if number >= len(narrow):
            return False
        if segment == REST:
            return True
        if narrow[number] == REST or segment not in (ONE, narrow[number]):
            return False
    return len(wide) == len(narrow)


def overlap(one: Segments, other: Segments) -> bool:
    """Return whether there is an object that both match."""
    for first, second in zip(one, other, strict=False):
        if REST in (first, second):
            return True
        if first != second and ONE not in (first, second):
            return False
    return len(one) == len(other)
