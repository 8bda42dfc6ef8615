"""What must hold for a rule apart from its subject, action and object."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from accounts.access.deciding.attributes import MISSING, Attributes
from accounts.access.deciding.conditions import Check, build_check
from accounts.access.deciding.rules import Rule


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
