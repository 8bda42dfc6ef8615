"""For how long events are kept: the terms of the settings, and those that the owner of the tables has stored.

The functions that delete use the longer one of both. So whoever takes over a server can't delete events before their
term, and a longer term counts as soon as it is set. A shorter one counts after ``migrate``.
"""

import json
import math
from collections.abc import Collection, Mapping

from django.db import connection, transaction

from security_events.conf import security_event_settings

SHORTEST_DAYS = 7
OTHERS = "*"
LEAVES = "#leaves"

Terms = Mapping[str, int | None]
"""Days by category; under ``OTHERS`` for all that aren't named; under ``LEAVES`` for hashes. ``None``: for ever."""


def is_installed() -> bool:
    """Say whether the table of terms exists: after migration 0011."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('security_events_retention_term') IS NOT NULL")
        return bool(cursor.fetchone()[0])


def configured_terms() -> Terms:
    """Return the terms of the settings."""
    return {
        OTHERS: security_event_settings.RETENTION_DAYS,
        **security_event_settings.RETENTION_DAYS_BY_CATEGORY,
        LEAVES: security_event_settings.LEAF_RETENTION_DAYS,
    }


def stored_terms() -> Terms:
    """Return the terms that the database keeps to."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, days FROM security_events_retention_term")
        return dict(cursor.fetchall())


def store_terms() -> bool:
    """Store the terms of the settings; return whether they are others. Only the owner of the tables may."""
    terms = configured_terms()
    with transaction.atomic():
        if stored_terms() == terms:
            return False
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM security_events_retention_term")
            cursor.executemany("INSERT INTO security_events_retention_term VALUES (%s, %s)", list(terms.items()))
    return True


def days_of(category: str, terms: Terms) -> int | None:
    """Return the term of a category; ``None``: its events are kept for ever."""
    return terms[category] if category in terms else terms.get(OTHERS)


def effective_terms(categories: Collection[str]) -> Terms:
    """Return the terms of these categories, and that of leaves: the longer of the settings and the stored ones."""
    configured, stored = configured_terms(), stored_terms()
    return {name: _longer(days_of(name, configured), days_of(name, stored)) for name in {*categories, LEAVES, OTHERS}}


def as_json(terms: Terms) -> str:
    """Return terms as the functions of the database take them."""
    return json.dumps(dict(terms))


def length(days: int | None) -> float:
    """Return a term as a number to compare."""
    return math.inf if days is None else days


def _longer(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else max(one, other)
