"""Count the errors of PostgreSQL by their kind. Violated constraints are answers, and not counted."""

import psycopg
from psycopg.errors import _WaitTimeout

from cedrina_base.measures import OTHER, Counter

CONNECTION, CIRCUIT_OPEN, SILENT = "connection", "circuit_open", "silent"
_INTEGRITY = "23"
# By the whole SQLSTATE, then by its class (PostgreSQL, appendix A).
_BY_STATE = {
    "57014": "statement_timeout",
    "55P03": "lock_timeout",
    "40P01": "deadlock",
    "40001": "serialization",
    "25006": "read_only",
    "42501": "privilege",
}
_BY_CLASS = {"08": CONNECTION, "53": "resources", "57": CONNECTION}
KINDS = (CONNECTION, CIRCUIT_OPEN, SILENT, *_BY_STATE.values(), "resources", OTHER)
ERRORS = Counter("database_errors_total", "Errors of PostgreSQL, by kind.", ["kind"], known=[(kind,) for kind in KINDS])


def count_error(error: psycopg.Error | _WaitTimeout) -> None:
    """Count an error of a statement."""
    state = getattr(error, "sqlstate", None) or ""
    if not state.startswith(_INTEGRITY):
        ERRORS.count(kind_of(error, state))


def kind_of(error: BaseException, state: str) -> str:
    """Return the kind of an error with a SQLSTATE, empty if the server sent none."""
    if isinstance(error, _WaitTimeout):
        return SILENT
    if not state:
        is_lost = isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))
        return CONNECTION if is_lost else OTHER
    return _BY_STATE.get(state) or _BY_CLASS.get(state[:2], OTHER)
