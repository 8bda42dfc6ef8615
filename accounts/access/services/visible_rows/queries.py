"""Select exactly the rows of a queryset that a decision about each of them would allow."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any, TypeVar

from django.db.models import BooleanField, Case, Model, Q, QuerySet, Value, When
from django.utils import timezone

from accounts.access.conf import access_settings
from accounts.access.deciding.attributes import Attributes
from accounts.access.deciding.compiled_rules import CompiledRule
from accounts.access.deciding.paths import ONE, REST, pattern_segments
from accounts.access.deciding.rules import Effect, Rule
from accounts.access.deciding.walks import rules_of
from accounts.access.known_permissions import BREAK_GLASS
from accounts.access.services import active_policy, decisions
from accounts.access.services.visible_rows.conditions import ALL, NONE, RowCheck, as_stored, translate
from accounts.access.services.visible_rows.row_types import Column, RowType, row_type
from accounts.access.types import Question

Row = TypeVar("Row", bound=Model)


def visible_to(
    user: Any,
    queryset: QuerySet[Row],
    action: str,
    *,
    context: Mapping[str, Any] | None = None,
    at: datetime | None = None,
) -> QuerySet[Row]:
    """Return those rows of a queryset on which a user may do an action: exactly those that ``may_do`` allows.

    Observers of decisions are not told.

    Raises: RowsNotDeclared; NotTranslatable, if a rule has a condition that SQL can't answer exactly. Rows that are
    not allowed are never among the result.
    """
    return queryset.filter(visible_rows(user, queryset.model, action, context=context, at=at))


def visible_rows(
    user: Any,
    model: type[Model],
    action: str,
    *,
    context: Mapping[str, Any] | None = None,
    at: datetime | None = None,
) -> Q:
    """Return the condition by which ``visible_to`` selects. Raises: as ``visible_to``."""
    at, rows = at or timezone.now(), row_type(model)
    facts = access_settings.FACTS_OF(user, at)
    if facts is None:
        return NONE
    if BREAK_GLASS in facts.roles:
        return ALL
    policy = active_policy.current()
    attributes = {"context": context or {}, "resource": {}, "subject": facts.attributes}
    found = rules_of(policy.rules, policy.principals(facts.subject, facts.roles), action)
    matching: dict[Effect, list[Q]] = {Effect.ALLOW: [], Effect.DENY: []}
    for rule in found:
        condition = _matching(rule, rows, attributes, at)
        if condition is not None:
            matching[rule.effect].append(condition)
    allowed = reduce(or_, matching[Effect.ALLOW], NONE)
    if not matching[Effect.DENY]:
        return allowed
    # Not by NOT: what SQL can't answer would be left out on either side of it.
    is_denied = When(reduce(or_, matching[Effect.DENY]), then=Value(False))
    return allowed & Q(Case(is_denied, default=Value(True), output_field=BooleanField()))


def may_do(
    user: Any, row: Model, action: str, *, context: Mapping[str, Any] | None = None, at: datetime | None = None
) -> bool:
    """Return whether a user may do an action on a row. Raises: RowsNotDeclared."""
    at, rows = at or timezone.now(), row_type(type(row))
    facts = access_settings.FACTS_OF(user, at)
    if facts is None:
        return False
    known = {"context": context or {}, "resource": rows.attributes_of(row)}
    return decisions.decide(facts, Question(rows.path_of(row), action, known), at=at).is_allowed


def _matching(rule: Rule, rows: RowType, attributes: Attributes, at: datetime) -> Q | None:
    """Return for which rows a rule matches, ``None`` for none."""
    covered = _covered(rule.object, rows)
    is_denial = rule.effect is Effect.DENY
    # What is about no row: validity, hours, and the subject's department and location.
    of_subject = CompiledRule(replace(rule, conditions=()))
    if covered is None or not of_subject.holds(attributes, at, unknown_matches=is_denial):
        return None
    checks = [translate(condition, rows, attributes, at) for condition in rule.conditions]
    return _all(covered, checks, unknown_matches=is_denial)


def _all(covered: Q, checks: list[RowCheck], *, unknown_matches: bool) -> Q:
    for check in checks:
        covered &= check.holds | check.unknown if unknown_matches else check.holds
    return covered


def _covered(pattern: str, rows: RowType) -> Q | None:
    """Return which rows a pattern covers, ``None`` for none."""
    wanted = pattern_segments(pattern)
    if wanted[-1] == REST:
        wanted = wanted[:-1]
        if len(rows.segments) <= len(wanted):
            return None
    elif len(rows.segments) != len(wanted):
        return None
    found = ALL
    for one, two in zip(wanted, rows.segments, strict=False):
        if one == ONE:
            continue
        if isinstance(two, Column):
            found &= _is_written_so(two, one)
        elif one != two:
            return None
    return found


def _is_written_so(column: Column, text: str) -> Q:
    stored = as_stored(replace(column, is_key=True), text)
    return NONE if stored is None else Q(**{column.lookup: stored})
