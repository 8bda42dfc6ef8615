"""Objects are paths of segments; patterns of rules are paths in which ``*`` is one segment and ``**`` the rest.

There are no regular expressions: Casbin's ``keyMatch`` functions cross segments, read a point as any character, and let
a newline evade a rule. Characters are compared as they are, without decoding or folding.
"""

import unicodedata

from accounts.access.errors import NOT_A_PATH, NOT_A_PATTERN, RuleInvalid

ONE, REST = "*", "**"
MAX_LENGTH = 512
MAX_SEGMENTS = 32
_DOTS = frozenset({"", ".", ".."})

Segments = tuple[str, ...]


def object_segments(path: str) -> Segments | None:
    """Return the segments of an object; ``None`` if it is no path. A leading ``/`` makes no difference.

    An object may contain a ``*``: it is a character like any other here.
    """
    if not path or len(path) > MAX_LENGTH:
        return None
    segments = tuple(path.removeprefix("/").split("/"))
    if len(segments) > MAX_SEGMENTS or not _DOTS.isdisjoint(segments):
        return None
    # Most paths have printable characters only. The others may still be of those that some scripts need.
    return segments if path.isprintable() or not any(map(is_control, path)) else None


def pattern_segments(pattern: str) -> Segments:
    """Return the segments of a rule's pattern.

    Raises: RuleInvalid.
    """
    segments = object_segments(pattern)
    if segments is None:
        raise RuleInvalid("object", NOT_A_PATH)
    for number, segment in enumerate(segments, start=1):
        if ONE in segment and not (segment == ONE or (segment == REST and number == len(segments))):
            raise RuleInvalid("object", NOT_A_PATTERN)
    return segments


def matches(pattern: Segments, segments: Segments) -> bool:
    """Return whether a pattern matches an object."""
    if pattern[-1] == REST:
        pattern = pattern[:-1]
        if len(segments) <= len(pattern):
            return False
    elif len(segments) != len(pattern):
        return False
    return all(one in (ONE, two) for one, two in zip(pattern, segments, strict=False))


def is_control(character: str) -> bool:
    """Return whether a character controls how text is shown or read, instead of being shown."""
    # Cc: control characters, Cs: halves of surrogate pairs, Zl and Zp: separators of lines and paragraphs.
    return unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}
