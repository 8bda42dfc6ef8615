"""The project's user model, whichever it is, in the SQL of this app.

The statements that authenticate and refresh return the user's row too, so that a request needs one query.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django.contrib.auth import get_user_model
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import DEFERRED

from security_events.types import Subject
from tokens.conf import token_settings


def table() -> str:
    """Return the quoted name of the user table. Statements give it the alias ``u``."""
    return connection.ops.quote_name(get_user_model()._meta.db_table)


def primary_key() -> str:
    """Return the primary key's column of ``u``."""
    return f"u.{connection.ops.quote_name(str(get_user_model()._meta.pk.column))}"


def columns() -> str:
    """Return the columns of ``u`` for a select list, named user_0, user_1 and so on.

    With these aliases no column of a project's model can have the name of another column in the statement.
    """
    names = (connection.ops.quote_name(field.column) for field in _fields())
    return ", ".join(f"u.{name} AS user_{position}" for position, name in enumerate(names))


def is_active() -> str:
    """Return the condition that ``u`` is active, as the setting ``ACTIVE_USER`` defines it."""
    columns_by_name = {field.name: f"u.{connection.ops.quote_name(field.column)}" for field in _fields()}
    default = {"is_active": True} if "is_active" in columns_by_name else {}
    conditions = [
        f"{columns_by_name[name]} IS {'NULL' if value is None else str(value).upper()}"
        for name, value in (token_settings.ACTIVE_USER or default).items()
    ]
    return f"({' AND '.join(conditions)})" if conditions else "TRUE"


def from_row(values: Sequence[Any]) -> Any:
    """Build the user from the values of :func:`columns`, without another query. The password hash stays deferred."""
    row = list(values)
    if converters := _converters():
        database = connections[DEFAULT_DB_ALIAS]  # once: django.db.connection looks for it at every use
        for position, convert, expression in converters:
            row[position] = convert(row[position], expression, database)
    for position in _positions_left_out():
        row.insert(position, DEFERRED)
    return _model().from_db(DEFAULT_DB_ALIAS, _attribute_names(), row)


def subject_of(user: Any) -> Subject:
    """Return a user as the actor or target of an event."""
    # AbstractUser has get_full_name, AbstractBaseUser has not.
    full_name = user.get_full_name() if hasattr(user, "get_full_name") else ""
    return Subject(id=str(user.pk), name=user.get_username(), full_name=full_name)


@lru_cache(maxsize=1)
def _fields() -> tuple[Any, ...]:
    # Without the password hash: no request with a token needs it, so it stays in the database.
    return tuple(field for field in get_user_model()._meta.concrete_fields if field.name != "password")


@lru_cache(maxsize=1)
def _attribute_names() -> tuple[str, ...]:
    return tuple(field.attname for field in _fields())


@lru_cache(maxsize=1)
def _positions_left_out() -> tuple[int, ...]:
    # With a value for each field, Django need not look each one up among the names.
    return tuple(at for at, field in enumerate(_model()._meta.concrete_fields) if field not in _fields())


@lru_cache(maxsize=1)
def _model() -> Any:
    return get_user_model()


@lru_cache(maxsize=1)
def _converters() -> tuple[tuple[int, Any, Any], ...]:
    found = []
    for position, field in enumerate(_fields()):
        functions = connection.ops.get_db_converters(field.get_col("u")) + field.get_db_converters(connection)
        found += [(position, function, field.get_col("u")) for function in functions]
    return tuple(found)
