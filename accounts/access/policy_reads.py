"""Which attributes the rules of a policy read: nothing else is recorded of a decision."""

from collections.abc import Iterable, Mapping
from typing import Any

from accounts.access.deciding.conditions import attributes_read

Documents = Mapping[str, Mapping[str, Any]]


def of_rules(rules: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Return the names of the attributes that rules read, given as documents."""
    found: set[str] = set()
    for document in rules:
        found |= of_rule(document)
    return frozenset(found)


def of_rule(document: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the attributes that one rule reads."""
    found = {f"subject.{name}" for name in ("department", "location") if document[name]}
    for condition in document["conditions"]:
        found |= attributes_read(condition)
    return frozenset(found)
