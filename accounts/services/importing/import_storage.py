"""Store a batch of imported users in one statement, or find out without storing what would become of them."""

import json
import os
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from django.contrib.auth.hashers import make_password
from django.db import connection

from accounts.conf import account_settings
from accounts.importing.hashers import wrap
from accounts.importing.hashes import StorableHash, WeakHash
from accounts.importing.parsed_users import ParsedUser
from accounts.models import ImportedPerson, User

# Unique indexes decide who is new, as they do at a registration. The users come as JSON by the names of the columns, so
# that a new column of the model needs no change here. A pending registration that has the username of an added user is
# deleted with its mails.
_INSERT = """
WITH given AS (
    SELECT imported FROM json_populate_recordset(NULL::accounts_user, %(users)s) AS imported
), added AS (
    INSERT INTO accounts_user
    SELECT (imported).* FROM given ORDER BY (imported).id
    ON CONFLICT DO NOTHING
    RETURNING id, username
), marked AS (
    INSERT INTO accounts_importedperson (user_id, external_id, source, imported_at)
    SELECT added.id, known.external_id, %(source)s, %(now)s
    FROM added JOIN json_to_recordset(%(external_ids)s) AS known(user_id uuid, external_id text)
        ON known.user_id = added.id
), released AS (
    DELETE FROM accounts_pendingregistration pending USING added
    WHERE lower(pending.username) = lower(added.username)
    RETURNING pending.id
), mails AS (
    DELETE FROM accounts_outgoingmail WHERE registration_id IN (SELECT id FROM released)
)
SELECT id FROM added
"""
_TAKEN = """
SELECT EXISTS (SELECT FROM accounts_user u WHERE lower(u.username) = lower(given.username)) AS has_username,
       EXISTS (SELECT FROM accounts_user u WHERE u.email_folded = given.email_folded) AS has_address
FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS given(username, email_folded, position)
ORDER BY position
"""
# What a dry run has seen so far: it lasts as long as the connection, like the command.
_CREATE_SEEN = "CREATE TEMPORARY TABLE IF NOT EXISTS accounts_import_trial (key text PRIMARY KEY)"
_SELECT_SEEN = "SELECT key FROM accounts_import_trial WHERE key = ANY(%s)"
_INSERT_SEEN = "INSERT INTO accounts_import_trial SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING"
_DROP_SEEN = "DROP TABLE IF EXISTS accounts_import_trial"

People = dict[int, ParsedUser]  # by their line in the file


@dataclass(slots=True)
class BatchResult:
    """What became of a batch: how many were imported, how many existed already, and why which lines were refused."""

    imported: int = 0
    already: int = 0
    refused: dict[int, str] = field(default_factory=dict)


class _Taken(NamedTuple):
    """Whether a user has the username, and whether a user has the address."""

    has_username: bool
    has_address: bool


def without_known(*, people: People, source: str) -> tuple[People, int]:
    """Return the people whom this source has not imported yet, each once, and the number of the others."""
    ids = [person.external_id for person in people.values()]
    known = set(ImportedPerson.objects.filter(source=source, external_id__in=ids).values_list("external_id", flat=True))
    fresh: People = {}
    for line, person in people.items():
        if person.external_id not in known:
            known.add(person.external_id)
            fresh[line] = person
    return fresh, len(people) - len(fresh)


def without_taken(*, people: People, seen: Collection[str] = ()) -> tuple[People, dict[int, str]]:
    """Return the people whose username and address are free, and why the others are refused, by line.

    ``store`` decides again, because a person may register meanwhile. This spares the others their hash, of which a
    weak one takes a quarter of a second. Of several people with one username or address the first counts; so does what
    is in ``seen``.
    """
    taken = _taken(people)
    used, free, refused = set(seen), {}, {}
    for line, person in people.items():
        _, by_name, by_address = _keys(person)
        if taken[line].has_address or by_address in used:
            refused[line] = "email_taken"
        elif (taken[line].has_username or by_name in used) and not person.is_username_derived:
            refused[line] = "username_taken"
        else:
            free[line] = person
            used |= {by_name, by_address}
    return free, refused


def encoded_passwords(*, people: People) -> tuple[dict[int, str], set[int]]:
    """Return the password to store for each line, and the lines whose hash was weak.

    Weak hashes are wrapped on all cores, because bcrypt releases the interpreter's lock.
    """
    rounds = account_settings.BCRYPT_ROUNDS
    weak = {line: found.password for line, found in people.items() if isinstance(found.password, WeakHash)}
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        wrapped = pool.map(lambda each: wrap(inner=each.inner, weak=each.digest, rounds=rounds), weak.values())
        encoded = dict(zip(weak, wrapped, strict=True))
    for line, person in people.items():
        if line not in encoded:
            encoded[line] = (
                person.password.encoded if isinstance(person.password, StorableHash) else make_password(None)
            )
    return encoded, set(weak)


def store(*, people: People, passwords: dict[int, str], source: str, now: datetime) -> BatchResult:
    """Add the people whose username and address are free. A derived username that is taken is replaced by another one.

    Pending registrations take no username and no address: one with the username of an added user is deleted, and one
    with the address can't be confirmed any more.
    """
    outcome = BatchResult()
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


def dry_run(*, people: People, source: str) -> BatchResult:
    """Return what ``store`` would do, without storing. What earlier calls have seen counts as taken."""
    fresh, already = without_known(people=people, source=source)
    keys = {line: _keys(person) for line, person in fresh.items()}
    with connection.cursor() as cursor:
        cursor.execute(_CREATE_SEEN)
        cursor.execute(_SELECT_SEEN, [[key for three in keys.values() for key in three]])
        seen = {key for (key,) in cursor.fetchall()}
        unseen = {line: person for line, person in fresh.items() if keys[line][0] not in seen}
        free, refused = without_taken(people=unseen, seen=seen)
        cursor.execute(_INSERT_SEEN, [sorted({key for line in free for key in keys[line]})])
    return BatchResult(imported=len(free), already=already + len(fresh) - len(unseen), refused=refused)


def drop_dry_run() -> None:
    """Delete what ``dry_run`` has seen."""
    with connection.cursor() as cursor:
        cursor.execute(_DROP_SEEN)


def _insert(people: People, passwords: dict[int, str], *, source: str, now: datetime) -> People:
    """Add people in one statement; return those who were not added."""
    if not people:
        return {}
    rows = {line: _row(person, passwords[line], now) for line, person in people.items()}
    users = [
        {field.column: getattr(row, field.attname) for field in User._meta.concrete_fields} for row in rows.values()
    ]
    external_ids = [{"user_id": row.pk, "external_id": people[line].external_id} for line, row in rows.items()]
    values: dict[str, str | datetime] = {
        "users": json.dumps(users, default=str),
        "external_ids": json.dumps(external_ids, default=str),
        "source": source,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, values)
        added = {user_id for (user_id,) in cursor.fetchall()}
    return {line: people[line] for line, row in rows.items() if row.pk not in added}


def _row(person: ParsedUser, password: str, now: datetime) -> User:
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


def _taken(people: People) -> dict[int, _Taken]:
    """Return for each line what of it is taken."""
    usernames = [each.username for each in people.values()]
    addresses = [each.email_folded for each in people.values()]
    with connection.cursor() as cursor:
        cursor.execute(_TAKEN, [usernames, addresses])
        return dict(zip(people, map(_Taken._make, cursor.fetchall()), strict=True))


def _reasons(people: People) -> dict[int, str]:
    if not people:
        return {}
    return {line: "email_taken" if taken.has_address else "username_taken" for line, taken in _taken(people).items()}


def _keys(person: ParsedUser) -> tuple[str, str, str]:
    return f"x:{person.external_id}", f"u:{person.username.lower()}", f"e:{person.email_folded}"
