"""Conditions of rules as conditions of SQL, with exactly the same answer for each row.

A check is a pair of conditions: for which rows it holds, and for which its answer is unknown. Values are compared
without conversions, as ``deciding.conditions`` does: where a constant has another type than the column, no row is
equal to it.
"""

import math
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import F, Q

from accounts.access.deciding.attributes import MISSING, Attributes, reader
from accounts.access.deciding.conditions import build_check
from accounts.access.services.visible_rows.row_types import Column, RowType

NONE, ALL = Q(pk__in=()), ~Q(pk__in=())
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1


class NotTranslatable(Exception):
    """A rule has a condition about rows that SQL can't answer exactly. Ask about each row instead."""


@dataclass(frozen=True, slots=True)
class RowCheck:
    """For which rows a condition holds, and for which nobody can say."""

    holds: Q
    unknown: Q = NONE


def translate(condition: Mapping[str, Any], rows: RowType, attributes: Attributes, at: datetime) -> RowCheck:
    """Return the check of a stored condition. Raises: NotTranslatable; RuleInvalid."""
    arguments: Mapping[str, Any] = condition.get("arguments", {})
    names = [arguments[name] for name in _NAMES.get(condition["name"], arguments) if name in arguments]
    for name in names:
        _require_value(name, rows)
    if not any(_column(name, rows) for name in names):
        # It is about no column: the answer is the same for all rows.
        answer = build_check(condition)(attributes, at)
        return RowCheck(ALL if answer else NONE, ALL if answer is None else NONE)
    make = _TRANSLATIONS.get(condition["name"])
    if make is None:
        raise NotTranslatable(f"{condition['name']} can't be asked about rows in SQL.")
    return make(arguments, rows, attributes)


def _column(name: Any, rows: RowType) -> Column | None:
    return rows.attributes.get(name.removeprefix("resource.")) if _is_of_resource(name) else None


def _is_of_resource(name: Any) -> bool:
    return isinstance(name, str) and name.startswith("resource.")


def _operand(name: Any, rows: RowType, attributes: Attributes) -> Any:
    """Return a column, or the value of an attribute that is no column."""
    return _column(name, rows) or reader(name, member="conditions")(attributes)


def _require_value(name: Any, rows: RowType) -> None:
    """Refuse an attribute that is an object with columns as its members. Raises: NotTranslatable."""
    inner = f"{name}.".removeprefix("resource.")
    if _is_of_resource(name) and any(each.startswith(inner) for each in rows.attributes):
        raise NotTranslatable(f"{name} is an object with members.")


def _same(arguments: Mapping[str, Any], rows: RowType, attributes: Attributes) -> RowCheck:
    left, right = (_operand(arguments[side], rows, attributes) for side in ("left", "right"))
    if isinstance(left, Column) and isinstance(right, Column):
        return RowCheck(_equal_columns(left, right))
    column, value = (left, right) if isinstance(left, Column) else (right, left)
    return RowCheck(NONE, ALL) if value is MISSING else RowCheck(_equal(column, value))


def _equals(arguments: Mapping[str, Any], rows: RowType, attributes: Attributes) -> RowCheck:
    return RowCheck(_equal(_operand(arguments["attribute"], rows, attributes), arguments["value"]))


def _member(arguments: Mapping[str, Any], rows: RowType, attributes: Attributes) -> RowCheck:
    element, listed = (_operand(arguments[name], rows, attributes) for name in ("element", "list"))
    if isinstance(listed, Column):
        return RowCheck(NONE, ALL)  # no column is a list
    if isinstance(listed, str | Mapping) or not isinstance(listed, Collection):
        return RowCheck(NONE, ALL)
    found = NONE
    for value in listed:
        found |= _equal(element, value)
    return RowCheck(found)


def _limit(lookup: str) -> Callable[[Mapping[str, Any], RowType, Attributes], RowCheck]:
    def make(arguments: Mapping[str, Any], rows: RowType, attributes: Attributes) -> RowCheck:
        column = _operand(arguments["attribute"], rows, attributes)
        if column.is_key or not isinstance(column.field, models.IntegerField | models.FloatField):
            return RowCheck(NONE, ALL)
        return RowCheck(_compared(column, lookup, arguments["number"]), Q(**{f"{column.lookup}__isnull": True}))

    return make


# The arguments that are names of attributes; of other conditions each may be one.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "same": ("left", "right"),
    "equals": ("attribute",),
    "member": ("element", "list"),
    "at_most": ("attribute",),
    "at_least": ("attribute",),
}
_TRANSLATIONS: Mapping[str, Callable[[Mapping[str, Any], RowType, Attributes], RowCheck]] = {
    "same": _same,
    "equals": _equals,
    "member": _member,
    "at_most": _limit("lte"),
    "at_least": _limit("gte"),
}


def _compared(column: Column, lookup: str, number: float) -> Q:
    if not math.isfinite(number):
        raise NotTranslatable("A bound that is no finite number can't be asked about in SQL.")
    if isinstance(column.field, models.FloatField):
        # PostgreSQL takes what is no number for the largest one.
        return Q(**{f"{column.lookup}__{lookup}": float(number)}) & Q(**{f"{column.lookup}__lte": math.inf})
    bound = math.floor(number) if lookup == "lte" else math.ceil(number)
    if bound > _LARGEST:
        return Q(**{f"{column.lookup}__isnull": False}) if lookup == "lte" else NONE
    if bound < _SMALLEST:
        return NONE if lookup == "lte" else Q(**{f"{column.lookup}__isnull": False})
    return Q(**{f"{column.lookup}__{lookup}": bound})


def _equal(column: Column, value: Any) -> Q:
    if value is None:
        return Q(**{f"{column.lookup}__isnull": True})
    stored = as_stored(column, value)
    return NONE if stored is None else Q(**{column.lookup: stored})


def as_stored(column: Column, value: Any) -> Any:
    """Return a value as the column holds it, ``None`` if no row can be equal to it."""
    field = column.field
    if column.is_key:
        return _key(field, value) if isinstance(value, str) else None
    if isinstance(field, models.BooleanField):
        return value if isinstance(value, bool) else None
    if isinstance(field, models.IntegerField | models.FloatField):
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return None
        if isinstance(field, models.FloatField):
            return float(value) if float(value) == value else None
        return int(value) if value == int(value) and _SMALLEST <= value <= _LARGEST else None
    return value if isinstance(value, str) and "\x00" not in value else None


def _key(field: Any, text: str) -> Any:
    """Return a key that is written as ``str`` writes it, ``None`` for any other text."""
    try:
        key: Any = uuid.UUID(text) if isinstance(field, models.UUIDField) else int(text)
    except ValueError:
        return None
    return key if str(key) == text and (isinstance(key, uuid.UUID) or _SMALLEST <= key <= _LARGEST) else None


def _equal_columns(left: Column, right: Column) -> Q:
    kinds = {_kind(column) for column in (left, right)}
    both_empty = Q(**{f"{left.lookup}__isnull": True, f"{right.lookup}__isnull": True})
    if len(kinds) > 1:
        # A key is a text to conditions, and a text may be written as a key is.
        if kinds <= {"integer", "float"} or ("text" in kinds and kinds & {"key of uuid", "key of integer"}):
            raise NotTranslatable("Columns of these two types can't be compared exactly.")
        return both_empty
    if kinds == {"float"}:
        raise NotTranslatable("Two columns of floating-point numbers can't be compared exactly.")
    return Q(**{left.lookup: F(right.lookup)}) | both_empty


def _kind(column: Column) -> str:
    if column.is_key:
        return "key of uuid" if isinstance(column.field, models.UUIDField) else "key of integer"
    for kind, field in (
        ("boolean", models.BooleanField),
        ("integer", models.IntegerField),
        ("float", models.FloatField),
    ):
        if isinstance(column.field, field):
            return kind
    return "text"
