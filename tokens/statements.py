"""Completes the SQL statements of this app.

A statement is one constant in the service that runs it. Braces stand only for what a constant cannot hold: names of
the project's user model, the key that signs, and the event that the statement records.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from tokens import users

Row = TypeVar("Row", bound=NamedTuple)

# The key that signs access tokens at ``now``: the one activated last. If clocks differ so much that no key is active
# yet, the oldest key signs. The result is NULL if there is no key.
_SIGNING_KID = """(
        SELECT k.kid FROM tokens_signingkey k
        WHERE k.signs_access_tokens
          AND (k.retired_at IS NULL OR k.retired_at > %(now)s) AND (k.expires_at IS NULL OR k.expires_at > %(now)s)
        ORDER BY k.activated_at <= %(now)s DESC, CASE WHEN k.activated_at <= %(now)s THEN k.activated_at END DESC,
                 k.activated_at
        LIMIT 1)"""


@lru_cache(maxsize=32)
def complete(statement: str, **events: str) -> str:
    """Return the text that is sent: always the same for a statement, so that the connection can prepare it.

    ``events`` are the CTEs that record the statement's events, by the names of their placeholders.
    """
    return statement.format(
        user_table=users.table(),
        user_pk=users.primary_key(),
        user_columns=users.columns(),
        user_is_active=users.is_active(),
        signing_kid=_SIGNING_KID,
        **events,
    )


def split_row(row_type: type[Row], values: Sequence[Any]) -> tuple[Row, Any]:
    """Return the named columns of a row and the user that its other columns hold."""
    number = len(row_type._fields)
    return row_type._make(values[:number]), users.from_row(values[number:])
