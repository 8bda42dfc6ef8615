"""The lines of an export, strictly read: each one an event, and so the content of a leaf."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from security_events.event_form import canonical_bytes
from security_events.verifier.errors import NoteMalformed
from security_events.verifier.merkle import leaf_hash

_LONGEST_LINE = 2**24  # bytes


class EventLine(NamedTuple):
    """A line of an export."""

    number: int
    """From 1."""
    content: bytes

    def leaf(self) -> bytes:
        """Return the hash of the line as it stands there: that of its leaf, if the line is in canonical form."""
        return leaf_hash(self.content)

    def canonical(self) -> bytes:
        """Return the event as RFC 8785 bytes, whatever the order of its members and spaces.

        Raises: NoteMalformed, if it is no event.
        """
        event = self._event()
        try:
            if event is not None:
                return canonical_bytes(event)
        except ValueError:  # a lone surrogate
            pass
        raise NoteMalformed("An event is a JSON object with each member once, without fractions.")

    def canonical_leaf(self) -> bytes | None:
        """Return the hash of the event; ``None`` if it is none."""
        try:
            return leaf_hash(self.canonical())
        except NoteMalformed:
            return None

    def event_id(self) -> str | None:
        """Return the id that the event says it has."""
        event = self._event()
        id_ = None if event is None else event.get("id")
        return id_ if isinstance(id_, str) else None

    def _event(self) -> dict[str, Any] | None:
        try:
            event = json.loads(self.content, object_pairs_hook=_unique, parse_float=_refuse, parse_constant=_refuse)
        except (ValueError, RecursionError):
            return None
        return event if isinstance(event, dict) else None


def read_events(path: Path) -> Iterator[EventLine]:
    """Read the lines of an export. An overlong line is cut, and so is no event.

    Raises: OSError.
    """
    with path.open("rb") as file:
        number = 0
        while line := file.readline(_LONGEST_LINE):
            number += 1
            yield EventLine(number, line.removesuffix(b"\n"))


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    # Of a repeated member, one reader would take the first and another the last.
    members = dict(pairs)
    if len(members) != len(pairs) or not all(name.isascii() for name in members):
        raise ValueError("A member is repeated, or its name is not ASCII.")
    return members


def _refuse(number: str) -> Any:
    raise ValueError(f"{number} is no integer.")
