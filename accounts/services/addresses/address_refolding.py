"""Bring stored addresses up to the rule by which they are compared today, and put on hold what it can't decide.

Addresses used to be compared by case folding and mailed to by IDNA2003: ``straße.de`` and ``strasse.de`` were one,
and mail for the first went to the second. Most rows simply get the form that ``fold_email`` gives them. Of some nobody
can tell whose the address is; their owners are neither merged with nor exchanged for anybody: the address goes on hold.
Nobody is found by it, by sign-in, provider or reset, and nothing is mailed to it, while the account stays as it is,
with username, password, factors, connections and sessions. It ends with another address, which the owner asks for by
`POST /auth/me/email` or an operator sets by `manage.py release_address`.

Everything here is SQL of columns that the first migrations made, since a migration runs it, and it may be run again at
any time: servers of the version before may have stored rows meanwhile.
"""

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from accounts.domains import ascii_domain
from accounts.identifiers import HELD, email_key, fold_email, held_key
from accounts.providers import links

BATCH = 5000  # rows that are looked at in one transaction
_FIRST = UUID(int=0)
_NOT_ASCII = "[^\\x01-\\x7f]"

_BOUND = "SELECT id FROM accounts_user WHERE id > %(after)s ORDER BY id OFFSET %(batch)s LIMIT 1"
_ROWS = """
SELECT id, email, email_folded FROM accounts_user
WHERE id > %(after)s AND (%(bound)s::uuid IS NULL OR id <= %(bound)s)
AND email ~ %(not_ascii)s AND NOT starts_with(email_folded, %(held)s)
ORDER BY id
"""
_LOCKED = f"{_ROWS} FOR NO KEY UPDATE"
_REFOLD = """
UPDATE accounts_user u SET email_folded = given.key
FROM (
    SELECT DISTINCT ON (key) id, key FROM unnest(%(ids)s::uuid[], %(keys)s::text[]) AS each(id, key) ORDER BY key, id
) given
WHERE u.id = given.id AND NOT EXISTS (SELECT FROM accounts_user WHERE email_folded = given.key)
RETURNING u.id
"""
_HOLD = """
UPDATE accounts_user u SET email_folded = given.key, version = version + 1, updated_at = statement_timestamp()
FROM unnest(%(ids)s::uuid[], %(keys)s::text[]) AS given(id, key) WHERE u.id = given.id
"""
_IMPORTED = """
UPDATE accounts_importedperson i SET external_id = given.new
FROM unnest(%(ids)s::uuid[], %(old)s::text[], %(new)s::text[]) AS given(id, old, new)
WHERE i.user_id = given.id AND i.external_id = given.old
"""
_TOKENS = """
SELECT id, address FROM accounts_mailedtoken
WHERE used_at IS NULL AND expires_at > statement_timestamp() AND address ~ %(not_ascii)s
"""
_WITHDRAW = "UPDATE accounts_mailedtoken SET used_at = statement_timestamp() WHERE id = ANY(%s) AND used_at IS NULL"
_OF_HELD = """
UPDATE accounts_mailedtoken t SET used_at = statement_timestamp() FROM accounts_user u
WHERE u.id = t.user_id AND t.used_at IS NULL AND starts_with(u.email_folded, %(held)s) AND t.address = u.email
"""
_MAILS = """
UPDATE accounts_outgoingmail m SET dropped_at = statement_timestamp(), drop_reason = 'address_on_hold'
FROM accounts_user u WHERE u.id = m.user_id AND m.sent_at IS NULL AND m.dropped_at IS NULL
AND starts_with(u.email_folded, %(held)s) AND m.address = u.email
"""
_LIST = """
SELECT id, username, email FROM accounts_user WHERE starts_with(email_folded, %(held)s) ORDER BY id LIMIT %(limit)s
"""
_COUNT = "SELECT count(*) FROM accounts_user WHERE starts_with(email_folded, %(held)s)"


class Reason(StrEnum):
    """Why an address is on hold."""

    LOCAL_PART = "local_part_not_ascii"  # no mail ever arrived there, and no system agrees with another on its case
    DOMAIN_INVALID = "domain_invalid"
    DOMAIN_CHANGED = "domain_changed"  # what was mailed to it went to another domain, whose owner may have confirmed it
    TAKEN = "address_taken"  # somebody else has the same address by today's rule


@dataclass(slots=True)
class Result:
    """What became of the rows that were not by the rule."""

    refolded: int = 0
    held: dict[UUID, Reason] = field(default_factory=dict)
    withdrawn: int = 0

    def by_reason(self) -> dict[str, int]:
        return dict(Counter(map(str, self.held.values())))


@dataclass(frozen=True, slots=True)
class Held:
    """Somebody whose address is on hold."""

    id: UUID
    username: str
    email: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Connection:
    """An account of a provider that was joined to somebody's because two different addresses counted as one."""

    id: UUID
    username: str
    provider: str


def judge(email: str) -> tuple[str, Reason | None]:
    """Return the folded form of an address that was stored by the former rule; or why nobody can tell whose it is."""
    key = email_key(email)
    local, _, domain = email.rpartition("@")
    encoded = ascii_domain(domain)
    if key is None:
        return "", Reason.LOCAL_PART if encoded and not local.isascii() else Reason.DOMAIN_INVALID
    if _as_mailed(domain) not in (encoded, None):
        return "", Reason.DOMAIN_CHANGED
    return key, None


def refold(*, is_first: bool = False, is_trial: bool = False, batch: int = BATCH, at: Any = connection) -> Result:
    """Give every row the form of today's rule, or put its address on hold; ``at`` is the database's connection.

    In transactions of ``batch`` rows looked at, so that it may be killed and run again. Whoever has a form keeps it; of
    several who come to the same one the oldest account gets it, and for the others it is taken. The first time, before
    any server works by today's rule, links that were mailed to doubtful addresses are withdrawn, whoever's they are. A
    trial changes nothing; it does not see what two batches would do to each other.
    """
    result = Result()
    after: UUID | None = _FIRST
    while after is not None:
        with transaction.atomic(using=at.alias), at.cursor() as cursor:
            bound = _bound(cursor, after, batch)
            cursor.execute(_LOCKED, _parameters(after, bound))
            _refold_rows(at, cursor.fetchall(), result)
            result.withdrawn += _withdraw(cursor, is_first=is_first) if bound is None else 0
            transaction.set_rollback(is_trial, using=at.alias)
        after = bound
    return result


def behind() -> int:
    """Return how many rows are not by today's rule, without locking any."""
    found = 0
    after: UUID | None = _FIRST
    while after is not None:
        with connection.cursor() as cursor:
            bound = _bound(cursor, after, BATCH)
            cursor.execute(_ROWS, _parameters(after, bound))
            found += sum(email_key(email) != former for _id, email, former in cursor.fetchall())
        after = bound
    return found


def held(*, most: int) -> Iterator[Held]:
    """Yield the people whose address is on hold, the oldest accounts first."""
    with connection.cursor() as cursor:
        cursor.execute(_LIST, {"held": HELD, "limit": most})
        rows = cursor.fetchall()
    for user_id, username, email in rows:
        yield Held(user_id, username, email, judge(email)[1] or Reason.TAKEN)


def count_held() -> int:
    """Return how many addresses are on hold."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"held": HELD})
        return int(cursor.fetchone()[0])


def connections_by_former_rule() -> list[Connection]:
    """Return which accounts of providers were joined by an address that is another one by today's rule."""
    return [
        Connection(found.user_id, found.username, found.provider)
        for found in links.list_addresses_matching(_NOT_ASCII)
        if found.reported
        and former_fold(found.stored) == former_fold(found.reported)
        and fold_email(found.stored) != fold_email(found.reported)
    ]


def former_fold(address: str) -> str:
    """Return what addresses used to be compared by."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", address).casefold())


def _bound(cursor: Any, after: UUID, batch: int) -> UUID | None:
    cursor.execute(_BOUND, {"after": after, "batch": batch - 1})
    row = cursor.fetchone()
    return row[0] if row else None


def _parameters(after: UUID, bound: UUID | None) -> dict[str, Any]:
    return {"after": after, "bound": bound, "not_ascii": _NOT_ASCII, "held": HELD}


def _refold_rows(at: Any, rows: list[tuple[UUID, str, str]], result: Result) -> None:
    """Refold a batch of rows (id, address, stored form) or put their addresses on hold, and add that to the result."""
    keys: dict[UUID, str] = {}
    former: dict[UUID, str] = {}
    held: dict[UUID, Reason] = {}
    for user_id, email, stored in rows:
        if email_key(email) == stored:
            continue
        key, reason = judge(email)
        if reason is None:
            keys[user_id], former[user_id] = key, stored
        else:
            held[user_id] = reason
    taken = _take(at, keys)
    held |= dict.fromkeys(keys.keys() - taken, Reason.TAKEN)
    with at.cursor() as cursor:
        # Rows of a dump without ids are known by their address.
        ids = list(taken)
        old, new = ([_import_key(of[user_id]) for user_id in ids] for of in (former, keys))
        cursor.execute(_IMPORTED, {"ids": ids, "old": old, "new": new})
        cursor.execute(_HOLD, {"ids": list(held), "keys": [held_key(user_id) for user_id in held]})
    result.refolded += len(taken)
    result.held |= held


def _take(at: Any, keys: dict[UUID, str]) -> set[UUID]:
    """Give people these forms where nobody has them; return who has got theirs."""
    try:
        with transaction.atomic(using=at.alias), at.cursor() as cursor:
            cursor.execute(_REFOLD, {"ids": list(keys), "keys": list(keys.values())})
            return {user_id for (user_id,) in cursor.fetchall()}
    except IntegrityError:
        # Somebody registered with one of them at this moment, and has committed: the next look sees it.
        return _take(at, keys)


def _import_key(key: str) -> str:
    return f"address:{hashlib.sha256(key.encode()).hexdigest()}"


def _withdraw(cursor: Any, *, is_first: bool) -> int:
    """Make links worthless that were mailed by the former rule to nobody knows whom, and send no more of them."""
    doubtful: list[UUID] = []
    if is_first:
        cursor.execute(_TOKENS, {"not_ascii": _NOT_ASCII})
        doubtful = [token_id for token_id, address in cursor.fetchall() if judge(address)[1] is not None]
    withdrawn = 0
    for sql, parameters in ((_WITHDRAW, [doubtful]), (_OF_HELD, {"held": HELD})):
        cursor.execute(sql, parameters)
        withdrawn += cursor.rowcount
    cursor.execute(_MAILS, {"held": HELD})
    return withdrawn


def _as_mailed(domain: str) -> str | None:
    """Return the domain to which Django sent by IDNA2003, ``None`` where it sent nothing."""
    try:
        return domain.encode("idna").decode().lower()
    except UnicodeError:
        return None
