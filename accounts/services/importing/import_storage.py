"""Store a batch of imported people in one statement, or find out what would become of them."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import connection

from accounts.conf import account_settings
from accounts.imported_hashers import wrap
from accounts.imports.hashes import Kept, Weak
from accounts.imports.people import Person
from accounts.models import ImportedPerson, User

# Unique indexes decide who is new, as they do at a registration.
_INSERT = """
WITH given AS (
    SELECT * FROM unnest({arrays}) AS given({columns}, external_id)
), added AS (
    INSERT INTO {users} ({columns}) SELECT {columns} FROM given ORDER BY id ON CONFLICT DO NOTHING RETURNING id
), marked AS (
    INSERT INTO {imported} (user_id, external_id, source, imported_at)
    SELECT given.id, given.external_id, %(source)s, %(now)s FROM added JOIN given ON given.id = added.id
), released AS (
    DELETE FROM accounts_pendingregistration p USING added JOIN given ON given.id = added.id
    WHERE lower(p.username) = lower(given.username) RETURNING p.id
), mails AS (
    DELETE FROM accounts_outgoingmail WHERE registration_id IN (SELECT id FROM released)
)
SELECT id FROM added
"""
_TAKEN = """
SELECT EXISTS (SELECT FROM {users} u WHERE lower(u.username) = lower(given.username)),
       EXISTS (SELECT FROM {users} u WHERE u.email_folded = given.email_folded)
FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS given(username, email_folded, place) ORDER BY place
"""
_TRIAL = "CREATE TEMPORARY TABLE IF NOT EXISTS accounts_import_trial (key text PRIMARY KEY)"

People = dict[int, Person]  # by the line that they stand in


@dataclass(slots=True)
class Outcome:
    """What became of some people: how many are new, how many were there, and which lines were not taken, and why."""

    imported: int = 0
    already: int = 0
    refused: dict[int, str] = field(default_factory=dict)


def without_known(*, people: People, source: str) -> tuple[People, int]:
    """Return whom this source has not given us yet, each once, and how many of the others there are."""
    ids = [person.external_id for person in people.values()]
    known = set(ImportedPerson.objects.filter(source=source, external_id__in=ids).values_list("external_id", flat=True))
    fresh: People = {}
    for line, person in people.items():
        if person.external_id not in known:
            known.add(person.external_id)
            fresh[line] = person
    return fresh, len(people) - len(fresh)


def encoded_passwords(*, people: People) -> tuple[dict[int, str], int]:
    """Return what to store as each one's password, and how many of them were weak.

    Weak hashes are wrapped on all cores: bcrypt lets other threads run.
    """
    rounds = account_settings.BCRYPT_ROUNDS
    weak = {line: found.password for line, found in people.items() if isinstance(found.password, Weak)}
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        wrapped = pool.map(lambda each: wrap(inner=each.inner, weak=each.digest, rounds=rounds), weak.values())
        encoded = dict(zip(weak, wrapped, strict=True))
    for line, person in people.items():
        if line not in encoded:
            encoded[line] = person.password.encoded if isinstance(person.password, Kept) else make_password(None)
    return encoded, len(weak)


def store(*, people: People, passwords: dict[int, str], source: str, now: datetime) -> Outcome:
    """Add people whom nobody is in the way of. Who has a derived name that is taken gets another one.

    A registration that waits for its confirmation is in nobody's way: one with the name of somebody who is added is
    removed, one with the address can't be confirmed any more.
    """
    outcome = Outcome()
    left = _insert(people, passwords, source=source, now=now)
    outcome.imported = len(people) - len(left)
    if left:
        renamed: People = {}
        for line, reason in _reasons(left).items():
            person = left[line]
            if reason == "username_taken" and person.is_username_derived:
                person.username = person.another_username()
                renamed[line] = person
            else:
                outcome.refused[line] = reason
        still_left = _insert(renamed, passwords, source=source, now=now)
        outcome.imported += len(renamed) - len(still_left)
        outcome.refused.update(_reasons(still_left))
    return outcome


def judge(*, people: People, source: str) -> Outcome:
    """Find out what would become of people, without storing any; names seen by earlier calls count as taken."""
    fresh, already = without_known(people=people, source=source)
    outcome = Outcome(already=already)
    taken = _taken(fresh)
    keys = {line: _keys(person) for line, person in fresh.items()}
    with connection.cursor() as cursor:
        cursor.execute(_TRIAL)
        cursor.execute(
            "SELECT key FROM accounts_import_trial WHERE key = ANY(%s)",
            [[key for three in keys.values() for key in three]],
        )
        seen = {key for (key,) in cursor.fetchall()}
        mine: set[str] = set()
        for line, person in fresh.items():
            by_id, by_name, by_address = keys[line]
            has_name, has_address = taken[line]
            if by_id in seen:
                outcome.already += 1
                continue
            if has_address or by_address in seen:
                outcome.refused[line] = "email_taken"
            elif (has_name or by_name in seen) and not person.is_username_derived:
                outcome.refused[line] = "username_taken"
            else:
                outcome.imported += 1
                seen.update(keys[line])
                mine.update(keys[line])
        cursor.execute(
            "INSERT INTO accounts_import_trial SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING", [sorted(mine)]
        )
    return outcome


def forget_trial() -> None:
    """Drop what :func:`judge` remembers."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS accounts_import_trial")


def _insert(people: People, passwords: dict[int, str], *, source: str, now: datetime) -> People:
    """Add people in one statement; return those who are not added."""
    if not people:
        return {}
    rows = {line: _row(person, passwords[line], now) for line, person in people.items()}
    fields = User._meta.concrete_fields
    values: dict[str, Any] = {
        f"f_{field.column}": [field.get_db_prep_save(getattr(row, field.attname), connection) for row in rows.values()]
        for field in fields
    }
    values |= {"external_ids": [person.external_id for person in people.values()], "source": source, "now": now}
    with connection.cursor() as cursor:
        cursor.execute(_insert_sql(), values)
        added = {user_id for (user_id,) in cursor.fetchall()}
    return {line: people[line] for line, row in rows.items() if row.pk not in added}


def _row(person: Person, password: str, now: datetime) -> User:
    return User(
        username=person.username,
        email=person.email,
        email_folded=person.email_folded,
        password=password,
        full_name=person.full_name,
        locale=person.locale,
        is_active=person.is_active,
        email_confirmed_at=person.email_confirmed_at,
        created_at=person.created_at or now,
        updated_at=now,
    )


@cache
def _insert_sql() -> str:
    fields = User._meta.concrete_fields
    # Without a length: a cast to one cuts in silence.
    arrays = [f"%(f_{field.column})s::{str(field.db_type(connection)).partition('(')[0]}[]" for field in fields]
    return _INSERT.format(
        arrays=", ".join([*arrays, "%(external_ids)s::text[]"]),
        columns=", ".join(connection.ops.quote_name(str(field.column)) for field in fields),
        users=connection.ops.quote_name(User._meta.db_table),
        imported=connection.ops.quote_name(ImportedPerson._meta.db_table),
    )


def _taken(people: People) -> dict[int, tuple[bool, bool]]:
    """Return for each whether somebody has the name, and whether somebody has the address."""
    with connection.cursor() as cursor:
        cursor.execute(
            _TAKEN.format(users=connection.ops.quote_name(User._meta.db_table)),
            [[each.username for each in people.values()], [each.email_folded for each in people.values()]],
        )
        return dict(zip(people, cursor.fetchall(), strict=True))


def _reasons(people: People) -> dict[int, str]:
    if not people:
        return {}
    return {line: "email_taken" if by_email else "username_taken" for line, (_name, by_email) in _taken(people).items()}


def _keys(person: Person) -> tuple[str, str, str]:
    return f"x:{person.external_id}", f"u:{person.username.lower()}", f"e:{person.email_folded}"
