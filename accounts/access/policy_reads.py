"""Which attributes the rules of a policy read: nothing else is recorded of a decision."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from accounts.access.deciding.conditions import attributes_read
from accounts.access.deciding.rules import Rule


class _HasRules(Protocol):
    @property
    def rules(self) -> Sequence[Rule]: ...


_remembered: tuple[Sequence[Rule], frozenset[str]] = ((), frozenset())


def of_policy(policy: _HasRules) -> frozenset[str]:
    """Return the names of the attributes that the rules of a policy read. Those asked for last are remembered."""
    global _remembered  # noqa: PLW0603 - one reference, replaced as a whole
    known = _remembered
    if known[0] is not policy.rules:
        names = (_names(rule.department, rule.location, rule.conditions) for rule in policy.rules)
        known = _remembered = (policy.rules, frozenset().union(*names))
    return known[1]


def of_document(rule: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the attributes that one rule reads."""
    return _names(rule["department"], rule["location"], rule["conditions"])


def _names(department: str, location: str, conditions: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    subject = {f"subject.{name}" for name, value in (("department", department), ("location", location)) if value}
    return frozenset(subject).union(*map(attributes_read, conditions))
