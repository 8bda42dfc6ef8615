"""The project's user model, read with hand-written SQL: whatever model that is."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection

from security_events.types import Subject


@lru_cache(maxsize=1)
def _fields() -> tuple[Any, ...]:
    # A password hash is of no use where tokens are dealt with: it stays in the database until somebody asks for it.
    return tuple(field for field in get_user_model()._meta.concrete_fields if field.name != "password")


@lru_cache(maxsize=1)
def _converters() -> tuple[tuple[int, Any, Any], ...]:
    found = []
    for index, field in enumerate(_fields()):
        functions = connection.ops.get_db_converters(field.get_col("u")) + field.get_db_converters(connection)
        found += [(index, function, field.get_col("u")) for function in functions]
    return tuple(found)


@lru_cache(maxsize=1)
def columns() -> str:
    """Return the select list of a user row that has the alias ``u``."""
    return ", ".join(f"u.{connection.ops.quote_name(field.column)}" for field in _fields())


@lru_cache(maxsize=1)
def table() -> str:
    """Return the quoted name of the user table."""
    return connection.ops.quote_name(get_user_model()._meta.db_table)


@lru_cache(maxsize=1)
def key() -> str:
    """Return the primary key of the alias ``u``."""
    return f"u.{connection.ops.quote_name(str(get_user_model()._meta.pk.column))}"


@lru_cache(maxsize=1)
def active() -> str:
    """Return the condition that a user ``u`` may act: active and not deleted, as far as the model knows such things."""
    names = {field.name for field in _fields()}
    conditions = {"is_active": "u.is_active", "deleted_at": "u.deleted_at IS NULL"}
    held = [sql for name, sql in conditions.items() if name in names]
    return f"({' AND '.join(held)})" if held else "TRUE"


def from_row(values: Sequence[Any]) -> Any:
    """Build the user from the values of :func:`columns`, without another query."""
    row = list(values)
    for index, convert, expression in _converters():
        row[index] = convert(row[index], expression, connection)
    return get_user_model().from_db(connection.alias, [field.attname for field in _fields()], row)


def subject_of(user: Any) -> Subject:
    """Return somebody as the actor or target of an event."""
    return Subject(id=str(user.pk), name=user.get_username())
