"""Say in one sentence why the database can't be used, and what to do about it.

The sentences are for people at a terminal. They contain the host, the role and the name of the database, never a
password; psycopg's own messages may contain a part of one when a URL was not written correctly.
"""

import re
from collections.abc import Iterator, Mapping

import psycopg
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS
from django.db import Error as DjangoDatabaseError

MAKE_RUN_IS_NOT_RUNNING = "make run is not running; start it or set DATABASE_URL."
# By SQLSTATE (PostgreSQL, appendix A).
_BY_STATE: Mapping[str, str] = {
    "25006": "The database takes no writes now; wait until it is the primary again, or correct {setting}.",
    "28000": "The database refuses the role of {setting}; correct the role, or what pg_hba.conf allows it.",
    "28P01": "The database refuses the role or the password of {setting}; correct them.",
    "3D000": "The database that {setting} names does not exist; create it, or correct {setting}.",
    "42501": "The role of {setting} may not do this; run `manage.py grant_serving_role`, or use the role that owns the "
    "tables.",
    "42703": "The database has not the schema of this code; run `manage.py migrate`.",
    "42P01": "The database has not the schema of this code; run `manage.py migrate`.",
    "53100": "The disk of the database is full; make room on it.",
    "53300": "The database has no connection left; raise its max_connections, or lower DATABASE_POOL_MAX.",
    "57P03": "The database is starting or stopping; try again in a moment.",
}
# libpq gives no SQLSTATE for a connection that failed (libpq, PQerrorMessage), only the server's message.
_STATE_OF_MESSAGE = (
    (re.compile(r"password authentication failed|no password supplied"), "28P01"),
    (re.compile(r"no pg_hba\.conf entry|role \".*\" does not exist|is not permitted to log in"), "28000"),
    (re.compile(r"database \".*\" does not exist"), "3D000"),
    (re.compile(r"too many clients|too many connections|remaining connection slots"), "53300"),
    (re.compile(r"the database system is"), "57P03"),
)
_UNREACHABLE = "The database{place} does not answer; start it, or correct {setting}."


def database_fault(error: BaseException) -> str | None:
    """Return the sentence about an error of the database; ``None`` for an error with another cause."""
    found = next((each for each in _chain(error) if isinstance(each, (DjangoDatabaseError, psycopg.Error))), None)
    if found is None:
        return None
    state = _state(found)
    is_outage = any(isinstance(each, (psycopg.OperationalError, psycopg.InterfaceError)) for each in _chain(found))
    # What `make run` wrote down before it was killed leads nowhere, or to another server that refuses the password.
    if not settings.IS_DATABASE_NAMED and is_outage and state in (None, "28P01", "28000", "3D000"):
        return MAKE_RUN_IS_NOT_RUNNING
    setting = "DATABASE_URL" if settings.MIGRATION_DATABASE is None else "DATABASE_URL or DATABASE_MIGRATION_URL"
    if state is not None and state in _BY_STATE:
        return _BY_STATE[state].format(setting=setting)
    return _UNREACHABLE.format(place=_place(str(found)), setting=setting) if is_outage and state is None else None


def _state(error: BaseException) -> str | None:
    """Return the SQLSTATE of an error, from its message if it has none."""
    for each in _chain(error):
        state = getattr(each, "sqlstate", None)
        if isinstance(state, str):
            return state
    return next((state for pattern, state in _STATE_OF_MESSAGE if pattern.search(str(error))), None)


def _place(message: str) -> str:
    """Return the host and the port that refused the connection.

    A host that could not be resolved is left out: it may be a part of a password with an unescaped ``@``.
    """
    if "failed to resolve host" in message:
        return ""
    database = settings.DATABASES[DEFAULT_DB_ALIAS]
    host, port = database.get("HOST"), database.get("PORT")
    return f" at {host}, port {port or 5432}," if host and settings.MIGRATION_DATABASE is None else ""


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what caused it."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__
