"""How rows of a model are objects of access control: their paths, and which of their columns are ``resource.*``.

A project declares it once for each model::

    declare_rows(Document, path="documents/{pk}", attributes={"owner": "owner", "department": "department"})
"""

import string
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from django.db import models

from accounts.access.deciding.paths import object_segments
from accounts.access.known_permissions import PERMISSION_OBJECTS

# The columns whose values are compared alike by Python and by PostgreSQL.
_TEXTS = (models.CharField, models.TextField)
_NUMBERS = (models.IntegerField, models.FloatField)
_KEYS = (models.UUIDField, models.AutoField, models.ForeignKey)


class RowsNotDeclared(Exception):
    """Rows of a model can't be, or were not, declared as objects."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column as an attribute. Keys are texts, as the ids of subjects are; the others are as they are stored."""

    lookup: str
    steps: tuple[str, ...]  # attributes of rows that lead to it; the last one needs no query
    field: "models.Field[Any, Any]"
    is_key: bool

    def value_of(self, row: models.Model) -> Any:
        """Return the attribute's value of a row: ``None`` where a row on the way is missing."""
        value: Any = row
        *above, last = self.steps
        for step in above:
            value = getattr(value, step)
            if value is None:
                return None
        value = getattr(value, last)
        return str(value) if self.is_key and value is not None else value


@dataclass(frozen=True, slots=True)
class RowType:
    """The rows of a model as objects. ``segments`` are texts, and columns whose values stand in the path."""

    model: type[models.Model]
    segments: tuple[str | Column, ...]
    attributes: Mapping[str, Column]

    def path_of(self, row: models.Model) -> str:
        """Return the object that a row is."""
        return "/".join(each if isinstance(each, str) else str(each.value_of(row)) for each in self.segments)

    def attributes_of(self, row: models.Model) -> dict[str, Any]:
        """Return what is known of a row as ``resource.*``."""
        found: dict[str, Any] = {}
        for name, column in self.attributes.items():
            *above, last = name.split(".")
            inner = found
            for step in above:
                inner = inner.setdefault(step, {})
            inner[last] = column.value_of(row)
        return found


_declared: dict[type[models.Model], RowType] = {}


def declare_rows(model: type[models.Model], *, path: str, attributes: Mapping[str, str] = MappingProxyType({})) -> None:
    """Declare how the rows of a model are objects.

    ``path`` has the names of columns in braces, which must be keys or integers: a text could contain a ``/``.
    ``attributes`` are names below ``resource.`` with the columns that they are, over foreign keys if need be
    (``owner__department``).

    Raises: RowsNotDeclared, for what can't be translated to SQL exactly.
    """
    segments = tuple(_segment(model, segment) for segment in path.split("/"))
    columns = {name: _column(model, lookup) for name, lookup in attributes.items()}
    if object_segments("/".join(each if isinstance(each, str) else "1" for each in segments)) is None:
        raise RowsNotDeclared(f"{path!r} is no path.")
    if segments[0] == PERMISSION_OBJECTS:
        raise RowsNotDeclared(f"{path!r} is the object of a permission, which scopes of service clients bound.")
    if any(name.startswith(f"{other}.") for name in columns for other in columns):
        raise RowsNotDeclared("An attribute can't be a value and have members, too.")
    _declared[model] = RowType(model, segments, columns)


def row_type(model: type[models.Model]) -> RowType:
    """Return how the rows of a model are objects. Raises: RowsNotDeclared."""
    for cls in model.__mro__:
        if cls in _declared:
            return _declared[cls]
    raise RowsNotDeclared(f"declare_rows was not called for {model.__name__}.")


def _segment(model: type[models.Model], text: str) -> str | Column:
    parts = list(string.Formatter().parse(text))
    literal, name = (parts[0][0], parts[0][1]) if len(parts) == 1 else ("", None)
    if not text or len(parts) != 1 or (name is not None and literal):
        raise RowsNotDeclared(f"{text!r} is neither a text nor one column in braces.")
    if name is None:
        return text
    column = _column(model, name)
    if (not column.is_key and not isinstance(column.field, models.IntegerField)) or column.field.null:
        raise RowsNotDeclared(f"{name} stands in a path, but it is no key and no integer, or it may be empty.")
    return column


def _column(model: type[models.Model], lookup: str) -> Column:
    field: Any = None
    owner: Any = model
    steps = []
    for step in lookup.split("__"):
        field = owner._meta.pk if step == "pk" else owner._meta.get_field(step)
        steps.append(field.name)
        if (field.is_relation and not (field.many_to_one or field.one_to_one)) or not hasattr(field, "attname"):
            raise RowsNotDeclared(f"{lookup} leads to many rows.")
        owner = field.related_model
    is_key = field.primary_key or field.is_relation or isinstance(field, _KEYS)
    target = field.target_field if field.is_relation else field
    if is_key and not isinstance(target, (models.UUIDField, models.IntegerField)):
        raise RowsNotDeclared(f"{lookup} is a key that is neither a UUID nor an integer.")
    if not is_key and (
        not isinstance(field, (*_TEXTS, *_NUMBERS, models.BooleanField)) or _is_compared_otherwise(field)
    ):
        raise RowsNotDeclared(f"{lookup} is of a type that Python and PostgreSQL compare differently.")
    return Column(lookup, (*steps[:-1], field.attname), target, is_key)


def _is_compared_otherwise(field: Any) -> bool:
    # A field that converts what it reads is not compared by SQL as Python sees it.
    return bool(getattr(field, "db_collation", None)) or hasattr(field, "from_db_value")
