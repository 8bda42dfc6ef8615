"""The file beside an export from which the root of the tree is computed and the first wrong event is named.

Each line is a leaf or a complete subtree, from left to right::

    <level> <position> <base64 of the hash>[ <id of the event>]

A leaf (level 0) has the id of its event if the event is part of the export. What retention has removed, and what lies
outside the period of the export, stands there as hashes only.
"""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from security_events.verifier.checkpoints import parse_size
from security_events.verifier.errors import NoteMalformed
from security_events.verifier.keys import strict_base64
from security_events.verifier.merkle import HASH_BYTES

_HIGHEST_LEVEL = 62
_LONGEST_LINE = 256  # bytes


class TreeLine(NamedTuple):
    """A line of a tree file."""

    level: int
    position: int
    hash: bytes
    event_id: str | None = None

    @property
    def first_leaf(self) -> int:
        """The index of the first leaf that the line stands for."""
        return self.position << self.level

    def __str__(self) -> str:
        parts = [str(self.level), str(self.position), base64.b64encode(self.hash).decode()]
        return " ".join([*parts, self.event_id] if self.event_id else parts) + "\n"


def read_tree(path: Path) -> Iterator[TreeLine]:
    """Read a tree file. The lines have no gap between them.

    Raises: NoteMalformed, OSError.
    """
    size = 0
    with path.open("rb") as file:
        while line := file.readline(_LONGEST_LINE):
            read = _tree_line(line)
            if read.first_leaf != size:
                raise NoteMalformed(f"{path.name} has no hash of leaf {size}: a line is missing or out of order.")
            size += 1 << read.level
            yield read


def _tree_line(line: bytes) -> TreeLine:
    try:
        level, position, hash_, *event = line.decode("ascii").split()
    except ValueError:
        raise NoteMalformed("A line of a tree file has the form <level> <position> <base64>[ <event id>].") from None
    read = TreeLine(parse_size(level), parse_size(position), strict_base64(hash_), event[0] if event else None)
    if read.level > _HIGHEST_LEVEL or len(read.hash) != HASH_BYTES or len(event) > 1 or (event and read.level):
        raise NoteMalformed(
            "A line of a tree file has a level below 63, a hash of 32 bytes, and leaves alone have ids."
        )
    return read
