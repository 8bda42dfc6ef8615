"""Frozen values that cross layers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Subject:
    """Somebody or something that acts or is acted upon.

    The name is given whole and stored masked, because the row that it names may change or go while the event stays.
    An empty id stands for somebody unknown.
    """

    id: str = ""
    name: str = ""
